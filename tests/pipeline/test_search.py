"""Searches from the request to the page, over the bundled models and the embedded store."""

from dataclasses import replace

import pytest

from resift.core.errors import InvalidInput, NotFound
from resift.core.values import Passage
from resift.factories.engine import Engine
from resift.pipeline.page import Page
from resift.pipeline.request import SearchRequest
from resift.pipeline.search import Pipeline

pytestmark = [pytest.mark.anyio, pytest.mark.slow]

BLIND_SPOT = "warning about cars in the blind spot"


@pytest.fixture
def pipeline(engine_with_documents: Engine) -> Pipeline:
    return engine_with_documents.services.pipeline


def documents(page: Page) -> list[str]:
    return [hit.passage.document_id for hit in page.hits]


def passages(page: Page) -> list[str]:
    return [hit.passage.id for hit in page.hits]


async def test_passage_that_answers_comes_first(pipeline: Pipeline) -> None:
    for reranker in ("none", "default"):
        page = await pipeline.search(SearchRequest(BLIND_SPOT, reranker=reranker, limit=3))
        assert documents(page)[0] == "radar"
        assert page.more
        assert len(page.hits) == 3


async def test_stages_are_reported_in_their_order(pipeline: Pipeline) -> None:
    page = await pipeline.search(SearchRequest(BLIND_SPOT, reranker="maxsim", depth=5))
    assert [stage.name for stage in page.stages] == ["encode", "search", "rerank"]
    assert page.stages[-1].received == 5
    assert all(stage.milliseconds >= 0 for stage in page.stages)
    assert [hit.rank for hit in page.hits] == list(range(1, 11))
    assert sorted(hit.was for hit in page.hits[:5]) == [1, 2, 3, 4, 5]


async def test_weight_of_zero_keeps_the_order_of_retrieval(pipeline: Pipeline) -> None:
    page = await pipeline.search(SearchRequest("grease the thread", reranker="maxsim", rerank_weight=0.0))
    assert [hit.was for hit in page.hits] == [hit.rank for hit in page.hits]


@pytest.mark.parametrize("reranker", ["none", "maxsim"])
async def test_pages_follow_each_other(pipeline: Pipeline, reranker: str) -> None:
    whole = await pipeline.search(SearchRequest("tighten the bolt", limit=12, depth=6, reranker=reranker))
    pages = [
        await pipeline.search(SearchRequest("tighten the bolt", limit=4, offset=offset, depth=6, reranker=reranker))
        for offset in (0, 4, 8)
    ]
    assert [each for page in pages for each in passages(page)] == passages(whole)
    assert [page.offset for page in pages] == [0, 4, 8]


async def test_page_after_the_end_is_empty_and_the_last(pipeline: Pipeline) -> None:
    page = await pipeline.search(SearchRequest("tighten the bolt", offset=150, limit=10, reranker="none"))
    assert (passages(page), page.more) == ([], False)


async def test_filter_and_mode_are_obeyed(pipeline: Pipeline) -> None:
    page = await pipeline.search(
        SearchRequest("battery", mode="keyword", reranker="none", filter={"system": "electrics", "year": {"lt": 2020}})
    )
    assert set(documents(page)) == {"battery"}
    page = await pipeline.search(
        SearchRequest("safety", reranker="none", filter={"tags": "safety", "oem": True, "since": {"gte": "2022-01-01"}})
    )
    assert set(documents(page)) == {"radar"}


async def test_title_search_finds_by_title(pipeline: Pipeline) -> None:
    page = await pipeline.search(
        SearchRequest("Starter battery", mode="dense", fields={"title": 1}, limit=1, reranker="none")
    )
    assert documents(page) == ["battery"]


