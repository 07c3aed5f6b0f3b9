"""Recency, boosts and diversity of one request: their effect on the order and the scores, on both stores."""

from collections.abc import AsyncIterator, Sequence
from copy import copy
from dataclasses import replace
from typing import Any

import pytest

from resift.core.errors import InvalidInput
from resift.core.query import Query
from resift.core.values import Document, Hit, Passage
from resift.pipeline.plan import Rerankers
from resift.pipeline.preferences import signals_of
from resift.pipeline.request import SearchRequest
from resift.pipeline.search import Pipeline
from resift.rerank.protocols import Ordering
from resift.rerank.signals import NO_METADATA, UNDATED, MetadataSignals
from resift.rerank.stages.cascade import Cascade
from resift.rerank.stages.order import OrderStage
from resift.rerank.stages.score import ScoreStage
from resift.tests.pipeline.both_stores import STORES, engine_on
from resift.tests.rerank.stages.heads import ByLength, Reverses

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.filterwarnings("ignore:(Payload indexes|Local mode):UserWarning"),
]

YEARS = (2009, 2025, 2017, 2021)
KINDS = ("docs", "chat", "mail", "docs")
REQUEST = SearchRequest("how often is the hydraulic oil changed", reranker="none", collapse=False)
RERANKERS = ("none", "maxsim")


def reports() -> list[Document]:
    """Return reports that say the same, of different years, kinds and folders, and one on another matter."""
    text = "The hydraulic oil is changed after two thousand hours."
    found = [
        Document(
            f"r{year}",
            "",
            text=text,
            source=f"/srv/{kind}/r{year}.md",
            metadata={"kind": kind, "date": f"{year}-05-01", "year": year},
        )
        for year, kind in zip(YEARS, KINDS, strict=True)
    ]
    other = "The filter of the hydraulic circuit is changed with its seals, never alone."
    return [*found, Document("filter", "", text=other, source="/srv/notes/filter.md")]


@pytest.fixture(scope="module", params=STORES)
async def pipeline(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Pipeline]:
    async with engine_on(request.param, tmp_path_factory.mktemp("preferences"), reports()) as engine:
        yield engine.services.pipeline


async def hits(pipeline: Pipeline, request: SearchRequest) -> list[Hit]:
    return list((await pipeline.search(request)).hits)


def ids(found: list[Hit]) -> list[str]:
    return [hit.passage.document_id for hit in found]


@pytest.mark.parametrize("reranker", RERANKERS)
async def test_newer_of_equals_comes_first_and_shows_its_recency(pipeline: Pipeline, reranker: str) -> None:
    recency = {"field": "date", "half_life_days": 1000}
    found = await hits(pipeline, replace(REQUEST, reranker=reranker, recency=recency))
    assert [name for name in ids(found) if name != "filter"] == [f"r{year}" for year in sorted(YEARS, reverse=True)]
    shown = {hit.passage.document_id: hit.scores["recency"] for hit in found}
    assert shown["r2025"] / shown["r2021"] == pytest.approx(2 ** (1461 / 1000), rel=1e-3)
    assert [hit.score for hit in found] == sorted((hit.scores["blend"] for hit in found), reverse=True)


@pytest.mark.parametrize("reranker", RERANKERS)
async def test_newest_of_equals_stands_for_the_others(pipeline: Pipeline, reranker: str) -> None:
    recency = {"field": "date", "half_life_days": 1000}
    found = await hits(pipeline, replace(REQUEST, reranker=reranker, recency=recency, collapse=True))
    assert sorted(ids(found)) == ["filter", f"r{max(YEARS)}"]
    assert [hit.rank for hit in found] == [1, 2]
    [newest] = [hit for hit in found if hit.passage.document_id != "filter"]
    assert [each.document_id for each in newest.also_in] == [f"r{year}" for year in sorted(YEARS, reverse=True)[1:]]


class ByField(Reverses):
    """A language model that orders by a field of the metadata, the least first, and what lacks it last."""

    async def order(self, query: Query, hits: Sequence[Hit]) -> Ordering:
        values = [hit.passage.metadata.get(self.note, "~") for hit in hits]
        return Ordering(tuple(sorted(range(len(hits)), key=lambda place: (values[place], place))))


def ordering(pipeline: Pipeline, field: str, *, head: int = 0) -> Pipeline:
    """Return a pipeline whose default reranker is MaxSim, followed by a model that orders by a field."""
    first = pipeline.rerankers.cascades["maxsim"].stages[0]
    cascade = Cascade((first, OrderStage("llm", ByField(note=field), head=head)))
    other = copy(pipeline)
    other.rerankers = Rerankers({"llm": cascade}, "llm", metadata=MetadataSignals(boost_weight=0.6))
    return other


