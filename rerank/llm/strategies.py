"""Strategies that order many passages by ordering small groups of them, round by round.

A strategy is a generator. It yields a round (the groups of positions that can be ordered at the same time), is sent
the order of each group, and returns the order of all. The caller calls the model; nothing here waits.
"""

from collections.abc import Callable, Generator, Sequence
from functools import cache
from itertools import zip_longest
from typing import TypeAlias

Group: TypeAlias = list[int]

Strategy: TypeAlias = Generator[list[Group], list[Group], Group]

WINDOW = 20  # passages in a call: the most that models order well at once (RankGPT, Sun et al. 2023)
STEP = 10  # positions that a window moves by: half, so that the next window sees the better half again
TOP = 10  # positions that are exact, whatever the order before: those a caller sees by default
MAX_PASSAGES = 100  # later ones keep their order
PARTITION_ABOVE = 50  # up to here sliding windows need at most 4 calls in a row, no more rounds than partitioning


def listwise(n: int) -> Strategy:
    """Order in one call up to 20 passages, with sliding windows up to 50, by partitioning above."""
    return windows(n) if n <= PARTITION_ABOVE else partition(n)


def windows(n: int, *, size: int = WINDOW, step: int = STEP) -> Strategy:
    """Order windows from the back to the front, each with the best of the one behind it; one call a round.

    Source: Sun et al., "Is ChatGPT Good at Search?", EMNLP 2023.

    Raises:
        ValueError: `step` is below 1 or would leave passages out.
    """
    if not 1 <= step <= size:
        raise ValueError(f"The step must lie between 1 and the window of {size}, not {step}.")
    order = list(range(n))
    end, start = n, max(n - size, 0)
    while end > 0:
        (order[start:end],) = yield [order[start:end]]
        if start == 0:
            break
        end -= step
        start = max(end - size, 0)
    return order


def partition(n: int) -> Strategy:
    """Order from the top down: a passage that does not beat the tenth of the first 20 cannot be in the first ten.

    Source: Parry et al., "Top-Down Partitioning for Efficient List-Wise Ranking", arXiv 2405.14589. At most 4 rounds
    for 100 passages, where the paper's recursion has no such bound: of each block only the first ten survive, and many
    survivors are merged, not partitioned again.
    """
    (first,) = yield [list(range(min(n, WINDOW)))]
    if n <= WINDOW:
        return first
    pivot = first[TOP - 1]
    blocks = [list(range(start, min(start + WINDOW - 1, n))) for start in range(WINDOW, n, WINDOW - 1)]
    groups = [[pivot, *block] for block in blocks]
    orders = yield groups
    if orders == groups:  # nothing rose, or the model failed: the earlier order stands
        return [*first, *range(WINDOW, n)]
    survivors = [order[: min(order.index(pivot), TOP)] for order in orders]
    lists = [first[: TOP - 1], *filter(None, survivors)]
    best = (yield from _merge(lists)) if any(survivors) else lists[0]
    # The rest was not compared across calls: order it by the rank in its own call.
    places = [(rank, place) for order in (first, *orders) for rank, place in enumerate(order)]
    rest = dict.fromkeys(place for _, place in sorted(places) if place not in {*best, pivot})
    return [*best, pivot, *rest]


def _merge(lists: list[Group]) -> Strategy:
    """Return the first ten of several ordered lists, and some that follow, in at most two rounds."""
    everything = [place for each in lists for place in each]
    if len(everything) <= WINDOW:
        (order,) = yield [everything]
        return order
    heads = _heads(lists, WINDOW)
    (order,) = yield [heads]
    ranks = {place: rank for rank, place in enumerate(order)}
    # The tail of a list lies below its whole head, and so cannot matter once the head reaches below the tenth.
    last = [max(ranks[place] for place in each if place in ranks) + 1 for each in lists]
    tails = [(least, each[sum(place in ranks for place in each) :]) for least, each in zip(last, lists, strict=True)]
    open_ones = [(least, tail[: TOP - least]) for least, tail in tails if tail and least < TOP]
    if not open_ones:
        return order[:TOP]
    settled = min(least for least, _ in open_ones)
    contenders = [*order[settled:TOP], *(place for _, tail in open_ones for place in tail)]
    (ranked,) = yield [contenders]
    return [*order[:settled], *ranked]


def _heads(lists: list[Group], number: int) -> Group:
    """Return `number` positions from the fronts of the lists, in turn."""
    interleaved = [place for row in zip_longest(*lists) for place in row if place is not None]
    return interleaved[:number]


STRATEGIES: dict[str, Callable[[int], Strategy]] = {
    "listwise": listwise,
    "windows": windows,
    "partition": partition,
}
"""By the name in the settings; "listwise" picks one of the other two by the number of passages."""


def rounds_of(strategy: Strategy, judge: Callable[[Group], Group]) -> list[list[Group]]:
    """Return the rounds that a strategy asks for when `judge` orders each group."""
    rounds: list[list[Group]] = []
    try:
        groups = next(strategy)
        while True:
            rounds.append(groups)
            groups = strategy.send([judge(group) for group in groups])
    except StopIteration:
        return rounds


def worst_case(name: str, n: int) -> list[Group]:
    """Return the groups that a strategy compares if the earlier order is right or reversed, whichever needs more."""
    judges: Sequence[Callable[[Group], Group]] = (list, lambda group: sorted(group, reverse=True))
    runs = [[group for each in rounds_of(STRATEGIES[name](n), judge) for group in each] for judge in judges]
    return max(runs, key=lambda groups: sum(map(len, groups)))


@cache
def max_depth(name: str, passages: int, *, permutations: int, max_calls: int) -> int:
    """Return how many of the passages a strategy can order with `max_calls` calls."""
    for depth in range(min(passages, MAX_PASSAGES), 1, -1):
        if len(worst_case(name, depth)) * permutations <= max_calls:
            return depth
    return min(passages, 1)