@pytest.mark.parametrize(
    ("request_", "error", "message"),
    [
        (SearchRequest(""), InvalidInput, "The query is empty"),
        (SearchRequest("x" * 2**20), InvalidInput, "1,048,576 characters, more than"),
        (
            SearchRequest("x", reranker="maxsum"),
            NotFound,
            r"Unknown reranker 'maxsum'\. Did you mean 'maxsim'\? Known: default, none",
        ),
        (
            SearchRequest("x", collection="defalt"),
            NotFound,
            "No collection 'defalt'. Did you mean 'default'. Known: default",
        ),
        (
            SearchRequest("x", filter={"sistem": "engine"}),
            InvalidInput,
            "Unknown filter field 'sistem'. Did you mean 'system'",
        ),
    ],
)
async def test_unusable_request_is_refused_with_the_next_step(
    pipeline: Pipeline, request_: SearchRequest, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        await pipeline.search(request_)


async def test_verdict_comes_from_the_relevance_of_the_best_hit(pipeline: Pipeline) -> None:
    page = await pipeline.search(SearchRequest(BLIND_SPOT, reranker="maxsim"))
    assert all(hit.relevance is not None and 0 <= hit.relevance <= 1 for hit in page.hits)
    assert page.verdict in {"good", "weak"}
    keyword = await pipeline.search(SearchRequest("battery", mode="keyword", reranker="none"))
    assert keyword.verdict == "unknown"
    assert keyword.hits[0].relevance is None
    assert (await pipeline.search(SearchRequest("xyzzy", mode="keyword", reranker="none"))).verdict == "none"


@pytest.mark.parametrize("reranker", ["none", "maxsim", "default"])
async def test_question_without_an_answer_is_told_from_one_with_an_answer(pipeline: Pipeline, reranker: str) -> None:
    answered, unanswered = [
        await pipeline.search(SearchRequest(query, reranker=reranker))
        for query in (BLIND_SPOT, "recipe for a lemon cake")
    ]
    assert answered.verdict in {"good", "weak"}
    assert unanswered.verdict == "none"
    assert max(hit.relevance or 0.0 for hit in unanswered.hits) < 0.1


async def test_hits_below_the_least_relevance_are_left_out_and_counted(pipeline: Pipeline) -> None:
    full = await pipeline.search(SearchRequest(BLIND_SPOT, reranker="none"))
    least = sorted(hit.relevance or 0.0 for hit in full.hits)[-2]
    page = await pipeline.search(SearchRequest(BLIND_SPOT, min_relevance=least, reranker="none"))
    assert len(page.hits) == 2
    assert f"below min_relevance {least} were left out, the best with " in page.notes[-1]
    assert page.verdict == full.verdict
    nothing = await pipeline.search(SearchRequest(BLIND_SPOT, min_relevance=1.0, reranker="none"))
    assert (passages(nothing), nothing.more, nothing.verdict) == ([], False, full.verdict)


@pytest.mark.parametrize("reranker", ["none", "maxsim", "default"])
async def test_instruction_without_an_able_reranker_is_noted_and_leaves_the_order(
    pipeline: Pipeline, reranker: str
) -> None:
    request = SearchRequest("what wears or loses capacity", reranker=reranker)  # the best answers have dates
    plain = await pipeline.search(request)
    for instruction in ("prefer recent", "prefer official sources"):
        page = await pipeline.search(replace(request, instruction=instruction))
        assert [(hit.passage.id, hit.score) for hit in page] == [(hit.passage.id, hit.score) for hit in plain]
        assert page.notes == [
            "The instruction was not followed. No reranker that follows one is configured. "
            "With any reranker, `recency` prefers newer passages, and `boost` values of a field."
        ]
    assert (await pipeline.search(replace(request, instruction=" "))).notes == plain.notes == []


async def test_search_by_examples_alone_reranks_nothing_and_says_so(pipeline: Pipeline) -> None:
    page = await pipeline.search(SearchRequest(like=["manual#0"]))
    assert documents(page)[0] == "manual"
    assert [stage.name for stage in page.stages] == ["encode", "search"]
    assert page.notes == ["Nothing was reranked: there is no query to compare passages with."]
    assert (await pipeline.search(SearchRequest(like=["manual#0"], reranker="none"))).notes == []


async def test_loose_passages_are_reranked_and_keep_their_names(pipeline: Pipeline) -> None:
    texts = ["Bananas are yellow.", "The radar warns of cars beside you.", "A battery stores energy."]
    loose = [Passage(f"mine-{number}", -1, text=text) for number, text in enumerate(texts)]
    page = await pipeline.rerank(BLIND_SPOT, loose, limit=2)
    assert passages(page)[0] == "mine-1"
    assert page.hits[0].was == 2
    assert [hit.rank for hit in page.hits] == [1, 2]
    assert (page.more, len(page.hits)) == (True, 2)
    assert (await pipeline.rerank(BLIND_SPOT, [], limit=2)).verdict == "none"


async def test_loose_passages_need_a_reranker(pipeline: Pipeline) -> None:
    with pytest.raises(
        InvalidInput, match=r"The reranker 'none' reorders nothing\. Known: default, cross-encoder, maxsim"
    ):
        await pipeline.rerank("q", [], limit=1, reranker="none")
    with pytest.raises(InvalidInput, match="The query is empty"):
        await pipeline.rerank(" ", [], limit=1)
