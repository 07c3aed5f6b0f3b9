"""Recency and boosts where no reranker blends them in."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from resift.core.query import Query
from resift.core.values import Hit, Passage, Ranking
from resift.rerank.signals import UNDATED, MetadataSignals, Mix
from resift.rerank.stages.metadata import weigh_metadata
from resift.tests.rerank.stages.heads import ByLength, run, scored

NOW = datetime(2026, 7, 1, tzinfo=UTC)
BY_DATE = MetadataSignals(recency_field="date", recency_half_life_days=100, recency_weight=0.5)
HALF_BY_DATE = Mix({"fused": 0.5, "recency": 0.5}, BY_DATE, now=NOW)


def ranking(*metadata: dict[str, Any]) -> Ranking:
    hits = [
        Hit(Passage(f"d{place}", 0, text="text", metadata=each), 1 / place, rank=place, ranks={"fused": place})
        for place, each in enumerate(metadata, start=1)
    ]
    return Ranking(hits)


def test_newer_hit_of_the_head_rises_and_the_tail_follows() -> None:
    now_s = iter((1.0, 1.25))
    before = ranking({"date": "2026-03-23"}, {"date": "2026-07-01"}, {"date": "2026-07-01"})
    after = weigh_metadata(before, Query("q", clock=lambda: next(now_s)), mix=HALF_BY_DATE, depth=2)
    assert [hit.passage.document_id for hit in after.hits] == ["d1", "d2", "d3"]
    assert [hit.score for hit in after.hits] == pytest.approx([0.5 + 0.25, 0.5, 1 / 3])
    assert [hit.scores.get("recency") for hit in after.hits] == [pytest.approx(0.5), 1.0, None]
    assert [hit.ranks.get("blend") for hit in after.hits] == [1, 2, None]
    (stage,) = after.stages
    assert (stage.name, stage.model, stage.received, stage.returned, stage.kind) == (
        "metadata",
        "recency",
        2,
        2,
        "rank",
    )
    assert stage.milliseconds == 250


def test_order_changes_by_the_blend() -> None:
    mostly = Mix({"fused": 0.2, "recency": 0.8}, BY_DATE, now=NOW)
    before = ranking({"date": "2025-07-01"}, {"date": "2026-06-30"}, {"date": "2026-07-01"})
    after = weigh_metadata(before, Query("q"), mix=mostly, depth=3)
    assert [hit.passage.document_id for hit in after.hits] == ["d2", "d3", "d1"]
    assert [(hit.rank, hit.was) for hit in after.hits] == [(1, 2), (2, 3), (3, 1)]


@pytest.mark.anyio
async def test_stages_that_score_say_once_that_no_hit_has_a_date() -> None:
    mix = Mix({"fused": 0.3, "rerank": 0.3, "recency": 0.4}, BY_DATE, now=NOW)
    stages = [scored(ByLength(name), 2, name=name, mix=mix) for name in ("light", "heavy")]
    undated, dated = ranking({}, {}), ranking({}, {"date": "2026-03-23"})
    assert (await run(undated, *stages)).notes == [UNDATED]
    assert (await run(dated, *stages)).notes == []
    assert (await run(undated, scored(ByLength(), 2))).notes == []
    boosted = Mix({"fused": 0.5, "recency": 0.2, "boost": 0.3}, replace(BY_DATE, boost={"kind": {"docs": 2}}), now=NOW)
    assert weigh_metadata(undated, Query("q"), mix=boosted, depth=2).notes == [UNDATED]


def test_head_without_a_date_keeps_its_order_and_says_so() -> None:
    before = ranking({}, {})
    after = weigh_metadata(before, Query("q"), mix=HALF_BY_DATE, depth=2)
    assert after.hits == before.hits
    assert after.notes == ["No hit has a date to weigh: recency changed nothing."]
    assert after.stages == ()


def test_nothing_to_weigh_is_left_alone() -> None:
    assert weigh_metadata(Ranking(()), Query("q"), mix=HALF_BY_DATE, depth=2) == Ranking(())
