"""What vectors of fields, tokens and code do to the order of real queries, on both stores."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import replace

import pytest

from resift.core.values import Document, Hit
from resift.core.vectors import Multi
from resift.factories.engine import Engine
from resift.pipeline.request import SearchRequest
from resift.rerank.late_interaction import max_similarity
from resift.tests.pipeline.both_stores import STORES, engine_on

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.filterwarnings("ignore:(Payload indexes|Local mode):UserWarning"),
]

DOCUMENTS = (
    Document("valve", "Cooling", text="The valve opens at ninety degrees.", metadata={"fault": "the engine overheats"}),
    Document(
        "belt", "Alternator", text="The belt is tensioned by a roller.", metadata={"fault": "the battery is flat"}
    ),
    Document(
        "fuse", "Cooling fan", text="The fuse melts when the fan seizes.", metadata={"fault": "the fan stands still"}
    ),
    Document("lamp", "Charging lamp", text="The lamp goes out once the engine runs."),
)


@pytest.fixture(scope="module", params=STORES)
async def engine(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Engine]:
    vectors = {"fields": ["title", "fault"], "tokens": True}
    folder = tmp_path_factory.mktemp("techniques")
    async with engine_on(request.param, folder, DOCUMENTS, vectors=vectors, search={"late_weight": 1.0}) as built:
        yield built


async def hits(engine: Engine, request: SearchRequest) -> Sequence[Hit]:
    return (await engine.services.pipeline.search(replace(request, reranker="none"))).hits


def names(found: Sequence[Hit]) -> list[str]:
    return [hit.passage.document_id for hit in found]


async def test_each_field_alone_finds_what_it_says_and_no_passage_without_it(engine: Engine) -> None:
    texts = {"fault": "overheating engine", "title": "Alternator", "text": "how is the belt tensioned"}
    found = {
        name: await hits(engine, SearchRequest(text, mode="dense", fields={name: 1})) for name, text in texts.items()
    }
    assert {name: names(each)[0] for name, each in found.items()} == {"fault": "valve", "title": "belt", "text": "belt"}
    assert {name: len(each) for name, each in found.items()} == {"fault": 3, "title": 4, "text": 4}


async def test_weights_of_fields_decide_between_two_right_answers(engine: Engine) -> None:
    query = "Charging lamp: the battery is flat"
    by_weight = [
        names(await hits(engine, SearchRequest(query, mode="dense", fields={"title": 1 - share, "fault": share})))[0]
        for share in (0.1, 0.9)
    ]
    assert by_weight == ["lamp", "belt"]


async def test_late_interaction_alone_orders_by_the_nearest_token_of_each_word(engine: Engine) -> None:
    query = "what happens when the fan seizes"
    found = await hits(engine, SearchRequest(query))
    collection = await engine.services.pipeline.open("default")
    kept = await collection.fetch_vectors([hit.passage.point_id("default") for hit in found], "tokens")
    transformer = await engine.transformer.get()
    words = transformer.embed_tokens(query).matrix
    for hit in found:
        vectors = kept[hit.passage.point_id("default")]
        assert isinstance(vectors, Multi)
        assert hit.scores["tokens"] == pytest.approx(len(words) * max_similarity(words, vectors.rows), abs=1e-3)
    assert names(found) == names(sorted(found, key=lambda hit: -hit.scores["tokens"]))
    assert names(found)[0] == "fuse"


async def test_late_interaction_sees_a_word_that_the_mean_of_a_passage_loses(engine: Engine) -> None:
    found = await hits(engine, SearchRequest("roller"))
    by_tokens, by_mean = [sorted(found, key=lambda hit: -hit.scores[name]) for name in ("tokens", "dense")]

    def lead(order: Sequence[Hit], name: str) -> float:
        return (order[0].scores[name] - order[1].scores[name]) / order[0].scores[name]

    assert names(by_tokens)[0] == names(by_mean)[0] == "belt"
    assert lead(by_tokens, "tokens") > lead(by_mean, "dense")


@pytest.mark.parametrize("store", STORES)
async def test_words_of_an_identifier_are_found_where_the_collection_takes_code_apart(
    store: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    code = [
        Document("user", "", text="def getUserName(record): return record.n"),
        Document("other", "", text="def close(): ..."),
    ]
    request = SearchRequest("user name", mode="keyword")
    found: dict[str, list[str]] = {}
    for tokenizer in ("words", "code"):
        folder = tmp_path_factory.mktemp("code")
        async with engine_on(store, folder, code, search={"tokenizer": tokenizer}) as built:
            found[tokenizer] = names(await hits(built, request))
    assert found == {"words": [], "code": ["user"]}
