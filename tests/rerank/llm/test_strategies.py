"""Every passage is read, and what a consistent judge puts first comes first, whatever the order before."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from resift.rerank.llm.strategies import (
    STRATEGIES,
    TOP,
    WINDOW,
    Group,
    Strategy,
    max_depth,
    partition,
    rounds_of,
    windows,
    worst_case,
)

NAMES = sorted(STRATEGIES)


def play(strategy: Strategy, worth: list[float]) -> tuple[Group, list[list[Group]]]:
    """Return the order and the rounds when each group is ordered by worth, highest first."""
    rounds: list[list[Group]] = []
    try:
        groups = next(strategy)
        while True:
            rounds.append(groups)
            groups = strategy.send([sorted(group, key=lambda place: -worth[place]) for group in groups])
    except StopIteration as end:
        return end.value, rounds


def worths(n: int) -> list[list[float]]:
    """Return what passages may be worth: as they stand, the other way round, and by chance."""
    chance = random.Random(n)
    return [[-float(i) for i in range(n)], [float(i) for i in range(n)], [chance.random() for _ in range(n)]]


@pytest.mark.parametrize("name", NAMES)
def test_every_passage_is_read_and_kept_for_every_depth(name: str) -> None:
    for n in range(1, 101):
        for worth in worths(n):
            order, rounds = play(STRATEGIES[name](n), worth)
            assert sorted(order) == list(range(n))
            seen = {place for groups in rounds for group in groups for place in group}
            assert seen == set(range(n))
            assert all(len(set(group)) == len(group) <= WINDOW for groups in rounds for group in groups)


@pytest.mark.parametrize("name", NAMES)
def test_consistent_judge_is_followed_exactly(name: str) -> None:
    for n in range(1, 101):
        for worth in worths(n):
            order, _ = play(STRATEGIES[name](n), worth)
            best = sorted(range(n), key=lambda place: -worth[place])
            exact = n if n <= WINDOW else TOP
            assert order[:exact] == best[:exact], (n, worth)


@pytest.mark.parametrize(("n", "calls"), [(1, 1), (12, 1), (20, 1), (25, 2), (30, 2), (40, 3), (50, 4), (100, 9)])
def test_windows_need_the_calls_they_should(n: int, calls: int) -> None:
    assert len(rounds_of(windows(n), list)) == calls


def test_windows_refuse_a_step_that_leaves_passages_out() -> None:
    for size, step in ((10, 11), (10, 0)):
        with pytest.raises(ValueError, match=f"not {step}\\."):
            next(windows(30, size=size, step=step))


def test_partitioning_of_a_good_order_takes_seven_calls_in_three_rounds() -> None:
    worth = [-float(i) for i in range(100)]
    worth[60] = 0.5  # one that retrieval put too low
    _, rounds = play(partition(100), worth)
    assert [len(groups) for groups in rounds] == [1, 5, 1]


@given(st.permutations(range(100)))
def test_partitioning_never_takes_more_than_four_rounds(order_before: list[int]) -> None:
    worth = [float(value) for value in order_before]
    order, rounds = play(partition(100), worth)
    assert len(rounds) <= 4
    assert order[:TOP] == sorted(range(100), key=lambda place: -worth[place])[:TOP]


@settings(deadline=None, max_examples=60)
@given(st.sampled_from(NAMES), st.integers(1, 100), st.integers())
def test_judge_without_a_plan_still_gets_small_groups_and_loses_no_passage(name: str, n: int, seed: int) -> None:
    chance = random.Random(seed)

    def strategy() -> Strategy:
        order = yield from STRATEGIES[name](n)
        assert sorted(order) == list(range(n))
        return order

    for groups in rounds_of(strategy(), lambda group: chance.sample(group, len(group))):
        assert all(1 <= len(group) <= WINDOW for group in groups)


def test_no_order_needs_more_calls_than_the_worst_case() -> None:
    assert [len(group) for group in worst_case("listwise", 30)] == [20, 20]
    assert len(worst_case("listwise", 100)) == 8
    for n in range(51, 101):
        for worth in worths(n):
            _, rounds = play(partition(n), worth)
            assert sum(map(len, rounds)) <= len(worst_case("listwise", n))


def test_depth_that_calls_allow_is_worked_out_once() -> None:
    max_depth.cache_clear()
    assert [max_depth("listwise", 50, permutations=1, max_calls=2) for _ in range(3)] == [30] * 3
    assert (max_depth.cache_info().misses, max_depth.cache_info().hits) == (1, 2)


def test_permutations_multiply_the_calls() -> None:
    assert [max_depth("listwise", 50, permutations=n, max_calls=4) for n in (1, 2, 4, 5)] == [50, 30, 20, 1]
