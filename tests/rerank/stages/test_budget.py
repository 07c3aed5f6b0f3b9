"""A time budget is held, and used: slices fit what is left, by what is known of the reranker's speed."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resift.core.errors import ModelError
from resift.core.query import Query
from resift.core.values import Passage
from resift.rerank.blend import Weights, with_reranker
from resift.rerank.protocols import Scores
from resift.rerank.stages.budget import EXPECTED, EarlyStop, HeadReader, Pace, expected_newcomers
from resift.search.fusion import scale

pytestmark = pytest.mark.anyio

PASSAGES = [Passage(f"d{n}", 0, text=f"text {n}") for n in range(200)]


@dataclass
class Slow:
    """A reranker that moves a clock of its own: `seconds(n)` for a call with n passages."""

    seconds: Callable[[int], float]
    cached: int = 0
    now_s: float = 1000.0
    calls: list[int] = field(default_factory=list[int])
    name: str = "slow"
    fingerprint = "a model of a test"
    weights: Weights = field(default_factory=lambda: with_reranker(0.5))

    def clock(self) -> float:
        return self.now_s

    async def score(self, query: Query, passages: Sequence[Passage]) -> Scores:
        self.calls.append(len(passages))
        self.now_s += self.seconds(len(passages))
        values = tuple(float(each.document_id[1:]) for each in passages)
        cut = frozenset(place for place, value in enumerate(values) if value % 7 == 0)
        return Scores(values, cached=min(self.cached, len(passages)), cut=cut)

    def relevance(self, score: float) -> float:
        return 0.5


def falling(count: int) -> list[float]:
    """Return retrieval's scores of a head."""
    return [1 - place / count for place in range(count)]


async def read_head(
    reranker: Slow,
    query: Query,
    *,
    passages: Sequence[Passage] = PASSAGES,
    pace: Pace | None = None,
    early_stop: EarlyStop | None = None,
) -> Scores:
    reader = HeadReader(query, len(passages), pace=pace or Pace(), early_stop=early_stop)
    earlier = falling(len(passages))
    while not reader.is_enough(scale(reader.values, "min-max"), earlier) and (size := reader.next_slice()):
        reader.add(reranker, size, await reranker.score(query, passages[reader.done : reader.done + size]))
    return reader.scores(reranker)


async def ask(
    reranker: Slow, seconds: float | None, pace: Pace | None = None, *, count: int = 200
) -> tuple[int, float]:
    """Return how many passages were read and how many seconds it took. None: there is no deadline."""
    start_s = reranker.now_s
    query = Query("q", clock=reranker.clock)
    query = query if seconds is None else query.within(seconds)
    scores = await read_head(reranker, query, passages=PASSAGES[:count], pace=pace)
    assert list(scores.values) == [float(n) for n in range(len(scores.values))], "not in retrieval order"
    assert scores.cut == set(range(0, len(scores.values), 7)), "places of a slice, not of the head"
    return len(scores.values), reranker.now_s - start_s


@given(per_passage_s=st.floats(0.001, 0.2), seconds=st.floats(0.2, 5.0))
async def test_budget_is_held_within_a_quarter_and_used_when_nothing_is_known(
    per_passage_s: float, seconds: float
) -> None:
    read, took_s = await ask(Slow(lambda n: n * per_passage_s), seconds)
    assert took_s <= 1.25 * seconds
    assert read == 200 or took_s >= seconds - per_passage_s - 1e-9


@pytest.mark.parametrize("factor", [0.2, 1.0, 2.0])
async def test_budget_is_held_when_passages_take_longer_or_shorter_than_before(factor: float) -> None:
    pace = Pace()
    pace.add(0.5, 50)
    read, took_s = await ask(Slow(lambda n: n * 0.01 * factor), 1.0, pace)
    assert took_s <= 1.25
    assert read >= min(200, 0.75 * 100 / factor)


async def test_pace_learned_makes_for_fewer_and_larger_slices() -> None:
    pace = Pace()
    first = Slow(lambda n: n * 0.01)
    await ask(first, 1.0, pace)
    second = Slow(lambda n: n * 0.01)
    read, took_s = await ask(second, 1.0, pace)
    assert second.calls[0] >= 45
    assert len(second.calls) < len(first.calls)
    assert read >= 98
    assert took_s <= 1 + 1e-9


