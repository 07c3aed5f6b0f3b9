"""Score as much of a head as pays, and as a time budget allows, in slices."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from math import ceil, inf
from typing import TypeAlias

import anyio

from ...core.errors import ModelError
from ...core.values import Passage
from ..protocols import Reranker, Scores, score_all

FIRST = 1  # passages scored to learn the pace: one is the least that a budget can be broken by

SHARE = 0.5  # of the time left that a slice is meant to take; twice as slow as thought is still in time

GRACE = 0.1  # of the budget, after whose end a slice under way is given up

UPPER = 0.8  # of the hits shown: among the last of them, hits change places without gain (benchmarks/README.md)

MEMORY = 0.98  # weight of a passage's time against the next one's: half of what is known is of the last 35


class Pace:
    """How long a passage takes a reranker: a mean in which each passage weighs less than the next."""

    def __init__(self) -> None:
        self._seconds = 0.0
        self._passages = 0.0

    @property
    def seconds_per_passage(self) -> float | None:
        """Return the mean; None while nothing was measured."""
        return self._seconds / self._passages if self._passages else None

    def add(self, seconds: float, passages: int) -> None:
        """Count a call; passages whose scores were known already are left out by the caller."""
        if passages > 0:
            kept = MEMORY**passages
            self._seconds = kept * self._seconds + seconds
            self._passages = kept * self._passages + passages


@dataclass(frozen=True, slots=True)
class EarlyStop:
    """Reading ends with a slice that brings nothing to the hits that are shown, in the upper four fifths of them."""

    shown: int
    slice: int

    @property
    def first(self) -> int:
        """Return how many passages are read before it can end: whole slices, as many as are shown."""
        return self.slice * ceil(self.shown / self.slice)

    def is_enough(self, order: Sequence[int]) -> bool:
        """Return whether the last slice brought nothing; `order` has the places read, best first."""
        fresh = len(order) - self.slice
        return all(place < fresh for place in order[: max(1, int(UPPER * self.shown))])


@dataclass(frozen=True, slots=True)
class Budget:
    """How much of the ranking to read: `depth` passages at most, and for `milliseconds` when that is not 0."""

    depth: int
    milliseconds: float = 0.0
    pace: Pace = field(default_factory=Pace)
    """What is known of the reranker's speed from earlier heads; it learns from this one."""
    early_stop: EarlyStop | None = None
    """None reads the whole depth."""


Order: TypeAlias = Callable[[Sequence[float]], Sequence[int]]
"""From the scores of the first passages to their places, best first."""


async def score_within(
    reranker: Reranker,
    query: str,
    passages: Sequence[Passage],
    budget: Budget,
    *,
    order: Order,
    instruction: str = "",
    clock: Callable[[], float] = time.perf_counter,
) -> Scores:
    """Return the scores of the first passages, as many as the budget says.

    A slice that does not end within a tenth of the time after its end is given up; `clock` does not rule that.

    Raises:
        ModelError: The reranker failed, or not one slice was scored in time.
    """
    budget_s = budget.milliseconds / 1000 or inf
    deadline = clock() + budget_s
    parts: list[Scores] = []
    done, now = 0, Pace()  # this head's own pace goes before that of earlier ones, which may have waited for the model
    while done < len(passages) and not _is_enough(parts, budget.early_stop, order):
        size = _most(budget.early_stop, len(passages) - done, first=not parts)
        if budget.milliseconds:
            size = min(size, _slice(deadline - clock(), now, budget.pace, first=not parts))
        if not size:
            break
        begun = clock()
        with anyio.move_on_after(max(0.0, deadline - begun) + GRACE * budget_s) as scope:
            parts.append(await score_all(reranker, query, passages[done : done + size], instruction=instruction))
        for pace in (budget.pace, now):  # of a slice that was given up, at least
            pace.add(clock() - begun, size - (0 if scope.cancelled_caught else parts[-1].cached))
        if scope.cancelled_caught:
            break
        done += size
    if not parts:
        raise ModelError(
            f"{reranker.name} scored nothing within the time budget of {budget.milliseconds:g} ms. Allow more."
        )
    return _joined(parts)


def _most(early_stop: EarlyStop | None, left: int, *, first: bool) -> int:
    """Return how many of the passages left are read at once at most."""
    if early_stop is None:
        return left
    return min(left, early_stop.first if first else early_stop.slice)


def _is_enough(parts: Sequence[Scores], early_stop: EarlyStop | None, order: Order) -> bool:
    return bool(parts) and early_stop is not None and early_stop.is_enough(order(_joined(parts).values))


def _slice(left_s: float, now: Pace, before: Pace, *, first: bool) -> int:
    """Return how many passages to score next; 0 when there is no time for another."""
    each = now.seconds_per_passage or before.seconds_per_passage
    if not each:
        return FIRST if left_s > 0 else 0
    if first or left_s >= each:
        return max(1, int(SHARE * left_s / each))
    return 0


def _joined(parts: Sequence[Scores]) -> Scores:
    starts = accumulate((len(part.values) for part in parts), initial=0)
    return Scores(
        tuple(value for part in parts for value in part.values),
        tuple(dict.fromkeys(note for part in parts for note in part.notes)),
        sum(part.cached for part in parts),
        frozenset(start + place for start, part in zip(starts, parts, strict=False) for place in part.cut),
    )
