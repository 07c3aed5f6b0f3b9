"""Several stages: each over its head, none worse than the one before when it fails, one time budget for all."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import inf, nan

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from resift.core.query import Query
from resift.core.values import Passage
from resift.rerank.blend import with_reranker
from resift.rerank.cache import CachedScorer
from resift.rerank.protocols import Scores
from resift.rerank.signals import Mix
from resift.rerank.stages.cascade import Cascade, PlannedStage
from resift.rerank.stages.order import OrderStage, PlannedOrder
from resift.rerank.stages.score import PlannedScore, ScoreStage
from resift.tests.rerank.stages.heads import ALONE, Broken, ByLength, Reverses, order, ranking, run, scored

pytestmark = pytest.mark.anyio


def three_stages() -> list[PlannedStage]:
    return [
        scored(ByLength(), 6),
        scored(ByLength("heavy", -1), 3, name="short"),
        PlannedOrder(OrderStage("llm", Reverses()), 2),
    ]


async def test_each_stage_reorders_its_head_and_the_tail_follows() -> None:
    after = await run(ranking(8), *three_stages())
    # 5 4 3 2 1 0 | 6 7, then 3 4 5 | 2 1 0 6 7, then 4 3 | 5 2 1 0 6 7
    assert order(after) == [4, 3, 5, 2, 1, 0, 6, 7]
    assert [(each.name, each.model, each.received, each.returned, each.kind) for each in after.stages[1:]] == [
        ("rerank", "by-length", 6, 6, "score"),
        ("short", "heavy", 3, 3, "score"),
        ("llm", "reverses", 2, 2, "rank"),
    ]
    first = after.hits[0]
    assert (first.rank, first.was, first.score) == (1, 5, 1.0)
    assert {name: first.ranks[name] for name in ("fused", "rerank", "short", "llm")} == {
        "fused": 5, "rerank": 2, "short": 2, "llm": 1,
    }  # fmt: skip
    assert (first.scores["rerank"], first.scores["short"], first.scores["llm"]) == (5.0, -5.0, 1.0)
    assert [hit.score for hit in after.hits] == sorted((hit.score for hit in after.hits), reverse=True)
    assert not after.degraded


async def test_later_stage_is_blended_with_the_order_before_it() -> None:
    light = scored(ByLength("a", -1), 5)
    mild = scored(ByLength("b"), 5, name="b", mix=Mix(with_reranker(0.4)))
    strong = scored(ByLength("b"), 5, name="b", mix=Mix(with_reranker(0.6)))
    assert order(await run(ranking(5), light, mild)) == [0, 1, 2, 3, 4]
    assert order(await run(ranking(5), light, strong)) == [4, 3, 2, 1, 0]


@pytest.mark.parametrize("place", [0, 1, 2])
async def test_failed_stage_keeps_the_order_before_it_and_the_next_goes_on(place: int) -> None:
    stages = three_stages()
    without = await run(ranking(8), *stages[:place], *stages[place + 1 :])
    stages[place] = scored(Broken("broken"), stages[place].depth, name=stages[place].name)
    after = await run(ranking(8), *stages)
    assert order(after) == order(without)
    assert after.degraded
    failed = after.stages[1 + place]
    assert (failed.model, failed.returned) == ("broken", 0)
    assert after.notes == [
        (
            "Reranking failed; the order is that of retrieval: ",
            "The stage 'short' failed; the order is that of 'rerank': ",
            "The stage 'llm' failed; the order is that of 'short': ",
        )[place]
        + "The endpoint answered 503. Try again later."
    ]


@pytest.mark.parametrize("wrong", [nan, inf, -inf])
async def test_scores_that_are_not_finite_numbers_fail_the_stage(wrong: float) -> None:
    class Undefined(ByLength):
        async def score(self, query: Query, passages: Sequence[Passage]) -> Scores:
            return Scores(tuple(wrong if place == 3 else 0.5 for place in range(len(passages))))

    for scorer in (Undefined(), CachedScorer(Undefined(), limit=8)):
        after = await run(ranking(5), PlannedScore(ScoreStage("rerank", scorer), 5, mix=ALONE))
        assert after.degraded
        assert order(after) == order(ranking(5))
        assert after.stages[-1].note == (
            f"by-length returned {wrong} as a score, which is not a finite number. Its weights may be damaged: "
            "reinstall or retrain it."
        )


async def test_failed_stage_over_passages_that_were_not_searched_keeps_the_order_of_the_request() -> None:
    after = await run(replace(ranking(3), stages=[]), scored(Broken("broken"), 3))
    assert "failed; the order is that of the request: The endpoint answered 503" in after.notes[0]


async def test_instruction_reaches_only_the_stages_that_take_it() -> None:
    plain, following, orderer = ByLength("plain"), ByLength("following"), Reverses()
    stages: list[PlannedStage] = [
        scored(plain, 3),
        PlannedScore(ScoreStage("following", following, takes_instructions=True), 3, name="following"),
        PlannedOrder(OrderStage("llm", orderer), 3),
    ]
    after = await run(ranking(3), *stages, query=Query("q", instruction="prefer recent"))
    assert after.notes == ["following followed the instruction for 3 passages."]
    assert plain.asked == [("q", "", 3)]
    assert following.asked == [("q", "prefer recent", 3)]
    assert orderer.asked == [("q", "prefer recent", 3)]
    await run(ranking(3), *stages)
    assert following.asked[-1] == ("q", "", 3)


def test_cascade_says_what_its_stages_are() -> None:
    plain = ByLength("plain")
    cascade = Cascade(
        (
            ScoreStage("plain", plain),
            ScoreStage("following", ByLength("following"), takes_instructions=True, slice_size=8),
            OrderStage("llm", Reverses()),
        )
    )
    assert (cascade.model, cascade.takes_instructions) == ("plain > following > reverses", True)
    assert cascade.scorer is plain
    assert cascade.stops_early
    first, last = Cascade(cascade.stages[:1]), Cascade(cascade.stages[2:])
    assert not first.takes_instructions
    assert not first.stops_early
    assert last.scorer is None


def test_wrapped_scorers_learn_a_pace_of_their_own() -> None:
    stage = ScoreStage("plain", ByLength())
    stage.pace.add(1.0, 1)
    orders = OrderStage("llm", Reverses())
    wrapped, kept = Cascade((stage, orders)).wrapped(lambda scorer: CachedScorer(scorer, limit=10)).stages
    assert isinstance(wrapped, ScoreStage)
    assert isinstance(wrapped.scorer, CachedScorer)
    assert (wrapped.name, wrapped.pace.seconds_per_passage) == ("plain", None)
    assert stage.pace.seconds_per_passage == 1.0
    assert kept is orders


async def test_time_budget_is_shared_and_what_is_left_over_goes_on() -> None:
    now_s = [0.0]

    @dataclass
    class Slow(ByLength):
        seconds: float = 0.0

        async def score(self, query: Query, passages: Sequence[Passage]) -> Scores:
            now_s[0] += self.seconds * len(passages)
            return await super().score(query, passages)

    stages: list[PlannedStage] = [
        PlannedScore(ScoreStage("a", Slow("slow", seconds=0.1)), 50, mix=ALONE, stages_left=3),
        PlannedScore(ScoreStage("b", Slow("rest", seconds=0.01)), 20, mix=ALONE, name="b", stages_left=2),
        PlannedOrder(OrderStage("llm", Reverses()), 5),
    ]
    after = await run(ranking(50), *stages, query=Query("q", clock=lambda: now_s[0]).within(3))
    read = {stage.name: stage.returned for stage in after.stages[1:]}
    assert 5 <= read["rerank"] <= 10, "a third of 3 s, at 0.1 s a passage"
    assert read["b"] == 20, "what the first stage left is enough"
    assert read["llm"] == 5
    assert not after.degraded


def planned(kind: str, name: str, depth: int) -> PlannedStage:
    if kind == "order":
        return PlannedOrder(OrderStage(name, Reverses()), depth)
    return scored(Broken() if kind == "broken" else ByLength(sign=1 if kind == "long" else -1), depth, name=name)


@settings(deadline=None)  # each example has an event loop of its own
@given(
    count=st.integers(0, 12),
    heads=st.lists(st.integers(1, 15), min_size=1, max_size=4),
    kinds=st.lists(st.sampled_from(["long", "short", "order", "broken"]), min_size=4, max_size=4),
)
async def test_any_cascade_is_a_permutation_whose_ranks_and_scores_descend(
    count: int, heads: list[int], kinds: list[str]
) -> None:
    depths = [min(heads[: place + 1]) for place in range(len(heads))]
    stages = [planned(kind, f"s{n}", depth) for n, (kind, depth) in enumerate(zip(kinds, depths, strict=False))]
    after = await run(ranking(count), *stages)
    assert sorted(order(after)) == list(range(count))
    assert [hit.rank for hit in after.hits] == list(range(1, count + 1))
    assert all(hit.was in (0, int(hit.passage.document_id[1:]) + 1) for hit in after.hits)
    assert order(after)[max(depths) :] == list(range(count))[max(depths) :]
    scores = [hit.score for hit in after.hits]
    assert scores == sorted(scores, reverse=True)
    assert after.degraded == (count > 0 and "broken" in kinds[: len(heads)])