async def test_dates_and_boosts_count_after_a_model_that_only_orders(pipeline: Pipeline) -> None:
    request = replace(REQUEST, reranker="llm")
    oldest_first, by_kind = ordering(pipeline, "date"), ordering(pipeline, "kind")
    plain = await oldest_first.search(request)
    assert ids(list(plain.hits)) == [*(f"r{year}" for year in sorted(YEARS)), "filter"]
    recency = {"field": "date", "half_life_days": 1000, "weight": 0.9}
    newest_first = await oldest_first.search(replace(request, recency=recency))
    assert [name for name in ids(list(newest_first.hits)) if name != "filter"] == [
        f"r{year}" for year in sorted(YEARS, reverse=True)
    ]
    boost = {"kind": {"chat": 0, "mail": 2}}
    assert ids(await hits(by_kind, request))[0] == "r2025"
    boosted = await by_kind.search(replace(request, boost=boost))
    assert ids(list(boosted.hits)) == ["r2017", "r2009", "r2021", "r2025", "filter"]
    for page, weighed in ((newest_first, "recency"), (boosted, "boost")):
        assert (page.stages[-1].name, page.stages[-1].model, page.stages[-1].received) == ("metadata", weighed, 5)
        assert [hit.score for hit in page.hits] == sorted((hit.scores["metadata"] for hit in page.hits), reverse=True)
        assert sorted(hit.scores["llm"] for hit in page.hits) == [1 / rank for rank in (5, 4, 3, 2, 1)]
        assert page.verdict == plain.verdict


async def test_order_of_a_model_stays_where_no_hit_has_a_date(pipeline: Pipeline) -> None:
    request = replace(REQUEST, reranker="llm", recency={"field": "date"}, filter={"document_id": "filter"})
    page = await ordering(pipeline, "date").search(request)
    assert [note for note in page.notes if "recency changed nothing" in note] == [UNDATED]
    assert [hit.score for hit in page.hits] == [1.0]


async def test_diversity_after_a_model_that_only_orders_is_as_mild_as_after_others(pipeline: Pipeline) -> None:
    request = replace(REQUEST, reranker="llm", diversity=0.2)
    reports_first = [f"r{year}" for year in sorted(YEARS)]
    assert ids(await hits(ordering(pipeline, "date"), request)) == [*reports_first, "filter"]
    strongly = await ordering(pipeline, "date").search(replace(request, diversity=0.8))
    assert ids(list(strongly.hits))[:2] == ["r2009", "filter"]
    unread = await ordering(pipeline, "date", head=4).search(replace(request, diversity=0.8))
    assert ids(list(unread.hits)) == [*reports_first, "filter"]
    assert (unread.stages[-1].name, unread.stages[-1].received) == ("diversity", 4)


async def test_settings_do_not_weigh_dates_of_passages_that_the_caller_has(pipeline: Pipeline) -> None:
    two = Cascade((ScoreStage("light", ByLength("light")), ScoreStage("heavy", ByLength("heavy"))))
    by_date = MetadataSignals(recency_field="date", recency_weight=0.7)
    weighing = copy(pipeline)
    weighing.rerankers = Rerankers({"two": two}, "two", metadata=by_date)
    given = [Passage(str(year), -1, text="x" * (2030 - year), metadata={"date": f"{year}-05-01"}) for year in YEARS]
    ranked = list(await weighing.rerank("oil", given, limit=9))
    assert ids(ranked) == [str(year) for year in sorted(YEARS)]
    assert not any("recency" in hit.scores for hit in ranked)


@pytest.mark.parametrize("reranker", RERANKERS)
async def test_boost_lifts_what_is_above_one_and_lowers_what_is_below(pipeline: Pipeline, reranker: str) -> None:
    plain = await hits(pipeline, replace(REQUEST, reranker=reranker))
    boost = {"kind": {"chat": 2, "docs": 0.5}}
    found = await hits(pipeline, replace(REQUEST, reranker=reranker, boost=boost))
    assert ids(found)[0] == "r2025" != ids(plain)[0]
    assert {hit.passage.document_id: hit.scores["boost"] for hit in found} == {
        "r2025": 1.0, "r2017": 0.5, "r2009": 0.25, "r2021": 0.25, "filter": 0.5
    }  # fmt: skip
    assert all("boost" not in hit.scores for hit in plain)


async def test_source_is_boosted_by_the_folders_on_its_path(pipeline: Pipeline) -> None:
    found = await hits(pipeline, replace(REQUEST, boost={"source": {"mail": 2, "/srv/chat": 0, "ail": 0}}))
    boosts = {hit.passage.document_id: hit.scores["boost"] for hit in found}
    assert (boosts["r2017"], boosts["r2025"], boosts["r2009"]) == (1.0, 0.0, 0.5)
    assert ids(found)[0] == "r2017"


async def test_neutral_factor_changes_no_order(pipeline: Pipeline) -> None:
    assert ids(await hits(pipeline, replace(REQUEST, boost={"kind": {"docs": 1}}))) == ids(
        await hits(pipeline, REQUEST)
    )