async def test_price_of_a_call_is_learned_and_the_depth_grows() -> None:
    pace = Pace()
    depths = [(await ask(Slow(lambda n: 0.1 + n * 0.001), 1.0, pace))[0] for _ in range(4)]
    assert depths[-1] == 200
    assert depths == sorted(depths)


async def test_slow_first_call_does_not_spoil_the_pace_for_long() -> None:
    pace = Pace()
    pace.add(3.0, 1)  # it loaded the model
    read, took_s = await ask(Slow(lambda n: n * 0.01), 1.0, pace)
    assert took_s <= 1.25
    assert read >= 60


async def test_head_that_fits_is_read_whole() -> None:
    assert await ask(Slow(lambda n: n * 0.001), 1.0, count=20) == (20, pytest.approx(0.02))


async def test_no_deadline_reads_all_at_once_and_teaches_the_pace() -> None:
    reranker, pace = Slow(lambda n: n * 0.01), Pace()
    assert (await ask(reranker, None, pace))[0] == 200
    assert reranker.calls == [200]
    assert pace.seconds_per_passage == pytest.approx(0.01)


async def test_scores_from_the_cache_teach_nothing() -> None:
    pace = Pace()
    reranker = Slow(lambda n: 0.0, cached=1000)
    assert (await ask(reranker, 1.0, pace))[0] == 200
    assert pace.seconds_per_passage is None


async def test_wrong_number_of_scores_is_an_error_and_teaches_nothing() -> None:
    class Short(Slow):
        async def score(self, query: Query, passages: Sequence[Passage]) -> Scores:
            return Scores((1.0,))

    pace = Pace()
    with pytest.raises(ModelError, match="slow returned 1 scores for 200 passages"):
        await ask(Short(lambda n: 0.0), None, pace)
    assert pace.seconds_per_passage is None


def test_pace_follows_what_is_newer() -> None:
    pace = Pace()
    pace.add(1.0, 100)
    pace.add(2.0, 100)
    assert pace.seconds_per_passage is not None
    assert 0.015 < pace.seconds_per_passage < 0.02
    for _ in range(10):
        pace.add(2.0, 100)
    assert pace.seconds_per_passage == pytest.approx(0.02, rel=1e-3)


def test_slice_may_run_over_by_a_tenth_of_the_budget() -> None:
    slow = Slow(lambda n: 0.0)
    reader = HeadReader(Query("q", clock=slow.clock).within(0.4), 200, pace=Pace(), early_stop=None)
    timeouts_s: list[float] = []
    for elapsed_s in (0.0, 0.3, 0.4, 60.0):
        slow.now_s = 1000.0 + elapsed_s
        timeouts_s.append(reader.slice_timeout_s)
    assert timeouts_s == pytest.approx([0.44, 0.14, 0.04, 0.04])


def test_slice_that_was_cancelled_is_the_last_and_teaches_that_it_took_long() -> None:
    slow, pace = Slow(lambda n: 0.0), Pace()
    reader = HeadReader(Query("q", clock=slow.clock).within(1.0), 200, pace=pace, early_stop=None)
    for _ in range(2):
        size = reader.next_slice()
        slow.now_s += 0.01 * size
        reader.add(slow, size, Scores((1.0,) * size))
    known_s = pace.seconds_per_passage
    assert known_s == pytest.approx(0.01)
    read, size = reader.done, reader.next_slice()
    assert size > 0
    slow.now_s += 0.6
    reader.add(slow, size, None)
    assert reader.next_slice() == 0
    assert len(reader.scores(slow).values) == read > 0
    slower_s = pace.seconds_per_passage
    assert slower_s is not None
    assert slower_s > 0.011


def test_notes_come_once_and_what_was_cached_is_added_up() -> None:
    slow = Slow(lambda n: 0.0)
    reader = HeadReader(Query("q"), 5, pace=Pace(), early_stop=EarlyStop(cutoff=2, slice_size=2))
    parts = [
        Scores((1.0, 2.0), notes=("cut",), cached=2),
        Scores((3.0, 4.0), notes=("cut", "slow"), cached=1, cut=frozenset({1})),
        Scores((5.0,), cut=frozenset({0})),
    ]
    for part in parts:
        reader.add(slow, reader.next_slice(), part)
    expected = Scores((1.0, 2.0, 3.0, 4.0, 5.0), notes=("cut", "slow"), cached=3, cut=frozenset({3, 4}))
    assert reader.scores(slow) == expected


