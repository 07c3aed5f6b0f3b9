"""Which passages a model compares in which round: strategies that turn orders of a few into an order of many.

A strategy is a generator: it yields a round, the groups of places that can be ordered at the same time, is sent the
order of each, and returns the order of all. Whoever asks the model drives it; nothing here waits.
"""

from collections.abc import Callable, Generator, Sequence
from functools import cache
from itertools import combinations, zip_longest
from typing import TypeAlias

Group: TypeAlias = list[int]

Strategy: TypeAlias = Generator[list[Group], list[Group], Group]

WINDOW = 20  # passages in a call: the most that models order well at once (RankGPT, Sun et al. 2023)

STEP = 10  # places a window moves on by: half, so that the better half of one is seen again in the next

TOP = 10  # places that are exact, whatever the order before: those a caller is shown by default

MOST = 100  # passages that are ordered at all

PARTITION_ABOVE = 50  # passages up to which windows need at most 4 calls in a row, no more rounds than partitioning

SET = 4  # passages of which setwise picks the best


def listwise(n: int) -> Strategy:
    """Order windows of the passages: one call up to 20, sliding windows up to 50, partitioning above."""
    return windows(n) if n <= PARTITION_ABOVE else partition(n)


def windows(n: int, *, size: int = WINDOW, step: int = STEP) -> Strategy:
    """Order windows from the back to the front, each with the survivors of the one behind it; one call a round.

    Raises:
        ValueError: Steps that are no steps, or would leave passages out.
    """
    if not 1 <= step <= size:
        raise ValueError(f"A step of {step} does not lie between 1 and the window, {size}.")
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
    """Order from the top down: what does not beat the tenth of the first 20 cannot be among the first ten.

    Source: Parry et al., "Top-Down Partitioning for Efficient List-Wise Ranking", arXiv 2405.14589. At most 4 rounds
    for 100 passages, where the paper's recursion has no such bound: of each block only the first ten survive, and many
    survivors are merged, not partitioned again.
    """
    (first,) = yield [list(range(min(n, WINDOW)))]
    if n <= WINDOW:
        return first
    pivot = first[TOP - 1]
    blocks = [list(range(start, min(start + WINDOW - 1, n))) for start in range(WINDOW, n, WINDOW - 1)]
    orders = yield [[pivot, *block] for block in blocks]
    survivors = [order[: min(order.index(pivot), TOP)] for order in orders]
    lists = [first[: TOP - 1], *filter(None, survivors)]
    best = (yield from _merge(lists)) if any(survivors) else lists[0]
    # The rest was not compared across calls: by their rank in the call they stood in.
    places = [(rank, place) for order in (first, *orders) for rank, place in enumerate(order)]
    rest = dict.fromkeys(place for _, place in sorted(places) if place not in {*best, pivot})
    return [*best, pivot, *rest]


def _merge(lists: list[Group]) -> Strategy:
    """Return the first ten of lists that are in order each, and some that follow, in at most two rounds."""
    everything = [place for each in lists for place in each]
    if len(everything) <= WINDOW:
        (order,) = yield [everything]
        return order
    heads = _heads(lists, WINDOW)
    (order,) = yield [heads]
    ranks = {place: rank for rank, place in enumerate(order)}
    # What follows in a list is below all its heads, and so out when those reach below the tenth.
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
    """Return so many places from the fronts of the lists, in turn."""
    in_turn = [place for row in zip_longest(*lists) for place in row if place is not None]
    return in_turn[:number]


def setwise(n: int) -> Strategy:
    """Order by a heap whose comparisons pick the best of four: many small calls, one after the other.

    Source: Zhuang et al., "A Setwise Approach for Effective and Highly Efficient Zero-shot Ranking", SIGIR 2024.
    """
    heap = list(range(n))
    for place in reversed(range((n + SET - 3) // (SET - 1))):
        yield from _sift(heap, place)
    best: Group = []
    while heap and len(best) < TOP:
        best.append(heap[0])
        last = heap.pop()
        if heap:
            heap[0] = last
            yield from _sift(heap, 0)
    return [*best, *sorted(heap)]


def _sift(heap: Group, place: int) -> Generator[list[Group], list[Group]]:
    """Let the passage at a place of the heap sink below those that are better."""
    while len(heap) > (child := place * (SET - 1) + 1):
        (order,) = yield [[heap[place], *heap[child : child + SET - 1]]]
        if order[0] == heap[place]:
            return
        better = heap.index(order[0])
        heap[place], heap[better] = heap[better], heap[place]
        place = better


def pairwise(n: int) -> Strategy:
    """Order by the number of others that each passage is better than: all pairs, in one round."""
    if n <= 1:
        return (yield from windows(n))
    orders = yield [list(pair) for pair in combinations(range(n), 2)]
    wins = [0] * n
    for better, _ in orders:
        wins[better] += 1
    return sorted(range(n), key=lambda place: (-wins[place], place))


STRATEGIES: dict[str, Callable[[int], Strategy]] = {
    "listwise": listwise,
    "first_token": listwise,
    "windows": windows,
    "partition": partition,
    "setwise": setwise,
    "pairwise": pairwise,
}
"""By the word of the settings; what is not one of the last four chooses windows or partitioning by the depth."""


def rounds_of(strategy: Strategy, judge: Callable[[Group], Group]) -> list[list[Group]]:
    """Return the rounds that a strategy asks for when a group is ordered so."""
    rounds: list[list[Group]] = []
    try:
        groups = next(strategy)
        while True:
            rounds.append(groups)
            groups = strategy.send([judge(group) for group in groups])
    except StopIteration:
        return rounds


def foreseen(name: str, n: int) -> list[Group]:
    """Return the groups that are asked about when the order before is right or the very reverse, whichever are more."""
    orders: Sequence[Callable[[Group], Group]] = (list, lambda group: sorted(group, reverse=True))
    asked = [[group for each in rounds_of(STRATEGIES[name](n), judge) for group in each] for judge in orders]
    return max(asked, key=lambda groups: sum(map(len, groups)))


@cache  # pairs of a hundred passages take a quarter of a second to count
def deepest(name: str, number: int, *, permutations: int, max_calls: int) -> int:
    """Return how many of so many passages can be ordered with the calls that are allowed."""
    for depth in range(min(number, MOST), 1, -1):
        if len(foreseen(name, depth)) * permutations <= max_calls:
            return depth
    return min(number, 1)
