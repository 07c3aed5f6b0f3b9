"""Several stages: each over its head, none worse than the one before when it fails, one time budget for all."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

import anyio
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from resift.core.errors import ModelError
from resift.core.values import Hit, Passage, Ranking, Stage
from resift.rerank.blend import Weights, with_reranker
from resift.rerank.protocols import Ordering, Scores
from resift.rerank.signals import Mix
from resift.rerank.stages.budget import Pace
from resift.rerank.stages.cascade import Cascade, Ordered, Scored, Step, Turn, run_cascade

pytestmark = pytest.mark.anyio

ALONE = Mix({"rerank": 1.0})


@dataclass
class ByLength:
    """A reranker that prefers longer texts, or shorter ones, and remembers what it was asked."""

    name: str = "by-length"
    sign: int = 1
    fingerprint = "a model of a test"
    weights: Weights = field(default_factory=lambda: with_reranker(0.5))
    seconds: float = 0.0
    asked: list[tuple[str, str, int]] = field(default_factory=list[tuple[str, str, int]])

    async def score(self, query: str, passages: Sequence[Passage], *, instruction: str = "") -> Scores:
        self.asked.append((query, instruction, len(passages)))
        await anyio.sleep(self.seconds * len(passages))
        return Scores(tuple(float(self.sign * len(each.text)) for each in passages))

    def relevance(self, score: float) -> float:
        return abs(score) / 100


class Broken(ByLength):
    async def score(self, query: str, passages: Sequence[Passage], *, instruction: str = "") -> Scores:
        raise ModelError("The endpoint answered 503. Try again later.")


@dataclass
class Reverses:
    """An orderer that turns its head upside down, or gives the places it was made with."""

    places: tuple[int, ...] | None = None
    notes: tuple[str, ...] = ()
    degraded: bool = False
    note: str = ""
    seconds: float = 0.0
    name: str = "reverses"
    asked: list[tuple[str, str, int]] = field(default_factory=list[tuple[str, str, int]])

    async def order(self, query: str, instruction: str, hits: Sequence[Hit]) -> Ordering:
        self.asked.append((query, instruction, len(hits)))
        await anyio.sleep(self.seconds)
        places = tuple(reversed(range(len(hits)))) if self.places is None else self.places
        return Ordering(places, self.notes, degraded=self.degraded, note=self.note)


def ranking(count: int) -> Ranking:
    """Hits d0, d1, ... whose texts grow with their places."""
    hits = [
        Hit(Passage(f"d{n}", 0, "x" * (n + 1)), 1 / (n + 1), rank=n + 1, scores={}, ranks={"fused": n + 1})
        for n in range(count)
    ]
    return Ranking(hits, [Stage("search", "dense", received=count, returned=count, milliseconds=1.0)])


async def run(before: Ranking, *turns: Turn, milliseconds: float = 0.0, instruction: str = "") -> Ranking:
    return await run_cascade(
        before, "q", instruction, turns, milliseconds=milliseconds, paces=defaultdict[str, Pace](Pace)
    )


def order(ranked: Ranking) -> list[int]:
    return [int(hit.passage.document_id[1:]) for hit in ranked.hits]


async def test_each_stage_reorders_its_head_and_the_tail_follows() -> None:
    turns = [
        Turn(Scored("long", ByLength()), 6, ALONE),
        Turn(Scored("short", ByLength("heavy", -1)), 3, ALONE),
        Turn(Ordered("llm", Reverses()), 2),
    ]
    after = await run(ranking(8), *turns)
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
    light = Turn(Scored("a", ByLength("a", -1)), 5, ALONE)
    mild = Turn(Scored("b", ByLength("b")), 5, Mix(with_reranker(0.4)))
    strong = Turn(Scored("b", ByLength("b")), 5, Mix(with_reranker(0.6)))
    assert order(await run(ranking(5), light, mild)) == [0, 1, 2, 3, 4]
    assert order(await run(ranking(5), light, strong)) == [4, 3, 2, 1, 0]


@pytest.mark.parametrize("place", [0, 1, 2])
async def test_failed_stage_keeps_the_order_before_it_and_the_next_goes_on(place: int) -> None:
    turns = [
        Turn(Scored("long", ByLength()), 6, ALONE),
        Turn(Scored("short", ByLength("heavy", -1)), 3, ALONE),
        Turn(Ordered("llm", Reverses()), 2),
    ]
    without = await run(ranking(8), *turns[:place], *turns[place + 1 :])
    turns[place] = Turn(Scored(("rerank", "short", "llm")[place], Broken("broken")), turns[place].depth, ALONE)
    after = await run(ranking(8), *turns)
    assert order(after) == order(without)
    assert after.degraded
    failed = after.stages[1 + place]
    assert (failed.model, failed.returned) == ("broken", 0)
    assert after.notes == [
        (
            "Reranking failed, the order is that of retrieval: ",
            "The stage 'short' failed, the order is that of 'rerank': ",
            "The stage 'llm' failed, the order is that of 'short': ",
        )[place]
        + "The endpoint answered 503. Try again later."
    ]


@pytest.mark.parametrize("places", [(0,), (0, 0, 1), (1, 2, 3), (0, 1, 2, 3)])
async def test_order_that_is_no_permutation_is_refused(places: tuple[int, ...]) -> None:
    after = await run(ranking(5), Turn(Ordered("llm", Reverses(places)), 3))
    assert order(after) == [0, 1, 2, 3, 4]
    assert after.degraded
    assert "reverses gave an order that does not hold each of 3 passages once." in after.notes[0]


async def test_orderer_may_leave_the_order_and_say_why() -> None:
    skipped = await run(ranking(4), Turn(Ordered("llm", Reverses((), ("Not asked.",), note="wide margin")), 3))
    assert skipped.hits == ranking(4).hits
    assert (skipped.degraded, skipped.notes) == (False, ["Not asked."])
    assert (skipped.stages[-1].returned, skipped.stages[-1].note) == (3, "wide margin")
    failed = await run(ranking(4), Turn(Ordered("llm", Reverses((), ("No reply.",), degraded=True)), 3))
    assert failed.hits == ranking(4).hits
    assert (failed.degraded, failed.stages[-1].returned) == (True, 0)


async def test_instruction_reaches_only_the_stages_that_take_it() -> None:
    plain, following, orderer = ByLength("plain"), ByLength("following"), Reverses()
    cascade = Cascade(
        (
            Scored("plain", plain),
            Scored("following", following, takes_instructions=True),
            Ordered("llm", orderer),
        )
    )
    turns = [Turn(step, 3, ALONE) for step in cascade.steps]
    after = await run(ranking(3), *turns, instruction="prefer recent")
    assert after.notes == ["following read 3 passages by the instruction."]
    assert plain.asked == [("q", "", 3)]
    assert following.asked == [("q", "prefer recent", 3)]
    assert orderer.asked == [("q", "prefer recent", 3)]
    await run(ranking(3), *turns)
    assert following.asked[-1] == ("q", "", 3)
    assert (cascade.model, cascade.takes_instructions) == ("plain > following > reverses", True)
    assert not Cascade(cascade.steps[:1]).takes_instructions


async def test_orderer_that_takes_too_long_is_cancelled() -> None:
    turns = [Turn(Scored("long", ByLength()), 3, ALONE), Turn(Ordered("llm", Reverses(seconds=60)), 3)]
    with anyio.fail_after(20):
        after = await run(ranking(3), *turns, milliseconds=200)
    assert order(after) == [2, 1, 0]
    assert after.degraded
    assert "reverses gave no order within the " in after.notes[0]


async def test_time_budget_is_shared_and_what_is_left_over_goes_on() -> None:
    now = [0.0]

    class Slow(ByLength):
        async def score(self, query: str, passages: Sequence[Passage], *, instruction: str = "") -> Scores:
            now[0] += self.seconds * len(passages)
            self.asked.append((query, instruction, len(passages)))
            return Scores(tuple(float(len(each.text)) for each in passages))

    slow, rest, last = Slow("slow", seconds=0.1), Slow("rest", seconds=0.01), Reverses()
    turns = [
        Turn(Scored("a", slow), 50, ALONE),
        Turn(Scored("b", rest), 20, ALONE),
        Turn(Ordered("llm", last), 5),
    ]
    after = await run_cascade(
        ranking(50), "q", "", turns, milliseconds=3000, paces=defaultdict[str, Pace](Pace), clock=lambda: now[0]
    )
    read = {stage.name: stage.returned for stage in after.stages[1:]}
    assert 5 <= read["rerank"] <= 10, "a third of 3 s, at 0.1 s a passage"
    assert read["b"] == 20, "what the first stage left is enough"
    assert read["llm"] == 5
    assert not after.degraded


async def test_stage_without_any_time_left_is_left_out_and_said_to_be() -> None:
    now = [0.0]

    class Late(Reverses):
        async def order(self, query: str, instruction: str, hits: Sequence[Hit]) -> Ordering:
            now[0] += 10.0
            return await super().order(query, instruction, hits)

    unasked = Reverses(name="unasked")
    after = await run_cascade(
        ranking(4),
        "q",
        "",
        [Turn(Ordered("llm", Late()), 4), Turn(Ordered("second", unasked), 4)],
        milliseconds=1000,
        paces=defaultdict[str, Pace](Pace),
        clock=lambda: now[0],
    )
    assert order(after) == [3, 2, 1, 0]
    assert unasked.asked == []
    assert after.notes == [
        "The stage 'second' failed, the order is that of 'llm': nothing was left of the time budget of 1000 ms. "
        "Allow more."
    ]


def made(kind: str, name: str) -> Step:
    if kind == "order":
        return Ordered(name, Reverses())
    return Scored(name, Broken() if kind == "broken" else ByLength(sign=1 if kind == "long" else -1))


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
    turns = [
        Turn(made(kind, f"s{n}"), depth, ALONE) for n, (kind, depth) in enumerate(zip(kinds, depths, strict=False))
    ]
    after = await run(ranking(count), *turns)
    assert sorted(order(after)) == list(range(count))
    assert [hit.rank for hit in after.hits] == list(range(1, count + 1))
    assert all(hit.was in (0, int(hit.passage.document_id[1:]) + 1) for hit in after.hits)
    assert order(after)[max(depths) :] == list(range(count))[max(depths) :]
    scores = [hit.score for hit in after.hits]
    assert scores == sorted(scores, reverse=True)
    assert after.degraded == (count > 0 and "broken" in kinds[: len(heads)])