def test_nothing_scored_in_time_is_an_error() -> None:
    slow = Slow(lambda n: 0.0)
    reader = HeadReader(Query("q", clock=slow.clock).within(0.1), 200, pace=Pace(), early_stop=None)
    reader.add(slow, reader.next_slice(), None)
    with pytest.raises(ModelError, match="slow scored nothing within 100 ms, its part of the time budget"):
        reader.scores(slow)


async def read_until_enough(scores: Sequence[float], stop: EarlyStop) -> tuple[int, list[int]]:
    """Return how many passages were read, in which slices, where scores alone make the order."""

    class ByPlace(Slow):
        async def score(self, query: Query, passages: Sequence[Passage]) -> Scores:
            self.calls.append(len(passages))
            return Scores(tuple(scores[int(each.document_id[1:])] for each in passages))

    reranker = ByPlace(lambda n: 0.0)
    found = await read_head(reranker, Query("q"), passages=PASSAGES[: len(scores)], early_stop=stop)
    return len(found.values), reranker.calls


async def test_reading_stops_where_the_reranker_agrees_with_retrieval() -> None:
    assert await read_until_enough(falling(50), EarlyStop(cutoff=10, slice_size=4)) == (12, [12])


async def test_reading_goes_on_while_later_hits_are_better() -> None:
    rising = falling(50)[::-1]
    assert await read_until_enough(rising, EarlyStop(cutoff=10, slice_size=4)) == (50, [12, *[4] * 9, 2])


async def test_more_is_read_the_less_the_reranker_follows_retrieval() -> None:
    noise = [0.0, 0.7, 0.3, 0.9, 0.1, 0.6, 0.2, 0.8, 0.4, 0.5] * 5
    depths = [
        (await read_until_enough(mixed, EarlyStop(cutoff=10, slice_size=4)))[0]
        for share in (0.0, 0.5, 1.0)
        for mixed in [[(1 - share) * x + share * y for x, y in zip(falling(50), noise, strict=True)]]
    ]
    assert depths[0] < depths[1] < depths[2] == 50


def test_clear_winners_leave_no_place_for_newcomers() -> None:
    winners = [1.0, 0.95, 0.9, 0.85, 0.8]
    others = [0.1, 0.2, 0.15, 0.1, 0.2, 0.15, 0.1]
    near = [0.1, 0.2, 0.15, 0.1, 0.2]
    earlier = falling(50)
    expected = [
        expected_newcomers(finals, earlier, earlier[12:16], places=5) for finals in (winners + others, near + others)
    ]
    assert expected[0] < EXPECTED
    assert 0.3 < expected[1] <= 4


@given(st.lists(st.floats(0, 1), min_size=1, max_size=30), st.integers(1, 12))
def test_no_more_newcomers_are_expected_than_there_are_hits(finals: list[float], places: int) -> None:
    earlier = falling(40)
    expected = [expected_newcomers(finals, earlier, earlier[30 : 30 + count], places=places) for count in (0, 4, 8)]
    assert expected[0] == 0 <= expected[1] <= 4
    assert expected[1] <= expected[2] <= 8


def test_scales_of_the_scores_before_do_not_matter() -> None:
    finals, earlier = [0.9, 0.2, 0.6, 0.4, 0.5, 0.1], falling(20)
    found = [
        expected_newcomers(finals, scores, scores[6:10], places=3)
        for scores in (earlier, [100 * each - 7 for each in earlier])
    ]
    assert found[0] == pytest.approx(found[1])
    level = [0.5] * 20
    assert 0 < expected_newcomers(finals, level, level[6:10], places=3) < 4


@given(st.lists(st.floats(-9, 9), min_size=1, max_size=60), st.integers(1, 60), st.integers(1, 16))
async def test_as_many_are_read_as_are_shown(scores: list[float], shown: int, slice_size: int) -> None:
    read, calls = await read_until_enough(scores, EarlyStop(shown, slice_size))
    assert read >= min(shown, len(scores))
    assert sum(calls) == read
    assert all(size <= slice_size for size in calls[1:])


async def test_a_time_budget_rules_where_reading_would_go_on() -> None:
    slow = Slow(lambda n: n * 0.01)
    query = Query("q", clock=slow.clock).within(0.2)
    # Its scores rise, so that every slice brings something.
    found = await read_head(slow, query, early_stop=EarlyStop(cutoff=10, slice_size=8))
    assert 16 <= len(found.values) <= 25
