"""The whole way of a question, over the bundled models and the embedded store."""

import pytest

from resift.core.errors import InvalidInput, NotFound
from resift.core.values import Passage
from resift.factories.engine import Engine
from resift.pipeline.overview import look_at, look_at_fields
from resift.pipeline.pipeline import Pipeline
from resift.pipeline.question import Page, Question
from resift.pipeline.reading import read_around, read_from

pytestmark = [pytest.mark.anyio, pytest.mark.slow]

BLIND_SPOT = "warning about cars in the blind spot"


@pytest.fixture
def pipeline(engine_with_documents: Engine) -> Pipeline:
    return engine_with_documents.services.pipeline


def documents(page: Page) -> list[str]:
    return [hit.passage.document_id for hit in page.ranking.hits]


def passages(page: Page) -> list[str]:
    return [hit.passage.id for hit in page.ranking.hits]


async def test_passage_that_answers_comes_first(pipeline: Pipeline) -> None:
    for reranker in ("none", "default"):
        page = await pipeline.ask(Question(BLIND_SPOT, reranker=reranker, limit=3))
        assert documents(page)[0] == "radar"
        assert page.more
        assert len(page.ranking.hits) == 3


async def test_stages_are_reported_in_their_order(pipeline: Pipeline) -> None:
    page = await pipeline.ask(Question(BLIND_SPOT, reranker="maxsim", depth=5))
    assert [stage.name for stage in page.ranking.stages] == ["encode", "search", "rerank"]
    assert page.ranking.stages[-1].received == 5
    assert all(stage.milliseconds >= 0 for stage in page.ranking.stages)
    assert [hit.rank for hit in page.ranking.hits] == list(range(1, 11))
    assert sorted(hit.was for hit in page.ranking.hits[:5]) == [1, 2, 3, 4, 5]


async def test_weight_of_zero_keeps_the_order_of_retrieval(pipeline: Pipeline) -> None:
    page = await pipeline.ask(Question("grease the thread", reranker="maxsim", rerank_weight=0.0))
    assert [hit.was for hit in page.ranking.hits] == [hit.rank for hit in page.ranking.hits]


@pytest.mark.parametrize("reranker", ["none", "maxsim"])
async def test_pages_follow_each_other(pipeline: Pipeline, reranker: str) -> None:
    whole = await pipeline.ask(Question("tighten the bolt", limit=12, depth=6, reranker=reranker))
    pages = [
        await pipeline.ask(Question("tighten the bolt", limit=4, offset=offset, depth=6, reranker=reranker))
        for offset in (0, 4, 8)
    ]
    assert [each for page in pages for each in passages(page)] == passages(whole)
    assert [page.offset for page in pages] == [0, 4, 8]


async def test_page_after_the_end_is_empty_and_the_last(pipeline: Pipeline) -> None:
    page = await pipeline.ask(Question("tighten the bolt", offset=150, limit=10))
    assert (passages(page), page.more) == ([], False)


async def test_filter_and_mode_are_obeyed(pipeline: Pipeline) -> None:
    page = await pipeline.ask(Question("battery", mode="keyword", filter={"system": "electrics", "year": {"lt": 2020}}))
    assert set(documents(page)) == {"battery"}
    page = await pipeline.ask(
        Question("safety", filter={"tags": "safety", "oem": True, "since": {"gte": "2022-01-01"}})
    )
    assert set(documents(page)) == {"radar"}


async def test_title_search_finds_by_title(pipeline: Pipeline) -> None:
    page = await pipeline.ask(Question("Starter battery", mode="dense", fields={"title": 1}, limit=1))
    assert documents(page) == ["battery"]


