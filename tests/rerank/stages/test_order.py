"""A stage whose order is final: taken whole or not at all, in time or not at all."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import anyio
import pytest

from resift.core.query import Query
from resift.core.values import Hit, Ranking, Usage
from resift.rerank.protocols import Ordering
from resift.rerank.stages.order import OrderStage, PlannedOrder
from resift.tests.rerank.stages.heads import ByLength, Reverses, order, ranking, run, scored

pytestmark = pytest.mark.anyio


def ordered(orderer: Reverses, depth: int, *, name: str = "llm") -> PlannedOrder:
    return PlannedOrder(OrderStage(name, orderer), depth)


@pytest.mark.parametrize("places", [(0,), (0, 0, 1), (1, 2, 3), (0, 1, 2, 3)])
async def test_order_that_is_no_permutation_is_refused(places: tuple[int, ...]) -> None:
    after = await run(ranking(5), ordered(Reverses(places), 3))
    assert order(after) == [0, 1, 2, 3, 4]
    assert after.degraded
    assert "reverses returned an order that does not contain each of the 3 passages exactly once." in after.notes[0]


async def test_orderer_may_leave_the_order_and_say_why() -> None:
    skipped = await run(ranking(4), ordered(Reverses((), notes=("Not asked.",), note="wide margin"), 3))
    assert skipped.hits == ranking(4).hits
    assert (skipped.degraded, skipped.notes) == (False, ["Not asked."])
    assert (skipped.stages[-1].returned, skipped.stages[-1].note) == (3, "wide margin")
    failed = await run(ranking(4), ordered(Reverses((), notes=("No reply.",), degraded=True), 3))
    assert failed.hits == ranking(4).hits
    assert (failed.degraded, failed.stages[-1].returned) == (True, 0)


async def test_nothing_to_order_is_left_alone() -> None:
    orderer = Reverses()
    assert await run(Ranking(()), ordered(orderer, 3)) == Ranking(())
    assert orderer.asked == []


async def test_usage_is_reported() -> None:
    class Charging(Reverses):
        async def order(self, query: Query, hits: Sequence[Hit]) -> Ordering:
            return replace(await super().order(query, hits), usage=Usage(2, 30, 4))

    assert (await run(ranking(3), ordered(Charging(), 3))).stages[-1].usage == Usage(2, 30, 4)


async def test_orderer_that_takes_too_long_is_cancelled() -> None:
    stages = [scored(ByLength(), 3), ordered(Reverses(hangs=True), 3)]
    with anyio.fail_after(20):
        after = await run(ranking(3), *stages, query=Query("q", clock=lambda: 0.0).within(0.2))
    assert order(after) == [2, 1, 0]
    assert after.degraded
    assert "reverses returned no order within the 200 ms left of the time budget" in after.notes[0]


async def test_stage_without_any_time_left_is_left_out_and_said_to_be() -> None:
    @dataclass
    class Late(Reverses):
        now_s: float = 0.0

        async def order(self, query: Query, hits: Sequence[Hit]) -> Ordering:
            self.now_s += 10.0
            return await super().order(query, hits)

    late, unasked = Late(), Reverses(name="unasked")
    stages = [ordered(late, 4), ordered(unasked, 4, name="second")]
    after = await run(ranking(4), *stages, query=Query("q", clock=lambda: late.now_s).within(1))
    assert order(after) == [3, 2, 1, 0]
    assert unasked.asked == []
    assert after.notes == [
        "The stage 'second' failed; the order is that of 'llm': the time budget was used up before this stage. "
        "Raise the budget."
    ]


@pytest.mark.parametrize(
    ("margin", "shown", "instruction", "is_skipped"),
    [
        (0.4, 2, "", True),
        (0.6, 2, "", False),
        (0.0, 2, "", False),
        (0.4, 0, "", False),
        (0.4, 3, "", False),
        (0.4, 2, "prefer recent", False),
    ],
    ids=["wide", "narrow", "never", "nothing is known of what is shown", "all are shown", "instruction"],
)
async def test_stage_is_skipped_where_the_page_is_far_ahead_and_nobody_asks_for_more(
    margin: float, shown: int, instruction: str, *, is_skipped: bool
) -> None:
    before = ranking(3)
    relevant = [replace(hit, relevance=each) for hit, each in zip(before.hits, (0.9, 0.8, 0.3), strict=True)]
    orderer = Reverses()
    stage = PlannedOrder(OrderStage("llm", orderer, wide_margin=margin), 3, cutoff=shown)
    after = await run(replace(before, hits=relevant), stage, query=Query("q", instruction=instruction))
    assert (orderer.asked == []) is is_skipped
    assert order(after) == ([0, 1, 2] if is_skipped else [2, 1, 0])
    assert not after.degraded
    why = "there is no instruction, and the first 2 hits are 0.50 more relevant than the next"
    assert list(after.notes) == ([f"The stage 'llm' was skipped: {why}."] if is_skipped else [])
    assert after.stages[-1].note == (f"skipped: {why}" if is_skipped else "")