async def test_recency_without_dates_says_so(pipeline: Pipeline) -> None:
    page = await pipeline.search(replace(REQUEST, recency={"field": "date"}, filter={"document_id": "filter"}))
    assert "recency changed nothing" in page.notes[-1]


async def test_recency_by_a_field_of_texts_names_the_fields_with_dates(pipeline: Pipeline) -> None:
    page = await pipeline.search(replace(REQUEST, recency={"field": "kind"}))
    assert [*page.notes] == [UNDATED, "'kind' holds keyword values. Date fields: date."]


@pytest.mark.parametrize("reranker", [*RERANKERS, "llm"])
async def test_boost_of_values_that_no_hit_has_says_which_there_are(pipeline: Pipeline, reranker: str) -> None:
    asked = replace(REQUEST, reranker=reranker, boost={"kind": {"letter": 2}, "year": {"1999": 0}, "source": {"x": 2}})
    searched = ordering(pipeline, "date") if reranker == "llm" else pipeline
    (note,) = [note for note in (await searched.search(asked)).notes if "boost" in note]
    assert note.startswith("No hit has a value that `boost` names: it changed nothing. 'kind' of the hits: docs, ")
    assert "'year' of the hits: " in note
    one_hit = replace(asked, boost={"kind": {"letter": 2}, "year": {"2025": 1.5}})
    assert not any("boost" in note for note in (await searched.search(one_hit)).notes)


@pytest.mark.parametrize("reranker", RERANKERS)
async def test_diversity_brings_another_topic_forward(pipeline: Pipeline, reranker: str) -> None:
    plain = await pipeline.search(replace(REQUEST, reranker=reranker))
    diverse = await pipeline.search(replace(REQUEST, reranker=reranker, diversity=0.8))
    assert ids(list(plain.hits)).index("filter") == len(YEARS)
    assert ids(list(diverse.hits)).index("filter") == 1
    stage = diverse.stages[-1]
    assert (stage.name, stage.model, stage.received, stage.returned) == ("diversity", "MMR", 5, 5)
    scores = [hit.score for hit in diverse.hits]
    assert scores == sorted(scores, reverse=True)
    assert scores == [hit.scores["diversity"] for hit in diverse.hits]
    assert diverse.verdict == plain.verdict


@pytest.mark.parametrize(
    "asked", [{"diversity": 0.5}, {"recency": {"field": "date"}}, {"boost": {"kind": {"mail": 2}}, "diversity": 0.2}]
)
async def test_pages_of_a_reordered_head_are_slices_of_it(pipeline: Pipeline, asked: dict[str, Any]) -> None:
    request = replace(REQUEST, **asked)
    whole = ids(await hits(pipeline, request))
    pages = [ids(await hits(pipeline, replace(request, limit=2, offset=offset))) for offset in (0, 2, 4)]
    assert [name for page in pages for name in page] == whole


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"recency": {"field": "dat"}}, r"Unknown field 'dat' in `recency`\. Did you mean 'date'\? Known: date, kind"),
        ({"recency": {"field": "year"}}, r"the field holds integer values, not ISO dates"),
        ({"recency": {"half_life_days": 3}}, r"`recency` takes \{'field'"),
        ({"recency": {"field": "date", "half_life_days": 0}}, r"`recency` takes \{'field'"),
        ({"recency": {"field": "date", "weight": 1.5}}, r"`recency` takes \{'field'"),
        ({"recency": {"field": "date", "days": 3}}, r"`recency` takes \{'field'"),
        ({"boost": {"kinds": {"docs": 1.2}}}, r"Unknown field 'kinds' in `boost`\. Did you mean 'kind'\? .*source"),
        ({"boost": {"kind": {"docs": 2.5}}}, r"factors from 0 \(last\) to 2 \(first\), 1 being neutral"),
        ({"boost": {"kind": {}}}, r"factors from 0"),
        ({"boost": {"kind": {"docs": float("nan")}}}, r"factors from 0"),
        (
            {"recency": {"field": "date", "weight": 0.9}, "boost": {"kind": {"docs": 2}}},
            r"must sum to at most 1; they are recency 0\.9, boost 0\.2",
        ),
    ],
)
async def test_preference_that_means_nothing_is_refused(
    pipeline: Pipeline, asked: dict[str, Any], message: str
) -> None:
    with pytest.raises(InvalidInput, match=message):
        await pipeline.search(replace(REQUEST, **asked))


def test_nothing_is_weighed_unless_asked() -> None:
    assert not NO_METADATA.shares


def test_more_boosted_values_than_the_limit_are_refused_with_their_number() -> None:
    boost = {"kind": {str(number): 1.5 for number in range(600)}, "source": {str(number): 0.5 for number in range(600)}}
    with pytest.raises(InvalidInput, match=r"`boost` has 1,200 values, more than the limit of 1,000\."):
        signals_of(replace(REQUEST, boost=boost), NO_METADATA, {"kind": "keyword"})
