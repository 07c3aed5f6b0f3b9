"""Rerankers in the shapes of Cohere, Jina and TEI."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from resift.models.bundled import RERANKER_FOLDER
from resift.server.http.plain.cohere import MAX_DOC_TOKENS, RerankResponse, reranker_named
from resift.server.http.plain.tei import TeiRank
from resift.tests.server.http.application import client_of, engine_of
from resift.tests.standins.chat import chat_stand_in
from resift.tests.standins.http import Answer
from resift.tests.standins.rerank import rerank_stand_in

pytestmark = pytest.mark.anyio

RERANKER_NAME = "resift-reranker-l6"
QUERY = "what do bees do"
TEXTS = ["The pump hums at night.", "Bees dance to tell where flowers are.", "Worn brake pads squeal."]


@pytest.fixture
async def plain(tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(engine_of(tmp_path)) as opened:
        yield opened


async def ask(client: httpx.AsyncClient, path: str, status: int = 200, **body: Any) -> Any:
    response = await client.post(path, json=body)
    assert response.status_code == status, response.text
    return response.json()


@pytest.mark.parametrize("path", ["/v1/rerank", "/v2/rerank"])
async def test_documents_are_ordered_and_named_by_their_position(plain: httpx.AsyncClient, path: str) -> None:
    answer = await ask(plain, path, model="rerank-v3.5", query=QUERY, documents=TEXTS)
    RerankResponse.model_validate(answer, extra="forbid")
    assert answer["results"][0]["index"] == 1
    assert sorted(each["index"] for each in answer["results"]) == [0, 1, 2]
    scores = [each["relevance_score"] for each in answer["results"]]
    assert scores == sorted(scores, reverse=True)
    assert all(0 <= score <= 1 for score in scores)
    assert answer["meta"]["api_version"]["version"] == path[2]
    assert answer["model"] == RERANKER_NAME


async def test_top_n_and_documents_are_returned_as_asked(plain: httpx.AsyncClient) -> None:
    objects = [{"text": TEXTS[0]}, {"text": TEXTS[1], "page": 7}, TEXTS[2]]
    answer = await ask(plain, "/v1/rerank", query=QUERY, documents=objects, top_n=2, return_documents=True)
    assert len(answer["results"]) == 2
    assert answer["results"][0]["document"] == objects[1]
    many = await ask(plain, "/v1/rerank", query="brakes that squeal", documents=objects, top_n=9, return_documents=True)
    assert many["results"][0]["document"] == {"text": TEXTS[2]}
    assert len(many["results"]) == 3
    assert "document" not in (await ask(plain, "/v2/rerank", query=QUERY, documents=TEXTS))["results"][0]


async def test_fields_of_objects_are_read_in_the_order_asked(plain: httpx.AsyncClient) -> None:
    objects = [{"title": "Bees dance", "text": TEXTS[0]}, {"title": "Pumps", "text": TEXTS[1]}]
    by_text = await ask(plain, "/v1/rerank", query=QUERY, documents=objects)
    by_title = await ask(plain, "/v1/rerank", query=QUERY, documents=objects, rank_fields=["title"])
    assert by_text["results"][0]["index"] == 1
    assert by_title["results"][0]["index"] == 0


async def test_documents_are_read_up_to_the_tokens_asked(plain: httpx.AsyncClient) -> None:
    hidden = "The pump hums at night and all day long. " + TEXTS[1]
    whole = await ask(plain, "/v2/rerank", query=QUERY, documents=[hidden, TEXTS[2]])
    part = await ask(plain, "/v2/rerank", query=QUERY, documents=[hidden, TEXTS[2]], max_tokens_per_doc=5)
    assert whole["results"][0]["relevance_score"] > part["results"][0]["relevance_score"]
    assert part["usage"]["total_tokens"] == 2 * 4 + 5 + 5
    null = await ask(plain, "/v2/rerank", query=QUERY, documents=[hidden], max_tokens_per_doc=None, top_n=None)
    assert null["usage"]["total_tokens"] < MAX_DOC_TOKENS


async def test_tokens_are_those_of_the_reranker(plain: httpx.AsyncClient) -> None:
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(RERANKER_FOLDER / "tokenizer.json"))
    expected = sum(len(tokenizer.encode(QUERY, text, add_special_tokens=False).ids) for text in TEXTS)
    answer = await ask(plain, "/v1/rerank", query=QUERY, documents=TEXTS)
    assert answer["usage"]["total_tokens"] == answer["meta"]["tokens"]["input_tokens"] == expected


def test_models_of_vendors_mean_the_default_and_others_are_left_as_they_are() -> None:
    known = ["default", "none", "cross-encoder", "maxsim", "rerank-mine"]
    for name in ("", "rerank-v3.5", "rerank-english-v3.0", "cohere/rerank-v3.5", "jina-reranker-v2-base-multilingual"):
        assert reranker_named(name, known) == "default"
    for name in ("maxsim", "rerank-mine", "maxsin", "gpt-5", "jina-embeddings-v3"):
        assert reranker_named(name, known) == name


async def test_reranker_of_the_server_is_chosen_by_its_name(plain: httpx.AsyncClient) -> None:
    answer = await ask(plain, "/v2/rerank", model="maxsim", query=QUERY, documents=TEXTS)
    assert answer["model"] != RERANKER_NAME
    assert answer["results"][0]["index"] == 1
    unknown = await ask(plain, "/v2/rerank", 404, model="maxsin", query=QUERY, documents=TEXTS)
    assert "Did you mean 'maxsim'?" in unknown["message"]


async def test_long_documents_are_answered_with_a_warning(plain: httpx.AsyncClient) -> None:
    long = "The pump hums at night. " * 600
    answer = await ask(plain, "/v2/rerank", query=QUERY, documents=[long, TEXTS[1]])
    assert answer["meta"]["warnings"] == ["A passage is longer than the reranker reads; only its beginning was read."]


async def test_reranker_that_fails_is_an_error_and_not_an_order(tmp_path: Path) -> None:
    with rerank_stand_in() as stand_in:
        row = {"kind": "tei", "url": stand_in.root}
        async with client_of(engine_of(tmp_path, rerankers={"remote": row})) as client:
            assert (await ask(client, "/v1/rerank", model="remote", query="hums", documents=TEXTS))["results"]
            stand_in.always = Answer({"error": "overloaded"}, 400)
            for path, body in (("/v1/rerank", {"documents": TEXTS}), ("/v2/rerank", {"documents": TEXTS})):
                answer = await ask(client, path, 503, model="remote", query="other words", **body)
                assert "The documents were not reranked" in answer["message"]
                assert "overloaded" in answer["message"]


async def test_query_that_the_reranker_cannot_read_is_refused_for_good(plain: httpx.AsyncClient) -> None:
    for path, field in (("/v1/rerank", "documents"), ("/v2/rerank", "documents"), ("/rerank", "texts")):
        answer = await ask(plain, path, 422, query="如何重置路由器", **{field: TEXTS})
        assert "Choose a reranker for its language." in answer["message"]
        assert "Try again" not in answer["message"]


async def test_tei_ranks_texts_with_probabilities_or_raw_scores(plain: httpx.AsyncClient) -> None:
    ranks = await ask(plain, "/rerank", query=QUERY, texts=TEXTS, return_text=True, truncate=True)
    raw = await ask(plain, "/rerank", query=QUERY, texts=TEXTS, raw_scores=True)
    for rank in [*ranks, *raw]:
        TeiRank.model_validate(rank, extra="forbid")
    assert ranks[0]["text"] == TEXTS[1]
    assert [each["index"] for each in ranks] == [each["index"] for each in raw]
    assert all(0 <= each["score"] <= 1 for each in ranks)
    assert raw[0]["score"] > 1
    assert "text" not in raw[0]


async def test_cascade_whose_second_stage_reads_less_scores_every_text(tmp_path: Path) -> None:
    rows = {"two": {"stages": ["maxsim", "cross-encoder:1"]}}
    async with client_of(engine_of(tmp_path, rerankers=rows, rerank={"default": "two"})) as client:
        for raw in (True, False):
            ranks = await ask(client, "/rerank", query=QUERY, texts=TEXTS, raw_scores=raw)
            assert ranks[0]["index"] == 1
            assert len(ranks) == 3
        answer = await ask(client, "/v2/rerank", query=QUERY, documents=TEXTS)
        assert len(answer["results"]) == 3
        assert answer["model"] == RERANKER_NAME


async def test_language_model_that_only_orders_gives_one_by_rank_and_an_error_if_it_fails(tmp_path: Path) -> None:
    with chat_stand_in() as model:
        model.rule = lambda body, seen: "Bees" not in seen.text
        engine = engine_of(
            tmp_path,
            OPENAI_BASE_URL=model.url,
            llm={"model": "small", "retries": 0},
            rerankers={"two": {"stages": ["llm:2"]}},
            rerank={"default": "two"},
        )
        async with client_of(engine) as client:
            answer = await ask(client, "/v2/rerank", query=QUERY, documents=TEXTS)
            found = [(each["index"], each["relevance_score"]) for each in answer["results"]]
            assert found == [(1, 1.0), (0, 0.5), (2, 0.333333)]
            for raw in (True, False):
                ranks = await ask(client, "/rerank", query=QUERY, texts=TEXTS, raw_scores=raw)
                assert [(each["index"], each["score"]) for each in ranks] == found
            model.rule = None
            failed = await ask(client, "/v2/rerank", 503, query="what hums", documents=TEXTS)
            assert "The documents were not reranked" in failed["message"]


@pytest.mark.parametrize(
    ("path", "body", "part"),
    [
        ("/v1/rerank", {"documents": []}, "documents: needs at least 1 item, not 0. Correct"),
        ("/v1/rerank", {"documents": ["x"] * 201}, "at most 200"),
        ("/v1/rerank", {"documents": ["x", " "]}, "from 0: 1"),
        ("/v1/rerank", {"documents": [{"image": "bees.png"}]}, '"text"'),
        ("/v1/rerank", {"documents": ["x"], "top_n": 0}, "top_n"),
        ("/v1/rerank", {"documents": ["x"], "top_k": 3}, "unknown argument 'top_k'. Did you mean 'top_n'?"),
        ("/v1/rerank", {"texts": ["x"]}, "Did you mean 'documents'?"),
        ("/v1/rerank", {"documents": ["x"], "model": "none"}, "reorders nothing"),
        ("/v1/rerank", {"documents": ["x" * 200_001], "query": "y"}, "limit of 200,000"),
        ("/rerank", {"texts": [""]}, "from 0: 0"),
        ("/rerank", {"documents": ["x"]}, "unknown argument 'documents'. Known: query, texts"),
        ("/rerank", {"texts": ["x"], "truncation_direction": "Left"}, "truncation_direction"),
    ],
)
async def test_what_cannot_be_ranked_is_refused_with_its_field(
    plain: httpx.AsyncClient, path: str, body: dict[str, Any], part: str
) -> None:
    answer = await ask(plain, path, 422, **{"query": QUERY, **body})
    assert part in answer["message"]
    assert answer["message"] == answer["detail"] == answer["error"]["message"]
