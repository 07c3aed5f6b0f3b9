"""A time budget is held, and used: slices fit what is left, by what is known of the reranker's speed."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import anyio
import pytest
from hypothesis import given
from hypothesis import strategies as st

from resift.core.errors import ModelError
from resift.core.values import Passage
from resift.rerank.blend import Weights, with_reranker
from resift.rerank.protocols import Scores
from resift.rerank.stages.budget import Budget, EarlyStop, Pace, score_within

pytestmark = pytest.mark.anyio

PASSAGES = [Passage(f"d{n}", 0, f"text {n}") for n in range(200)]


@dataclass
class Slow:
    """A reranker that moves a clock of its own: `seconds(n)` for a call with n passages."""

    seconds: Callable[[int], float]
    cached: int = 0
    now: float = 1000.0
    calls: list[int] = field(default_factory=list[int])
    name: str = "slow"
    fingerprint = "a model of a test"
    weights: Weights = field(default_factory=lambda: with_reranker(0.5))

    def clock(self) -> float:
        return self.now

    async def score(self, query: str, passages: Sequence[Passage], *, instruction: str = "") -> Scores:
        self.calls.append(len(passages))
        self.now += self.seconds(len(passages))
        values = tuple(float(each.document_id[1:]) for each in passages)
        cut = frozenset(place for place, value in enumerate(values) if value % 7 == 0)
        return Scores(values, (), cached=min(self.cached, len(passages)), cut=cut)

    def relevance(self, score: float) -> float:
        return 0.5


def as_read(read: Sequence[float]) -> list[int]:
    return list(range(len(read)))


async def ask(reranker: Slow, milliseconds: float, pace: Pace | None = None, *, count: int = 200) -> tuple[int, float]:
    """Return how many passages were read and how many milliseconds it took."""
    start = reranker.now
    passages = PASSAGES[:count]
    budget = Budget(count, milliseconds, pace or Pace())
    scores = await score_within(reranker, "q", passages, budget, order=as_read, clock=reranker.clock)
    assert list(scores.values) == [float(n) for n in range(len(scores.values))], "not in retrieval order"
    assert scores.cut == set(range(0, len(scores.values), 7)), "places of a slice, not of the head"
    return len(scores.values), 1000 * (reranker.now - start)


@given(per_passage_s=st.floats(0.001, 0.2), milliseconds=st.floats(200, 5000))
async def test_budget_is_held_within_a_quarter_and_used_when_nothing_is_known(
    per_passage_s: float, milliseconds: float
) -> None:
    read, took = await ask(Slow(lambda n: n * per_passage_s), milliseconds)
    assert took <= 1.25 * milliseconds
    assert read == 200 or took >= milliseconds - 1000 * per_passage_s - 1e-6


@pytest.mark.parametrize("factor", [0.2, 1.0, 2.0])
async def test_budget_is_held_when_passages_take_longer_or_shorter_than_before(factor: float) -> None:
    pace = Pace()
    pace.add(0.5, 50)
    read, took = await ask(Slow(lambda n: n * 0.01 * factor), 1000, pace)
    assert took <= 1250
    assert read >= min(200, 0.75 * 100 / factor)


async def test_pace_learned_makes_for_fewer_and_larger_slices() -> None:
    pace = Pace()
    first = Slow(lambda n: n * 0.01)
    await ask(first, 1000, pace)
    second = Slow(lambda n: n * 0.01)
    read, took = await ask(second, 1000, pace)
    assert second.calls[0] >= 45
    assert len(second.calls) < len(first.calls)
    assert read >= 98
    assert took <= 1000 + 1e-6


async def test_price_of_a_call_is_learned_and_the_depth_grows() -> None:
    pace = Pace()
    depths = [(await ask(Slow(lambda n: 0.1 + n * 0.001), 1000, pace))[0] for _ in range(4)]
    assert depths[-1] == 200
    assert depths == sorted(depths)


async def test_slow_first_call_does_not_spoil_the_pace_for_long() -> None:
    pace = Pace()
    pace.add(3.0, 1)  # it loaded the model
    read, took = await ask(Slow(lambda n: n * 0.01), 1000, pace)
    assert took <= 1250
    assert read >= 60


async def test_head_that_fits_is_read_whole() -> None:
    assert await ask(Slow(lambda n: n * 0.001), 1000, count=20) == (20, pytest.approx(20))


async def test_no_budget_reads_all_at_once_and_teaches_the_pace() -> None:
    reranker, pace = Slow(lambda n: n * 0.01), Pace()
    assert (await ask(reranker, 0, pace))[0] == 200
    assert reranker.calls == [200]
    assert pace.seconds_per_passage == pytest.approx(0.01)


async def test_scores_from_the_cache_teach_nothing() -> None:
    pace = Pace()
    reranker = Slow(lambda n: 0.0, cached=1000)
    assert (await ask(reranker, 1000, pace))[0] == 200
    assert pace.seconds_per_passage is None


async def test_failure_teaches_nothing() -> None:
    class Broken(Slow):
        async def score(self, query: str, passages: Sequence[Passage], *, instruction: str = "") -> Scores:
            raise ModelError("503")

    pace = Pace()
    with pytest.raises(ModelError, match="503"):
        await ask(Broken(lambda n: 0.0), 1000, pace)
    assert pace.seconds_per_passage is None


async def test_wrong_number_of_scores_is_an_error() -> None:
    class Short(Slow):
        async def score(self, query: str, passages: Sequence[Passage], *, instruction: str = "") -> Scores:
            return Scores((1.0,))

    with pytest.raises(ModelError, match="slow gave 1 scores for 200 passages"):
        await ask(Short(lambda n: 0.0), 0)


def test_pace_follows_what_is_newer() -> None:
    pace = Pace()
    pace.add(1.0, 100)
    pace.add(2.0, 100)
    assert pace.seconds_per_passage is not None
    assert 0.015 < pace.seconds_per_passage < 0.02
    for _ in range(10):
        pace.add(2.0, 100)
    assert pace.seconds_per_passage == pytest.approx(0.02, rel=1e-3)


async def test_slice_that_hangs_is_given_up_and_what_was_read_before_counts() -> None:
    class Hanging(Slow):
        async def score(self, query: str, passages: Sequence[Passage], *, instruction: str = "") -> Scores:
            await anyio.sleep(0.01 if len(self.calls) < 3 else 60)
            return await super().score(query, passages)

    pace = Pace()
    reranker = Hanging(lambda n: 0.0)
    begun = anyio.current_time()
    scores = await score_within(
        reranker, "q", PASSAGES, Budget(200, 400, pace), order=as_read, clock=anyio.current_time
    )
    assert 1000 * (anyio.current_time() - begun) <= 1.25 * 400
    assert len(scores.values) == sum(reranker.calls) > 0
    assert pace.seconds_per_passage is not None


def by_score(read: Sequence[float]) -> list[int]:
    return sorted(range(len(read)), key=lambda place: -read[place])


async def read_until_enough(scores: Sequence[float], stop: EarlyStop) -> tuple[int, list[int]]:
    """Return how many passages were read, in which slices, where scores alone make the order."""

    class ByPlace(Slow):
        async def score(self, query: str, passages: Sequence[Passage], *, instruction: str = "") -> Scores:
            self.calls.append(len(passages))
            return Scores(tuple(scores[int(each.document_id[1:])] for each in passages))

    reranker = ByPlace(lambda n: 0.0)
    budget = Budget(len(scores), early_stop=stop)
    found = await score_within(reranker, "q", PASSAGES[: len(scores)], budget, order=by_score)
    return len(found.values), reranker.calls


async def test_reading_stops_after_a_slice_that_brings_nothing_to_the_page() -> None:
    falling = [float(-place) for place in range(50)]
    assert await read_until_enough(falling, EarlyStop(shown=10, slice=8)) == (16, [16])


async def test_reading_goes_on_while_slices_bring_something() -> None:
    rising = [float(place) for place in range(50)]
    assert await read_until_enough(rising, EarlyStop(shown=10, slice=8)) == (50, [16, 8, 8, 8, 8, 2])


@pytest.mark.parametrize(("place_of_the_best", "read"), [(7, 16), (8, 24), (15, 24), (16, 16), (49, 16)])
async def test_a_good_hit_is_found_where_the_slice_before_it_brought_something(
    place_of_the_best: int, read: int
) -> None:
    scores = [float(-place) for place in range(50)]
    scores[place_of_the_best] = 1.0
    assert (await read_until_enough(scores, EarlyStop(shown=10, slice=8)))[0] == read


async def test_the_foot_of_the_page_does_not_count() -> None:
    scores = [float(-place) for place in range(50)]
    scores[12] = -7.5  # ninth of ten
    assert (await read_until_enough(scores, EarlyStop(shown=10, slice=8)))[0] == 16
    scores[12] = -6.5  # eighth
    assert (await read_until_enough(scores, EarlyStop(shown=10, slice=8)))[0] == 24


@given(st.lists(st.floats(-9, 9), min_size=1, max_size=60), st.integers(1, 60), st.integers(1, 16))
async def test_as_many_are_read_as_are_shown(scores: list[float], shown: int, slice_: int) -> None:
    read, calls = await read_until_enough(scores, EarlyStop(shown, slice_))
    assert read >= min(shown, len(scores))
    assert sum(calls) == read
    assert all(size <= slice_ for size in calls[1:])


async def test_a_time_budget_rules_where_reading_would_go_on() -> None:
    slow = Slow(lambda n: n * 0.01)
    budget = Budget(200, 200, early_stop=EarlyStop(shown=10, slice=8))

    def last_first(read: Sequence[float]) -> list[int]:
        return list(range(len(read)))[::-1]

    found = await score_within(slow, "q", PASSAGES, budget, order=last_first, clock=slow.clock)
    assert 16 <= len(found.values) <= 25
