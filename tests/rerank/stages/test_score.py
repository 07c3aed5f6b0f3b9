"""The second stage: the head reordered, the tail kept, and retrieval's order when the reranker fails."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import anyio
import pytest
from hypothesis import given
from hypothesis import strategies as st

from resift.core.errors import ModelError
from resift.core.query import Query
from resift.core.values import Hit, Passage, Ranking, Stage
from resift.rerank.blend import Weights, with_reranker
from resift.rerank.protocols import Scorer, Scores
from resift.rerank.signals import Mix
from resift.rerank.stages.score import CUT_PASSAGE, PlannedScore, ScoreStage

pytestmark = pytest.mark.anyio

ALONE = Mix({"rerank": 1.0})


@dataclass
class Clock:
    """A clock that stands still until it is moved."""

    now_s: float = 0.0

    def __call__(self) -> float:
        return self.now_s


@dataclass
class ByTable:
    """A reranker that looks the score of a text up, and moves a clock of its own for each."""

    table: Mapping[str, float]
    seconds: float = 0.0
    now_s: float = 1000.0
    notes: tuple[str, ...] = ()
    calls: list[int] = field(default_factory=list[int])
    name: str = "by-table"
    fingerprint = "a model of a test"
    weights: Weights = field(default_factory=lambda: with_reranker(0.5))
    cached: int = 0
    longest: int = 1000

    def clock(self) -> float:
        return self.now_s

    async def score(self, query: Query, passages: Sequence[Passage]) -> Scores:
        self.calls.append(len(passages))
        self.now_s += self.seconds * len(passages)
        cut = frozenset(place for place, passage in enumerate(passages) if len(passage.text) > self.longest)
        return Scores(
            tuple(self.table[passage.text] for passage in passages), notes=self.notes, cached=self.cached, cut=cut
        )

    def relevance(self, score: float) -> float:
        return score / 100


class Broken:
    name = "broken"
    fingerprint = "a model of a test"
    weights = with_reranker(0.5)

    async def score(self, query: Query, passages: Sequence[Passage]) -> Scores:
        raise ModelError("The endpoint answered 503. Try again later.")

    def relevance(self, score: float) -> float:
        return 0.0


def ranking(count: int) -> Ranking:
    hits = [
        Hit(
            Passage(f"d{n}", 0, text=f"text {n}"),
            1 / (n + 1),
            rank=n + 1,
            scores={"fused": 1 / (n + 1)},
            ranks={"fused": n + 1},
        )
        for n in range(count)
    ]
    stage = Stage("search", "dense", received=count, returned=count, milliseconds=1.0)
    return Ranking(hits, [stage], notes=["a note"])


def upside_down(count: int, *, seconds: float = 0.0) -> ByTable:
    return ByTable({f"text {n}": float(n) for n in range(count)}, seconds=seconds)


def texts(ranked: Ranking) -> list[str]:
    return [hit.passage.text for hit in ranked.hits]


async def rerank(
    before: Ranking, scorer: Scorer, depth: int, *, mix: Mix = ALONE, query: Query | None = None, slice_size: int = 0
) -> Ranking:
    """Return the ranking after a stage of which ten hits are shown, if it reads in slices."""
    stage = ScoreStage("by-table", scorer, slice_size=slice_size)
    return await PlannedScore(stage, depth, mix=mix, cutoff=10).run(before, query or Query("q"))


async def test_head_alone_is_reordered() -> None:
    reranked = await rerank(ranking(10), upside_down(10), 4)
    assert texts(reranked) == [f"text {n}" for n in (3, 2, 1, 0, 4, 5, 6, 7, 8, 9)]
    assert [hit.relevance for hit in reranked.hits[:4]] == [0.03, 0.02, 0.01, 0.0]
    assert [hit.relevance for hit in reranked.hits[4:]] == [None] * 6
    assert not reranked.degraded
    stage = reranked.stages[-1]
    assert (stage.name, stage.model, stage.received, stage.returned, stage.note) == ("rerank", "by-table", 4, 4, "")


@given(scores=st.lists(st.integers(0, 5), min_size=1, max_size=12), depth=st.integers(0, 15), weight=st.floats(0, 1))
async def test_reranking_is_a_permutation_with_consistent_ranks(scores: list[int], depth: int, weight: float) -> None:
    before = ranking(len(scores))
    table = ByTable({f"text {n}": float(score) for n, score in enumerate(scores)})
    after = await rerank(before, table, depth, mix=Mix({"fused": 1 - weight, "rerank": weight}))
    assert sorted(texts(after)) == sorted(texts(before))
    assert texts(after)[depth:] == texts(before)[depth:]
    places = {hit.passage.id: hit.rank for hit in before.hits}
    for rank, hit in enumerate(after.hits, start=1):
        assert hit.rank == rank
        if depth:
            assert hit.was == hit.ranks["fused"] == places[hit.passage.id]
            assert hit.ranks["blend"] == rank
    read = [hit for hit in after.hits if "rerank" in hit.scores]
    assert len(read) == min(depth, len(scores))
    assert sorted(hit.ranks["rerank"] for hit in read) == list(range(1, len(read) + 1))
    assert all(hit.score == hit.scores["blend"] for hit in read)
    for hit in read:
        assert hit.ranks["rerank"] == 1 + sum(
            (other.scores["rerank"], -other.was) > (hit.scores["rerank"], -hit.was) for other in read
        )


async def test_ties_keep_the_order_of_retrieval() -> None:
    same = ByTable({f"text {n}": 1.0 for n in range(5)})
    assert texts(await rerank(ranking(5), same, 5)) == texts(ranking(5))


async def test_failed_reranker_keeps_the_order_and_says_so() -> None:
    before = ranking(5)
    after = await rerank(before, Broken(), 5)
    assert after.hits == before.hits
    assert after.degraded
    assert after.notes[0] == "a note"
    assert "Reranking failed; the order is that of retrieval: The endpoint answered 503" in after.notes[1]
    stage = after.stages[-1]
    assert (stage.model, stage.received, stage.returned) == ("broken", 5, 0)
    assert "503" in stage.note


async def test_failure_teaches_nothing_of_the_pace() -> None:
    stage = ScoreStage("broken", Broken())
    await PlannedScore(stage, 5).run(ranking(5), Query("q").within(60))
    assert stage.pace.seconds_per_passage is None


async def test_wrong_number_of_scores_is_a_failure() -> None:
    class Short(ByTable):
        async def score(self, query: Query, passages: Sequence[Passage]) -> Scores:
            return Scores((1.0,))

    after = await rerank(ranking(5), Short({}), 5)
    assert after.degraded
    assert after.stages[-1].note == "by-table returned 1 scores for 5 passages."


async def test_any_other_failure_is_not_hidden() -> None:
    with pytest.raises(KeyError):
        await rerank(ranking(3), ByTable({}), 3)


async def test_nothing_to_rerank_is_left_alone() -> None:
    table = upside_down(3)
    assert await rerank(Ranking(()), table, 5) == Ranking(())
    assert table.calls == []


async def test_notes_of_the_reranker_are_passed_on_once() -> None:
    table = ByTable(upside_down(20).table, notes=("The query was cut.",))
    after = await rerank(ranking(20), table, 20, query=Query("q").within(60))
    assert after.notes == ["a note", "The query was cut."]
    assert sum(table.calls) == 20


async def test_passage_that_was_cut_is_told_of_once_from_whatever_slice() -> None:
    # "text 10" and those after it are longer; only slices after the first have any.
    table = ByTable(upside_down(20).table, longest=len("text 9"))
    after = await rerank(ranking(20), table, 20, query=Query("q").within(60))
    assert after.notes == ["a note", CUT_PASSAGE]
    assert len(table.calls) > 1


async def test_scores_from_the_cache_are_reported() -> None:
    table = ByTable(upside_down(5).table, cached=3)
    after = await rerank(ranking(5), table, 5)
    assert after.stages[-1].note == "3 of 5 from the cache"


async def test_time_budget_is_held_and_the_depth_reached_is_reported() -> None:
    budget_s, per_passage_s = 0.9, 0.01
    reranker = upside_down(200, seconds=per_passage_s)
    start_s = reranker.clock()
    query = Query("q", clock=reranker.clock).within(budget_s)
    after = await rerank(ranking(200), reranker, 200, query=query)
    assert reranker.clock() - start_s <= budget_s + 1e-9
    read = sum(reranker.calls)
    assert 0.9 * budget_s / per_passage_s <= read <= budget_s / per_passage_s
    assert after.stages[-1].returned == read
    assert after.stages[-1].note == f"time budget reached after {read} of 200"
    assert after.stages[-1].milliseconds == pytest.approx(1000 * read * per_passage_s)
    assert texts(after) == [f"text {n}" for n in [*reversed(range(read)), *range(read, 200)]]
    assert not after.degraded


async def test_notes_say_how_many_hits_a_time_budget_allowed_and_what_to_do() -> None:
    reranker = upside_down(50, seconds=1.0)
    stage = ScoreStage("slow", reranker)
    first, second = [
        await PlannedScore(stage, 50, mix=ALONE).run(ranking(50), Query("q", clock=reranker.clock).within(0.5 + more))
        for more in (0, 9)
    ]
    assert first.notes[1:] == [
        "The time budget ran out: 1 of 50 hits were reranked; the others keep their former order. This was "
        "its first call, which also loads the model; the next one reads more. "
        "To rerank more, raise `time_budget_ms` or leave it out."
    ]
    assert second.stages[-1].out_of_time
    assert "of 50 hits were reranked; the others keep their former order. To rerank more" in second.notes[1]
    whole = await rerank(ranking(5), upside_down(5), 5, query=Query("q", clock=reranker.clock).within(100))
    assert whole.notes == ["a note"]
    assert not whole.stages[-1].out_of_time


@dataclass
class Hanging(ByTable):
    """Answers `answered` calls, and no other."""

    answered: int = 0

    async def score(self, query: Query, passages: Sequence[Passage]) -> Scores:
        if len(self.calls) >= self.answered:
            await anyio.sleep_forever()
        return await super().score(query, passages)


async def test_budget_too_small_for_one_passage_keeps_the_order_and_says_so() -> None:
    before, hanging = ranking(20), Hanging({})
    with anyio.fail_after(20):
        after = await rerank(before, hanging, 20, query=Query("q", clock=hanging.clock).within(0.01))
    assert after.hits == before.hits
    assert after.degraded
    assert after.stages[-1].note.startswith("by-table scored nothing within 10 ms, its part of the time budget.")


async def test_slice_that_hangs_is_cancelled_and_what_was_read_before_counts() -> None:
    hanging = Hanging(upside_down(200).table, seconds=0.001, answered=3)
    stage = ScoreStage("hanging", hanging, slice_size=4)
    with anyio.fail_after(20):
        query = Query("q", clock=hanging.clock).within(0.1)
        after = await PlannedScore(stage, 200, mix=ALONE, cutoff=10).run(ranking(200), query)
    assert len(hanging.calls) == 3
    read = sum(hanging.calls)
    assert after.stages[-1].returned == read > 0
    assert after.stages[-1].note == f"time budget reached after {read} of 200"
    assert not after.degraded
    assert stage.pace.seconds_per_passage is not None


async def test_stage_after_the_deadline_asks_nothing() -> None:
    before, reranker = ranking(5), upside_down(5)
    after = await rerank(before, reranker, 5, query=Query("q", clock=reranker.clock).within(0.0))
    assert after.hits == before.hits
    assert after.degraded
    assert reranker.calls == []
    assert after.stages[-1].note == "the time budget was used up before this stage. Raise the budget."


async def test_stop_before_the_depth_is_reported_and_the_rest_follows_in_its_order() -> None:
    reranker = ByTable({f"text {n}": 1 / (n + 1) for n in range(50)})
    after = await rerank(ranking(50), reranker, 40, slice_size=8)
    assert reranker.calls == [16]
    assert (after.stages[-1].received, after.stages[-1].returned) == (40, 16)
    assert after.stages[-1].note == "stopped after 16 of 40, since more would hardly change the first 6"
    assert texts(after) == [f"text {n}" for n in range(50)]
    assert ["rerank" in hit.scores for hit in after.hits] == [True] * 16 + [False] * 34


async def test_retrieval_counts_for_whether_more_is_read() -> None:
    table = {f"text {n}": float(n == 15) for n in range(50)}
    by_both, alone = ByTable(table), ByTable(table)
    both = Mix({"fused": 0.99, "rerank": 0.01})
    await rerank(ranking(50), by_both, 50, mix=both, slice_size=8)
    await rerank(ranking(50), alone, 50, slice_size=8)
    assert (by_both.calls, alone.calls[:2]) == ([16], [16, 8])