@pytest.mark.parametrize(
    ("question", "error", "message"),
    [
        (Question(""), InvalidInput, "The query is empty"),
        (Question("x" * 2**20), InvalidInput, "1,048,576 characters"),
        (Question("x", offset=200), InvalidInput, "Hits beyond the first 200 are not shown"),
        (
            Question("x", reranker="maxsum"),
            NotFound,
            "No reranker 'maxsum'. Did you mean 'maxsim'. Known: default, none",
        ),
        (
            Question("x", collection="defalt"),
            NotFound,
            "No collection 'defalt'. Did you mean 'default'. Known: default",
        ),
        (
            Question("x", filter={"sistem": "engine"}),
            InvalidInput,
            "Unknown filter field 'sistem'. Did you mean 'system'",
        ),
    ],
)
async def test_unusable_question_is_refused_with_the_next_step(
    pipeline: Pipeline, question: Question, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        await pipeline.ask(question)


async def test_verdict_comes_from_the_relevance_of_the_best_hit(pipeline: Pipeline) -> None:
    page = await pipeline.ask(Question(BLIND_SPOT, reranker="maxsim"))
    assert all(hit.relevance is not None and 0 <= hit.relevance <= 1 for hit in page.ranking.hits)
    assert page.verdict in {"good", "weak"}
    keyword = await pipeline.ask(Question("battery", mode="keyword"))
    assert keyword.verdict == "unknown"
    assert keyword.ranking.hits[0].relevance is None
    assert (await pipeline.ask(Question("xyzzy", mode="keyword"))).verdict == "none"


@pytest.mark.parametrize("reranker", ["none", "maxsim", "default"])
async def test_question_that_nothing_answers_is_told_from_one_that_something_does(
    pipeline: Pipeline, reranker: str
) -> None:
    answered, unanswered = [
        await pipeline.ask(Question(query, reranker=reranker)) for query in (BLIND_SPOT, "recipe for a lemon cake")
    ]
    assert answered.verdict in {"good", "weak"}
    assert unanswered.verdict == "none"
    assert max(hit.relevance or 0.0 for hit in unanswered.ranking.hits) < 0.1


async def test_hits_below_the_least_relevance_are_left_out_and_counted(pipeline: Pipeline) -> None:
    full = await pipeline.ask(Question(BLIND_SPOT))
    least = sorted(hit.relevance or 0.0 for hit in full.ranking.hits)[-2]
    page = await pipeline.ask(Question(BLIND_SPOT, min_relevance=least))
    assert len(page.ranking.hits) == 2
    assert f"below min_relevance {least} were left out" in page.ranking.notes[-1]
    assert page.verdict == full.verdict
    nothing = await pipeline.ask(Question(BLIND_SPOT, min_relevance=1.0))
    assert (passages(nothing), nothing.more) == ([], False)


async def test_instruction_that_nobody_follows_is_noted(pipeline: Pipeline) -> None:
    page = await pipeline.ask(Question(BLIND_SPOT, instruction="prefer the newest"))
    assert "The instruction was not followed" in page.ranking.notes[-1]
    assert (await pipeline.ask(Question(BLIND_SPOT, instruction=" "))).ranking.notes == []


async def test_loose_passages_are_reranked_and_keep_their_names(pipeline: Pipeline) -> None:
    texts = ["Bananas are yellow.", "The radar warns of cars beside you.", "A battery stores energy."]
    loose = [Passage(f"mine-{number}", -1, text) for number, text in enumerate(texts)]
    page = await pipeline.rerank(BLIND_SPOT, loose, limit=2)
    assert passages(page)[0] == "mine-1"
    assert page.ranking.hits[0].was == 2
    assert [hit.rank for hit in page.ranking.hits] == [1, 2]
    assert (page.more, len(page.ranking.hits)) == (True, 2)
    assert (await pipeline.rerank(BLIND_SPOT, [], limit=2)).verdict == "none"


async def test_loose_passages_need_a_reranker(pipeline: Pipeline) -> None:
    with pytest.raises(
        InvalidInput, match=r"Reranker 'none' reorders nothing\. Known: default, none, cross-encoder, maxsim"
    ):
        await pipeline.rerank("q", [], limit=1, reranker="none")
    with pytest.raises(InvalidInput, match="The query is empty"):
        await pipeline.rerank(" ", [], limit=1)


async def test_passages_around_a_hit_are_read_in_order(pipeline: Pipeline) -> None:
    collection = await pipeline.open("default")
    total = (await collection.entries(["manual"]))["manual"].passages
    assert total > 5
    extract = await read_around(collection, "manual#2", around=1)
    assert [passage.ordinal for passage in extract.passages] == [1, 2, 3]
    assert extract.passages_in_all == total
    start = await read_around(collection, "manual#0", around=2)
    assert [passage.ordinal for passage in start.passages] == [0, 1, 2]
    end = await read_around(collection, f"manual#{total - 1}", around=1)
    assert [passage.ordinal for passage in end.passages] == [total - 2, total - 1]


async def test_document_is_read_from_its_start(pipeline: Pipeline) -> None:
    collection = await pipeline.open("default")
    extract = await read_from(collection, "manual", start=0, most=2)
    assert [passage.ordinal for passage in extract.passages] == [0, 1]
    assert extract.passages[0].text.startswith("Step 1. Loosen bolt number 1")
    whole = await read_from(collection, "manual", start=0, most=1000)
    assert len(whole.passages) == whole.passages_in_all == extract.passages_in_all


async def test_reading_what_is_not_there_is_refused_with_the_next_step(pipeline: Pipeline) -> None:
    collection = await pipeline.open("default")
    for unusable in ("manual", "manual#", "#1", "manual#x", "manual#-1"):
        with pytest.raises(InvalidInput, match=r"is not a passage id\. Passage ids look like"):
            await read_around(collection, unusable, around=1)
    with pytest.raises(NotFound, match="No passage 'manual#999' in collection 'default'"):
        await read_around(collection, "manual#999", around=1)
    with pytest.raises(NotFound, match="No document 'nothing' in collection 'default'"):
        await read_from(collection, "nothing", start=0, most=1)


async def test_overview_counts_and_shows_fields_with_their_commonest_values(pipeline: Pipeline) -> None:
    collection = await pipeline.open("default")
    overview = await look_at(collection)
    assert (overview.name, overview.documents) == ("default", 4)
    assert overview.passages == await collection.count() > 8
    assert overview.encoder.startswith("all-MiniLM-L6-v2-int8@")
    assert overview.fields == ("oem", "price", "since", "system", "tags", "year")
    fields = {each.name: each for each in await look_at_fields(collection)}
    assert {name: each.type for name, each in fields.items()} == {
        "oem": "boolean",
        "price": "number",
        "since": "date",
        "system": "keyword",
        "tags": "keyword",
        "year": "integer",
    }
    assert dict(fields["system"].values)["electrics"] == 2
    assert dict(fields["oem"].values) == {True: 2, False: 1}
    assert dict(fields["tags"].values) == {"safety": 2, "wear": 2}
    assert fields["since"].values == ()
