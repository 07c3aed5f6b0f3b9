"""The signals of a blend: scaled scores, the age of a passage, a user's weights of metadata values."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resift.core.query import Query
from resift.core.values import Hit, Logistic, Metadata, Passage, Ranking
from resift.rerank.blend import with_reranker
from resift.rerank.protocols import Scores
from resift.rerank.signals import MetadataSignals, Mix, boost, recency, signals_of
from resift.rerank.stages.score import PlannedScore, ScoreStage

NOW = datetime(2026, 7, 1, 12, tzinfo=UTC)
BY_DATE = MetadataSignals(recency_field="date", recency_half_life_days=100)


class Unmoved:
    name = "unmoved"
    fingerprint = "a model of a test"
    weights = with_reranker(0.5)

    async def score(self, query: Query, passages: Sequence[Passage]) -> Scores:
        return Scores((0.5,) * len(passages))

    def relevance(self, score: float) -> float:
        return 0.5


def passage(**metadata: Any) -> Passage:
    return Passage("d", 0, text="text", metadata=metadata)


def days_ago(days: float) -> str:
    return (NOW - timedelta(days=days)).isoformat(timespec="seconds")


def hits(*metadata: Metadata) -> list[Hit]:
    return [
        Hit(
            Passage(f"d{place}", 0, text="text", metadata=each),
            1 / place,
            rank=place,
            scores={"fused": 1 / place},
            ranks={"fused": place},
        )
        for place, each in enumerate(metadata, start=1)
    ]


async def reranked(head: Sequence[Hit], mix: Mix) -> Ranking:
    return await PlannedScore(ScoreStage("unmoved", Unmoved()), 3, mix=mix).run(Ranking(head), Query("q"))


def test_age_halves_recency_and_no_date_is_the_mean() -> None:
    aged = [passage(date=days_ago(days)) for days in (0, 100, 200)]
    values = recency([*aged, passage(), passage(date="soon")], BY_DATE, now=NOW)
    assert values == pytest.approx([1, 0.5, 0.25, 1.75 / 3, 1.75 / 3])


def test_date_to_come_is_now_and_the_latest_of_several_counts() -> None:
    values = recency([passage(date=days_ago(-50)), passage(date=[days_ago(300), days_ago(100)])], BY_DATE, now=NOW)
    assert values == pytest.approx([1, 0.5])


def test_day_and_moment_in_another_zone_are_understood() -> None:
    values = recency([passage(date="2026-07-01"), passage(date="2026-07-01T14:00:00+02:00")], BY_DATE, now=NOW)
    assert values == pytest.approx([2 ** (-0.5 / 100), 1.0])


def test_without_any_date_there_is_no_recency() -> None:
    assert recency([passage(), passage(date=2020)], BY_DATE, now=NOW) is None


@given(st.lists(st.one_of(st.none(), st.dates().map(str)), max_size=10))
def test_recency_lies_between_0_and_1(dates: list[str | None]) -> None:
    values = recency([passage(date=each) for each in dates], BY_DATE, now=NOW) or []
    assert all(0 <= value <= 1 for value in values)


def test_boost_is_half_the_users_factor_and_half_for_what_nobody_named() -> None:
    values = {"kind": {"docs": 2.0, "chat": 0.0}}
    kinds = ("docs", "chat", "mail", ["chat", "docs"], None)
    assert boost([passage(kind=kind) for kind in kinds], values) == [1.0, 0.0, 0.5, 1.0, 0.5]
    assert boost([passage()], {}) is None


def test_boosts_of_several_fields_are_averaged_and_keys_are_as_json_writes_them() -> None:
    values = {"oem": {"true": 2.0}, "year": {"2020": 1.6}}
    assert boost([passage(oem=True, year=2020), passage(oem=False)], values) == [0.9, 0.5]


def test_hit_that_a_search_did_not_find_has_nothing_from_it() -> None:
    head = [
        Hit(passage(), 0.9, rank=1, scores={"fused": 0.9, "dense": 0.7}),
        Hit(passage(), 0.5, rank=2, scores={"fused": 0.5, "dense": 0.3, "bm25": 4.0}),
        Hit(passage(), 0.1, rank=3, scores={"fused": 0.1, "bm25": 1.0}),
    ]
    mix = Mix({"fused": 0.2, "rerank": 0.2, "dense": 0.2, "bm25": 0.2, "recency": 0.2})
    assert signals_of(head, [3.0, 1.0, 2.0], mix) == {
        "fused": pytest.approx([1, 0.5, 0]),
        "rerank": [1, 0, 0.5],
        "dense": [1, 0, 0],
        "bm25": [0, 1, 0.25],
    }


@pytest.mark.anyio
async def test_recency_and_boost_decide_between_equals_and_are_shown() -> None:
    options = MetadataSignals("date", 100, recency_weight=0.3, boost={"kind": {"docs": 2.0}}, boost_weight=0.3)
    head = hits({"date": days_ago(400), "kind": "mail"}, {"date": days_ago(0), "kind": "docs"}, {})
    mix = Mix({"fused": 0.4, **options.shares}, options, now=NOW)
    ranked = await reranked(head, mix)
    assert [hit.was for hit in ranked.hits] == [2, 1, 3]
    assert ranked.hits[0].scores == pytest.approx(
        {"fused": 0.5, "rerank": 0.5, "recency": 1, "boost": 1, "blend": 0.4 * 0.25 + 0.3 + 0.3}
    )


@pytest.mark.anyio
async def test_head_without_dates_is_ordered_as_if_there_were_no_recency() -> None:
    options = MetadataSignals("date", 100, recency_weight=0.3)
    mix = Mix({"fused": 0.35, "rerank": 0.35, "recency": 0.3}, options, now=NOW)
    ranked = await reranked(hits({}, {}), mix)
    assert "recency" not in ranked.hits[0].scores
    assert [hit.score for hit in ranked.hits] == [1.0, 0.5]


@pytest.mark.anyio
async def test_tuned_calibration_takes_the_place_of_the_rerankers() -> None:
    mix = Mix({"rerank": 1.0}, calibration=Logistic(0.0, 100.0), note="weights tuned for this collection")
    ranked = await reranked(hits({}), mix)
    assert ranked.hits[0].relevance == pytest.approx(1.0)
    assert ranked.stages[-1].note == "weights tuned for this collection"
