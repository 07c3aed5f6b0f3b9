"""Score as much of a head as a time budget allows, in slices sized by what a passage took before."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import accumulate

import anyio

from ..core.errors import ModelError
from ..core.values import Passage
from .reranker import Reranker, Scores, score_all

FIRST = 1  # passages scored to learn the pace: one is the least that a budget can be broken by
SHARE = 0.5  # of the time left that a slice is meant to take; twice as slow as thought is still in time
GRACE = 0.1  # of the budget, after whose end a slice under way is given up
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
class Budget:
    """How much of the ranking to read: `depth` passages, and at most `milliseconds` when that is not 0."""

    depth: int
    milliseconds: float = 0.0
    pace: Pace = field(default_factory=Pace)
    """What is known of the reranker's speed from earlier heads; it learns from this one."""


async def score_within(
    reranker: Reranker,
    query: str,
    passages: Sequence[Passage],
    milliseconds: float,
    *,
    pace: Pace,
    instruction: str = "",
    clock: Callable[[], float] = time.perf_counter,
) -> Scores:
    """Return the scores of the first passages, as many as the budget allows; of all where it is 0.

    A slice that does not end within a tenth of the budget after its end is given up; `clock` does not rule that.

    Raises:
        ModelError: The reranker failed, or not one slice was scored in time.
    """
    reading = _Reading(reranker, query, passages, instruction, clock)
    if not milliseconds:
        return await reading.of(0, len(passages), [pace])
    budget_s = milliseconds / 1000
    deadline = clock() + budget_s
    parts: list[Scores] = []
    done, now = 0, Pace()  # this head's own pace goes before that of earlier ones, which may have waited for the model
    while done < len(passages) and (size := _slice(deadline - clock(), now, pace, first=not parts)):
        size = min(size, len(passages) - done)
        begun = clock()
        with anyio.move_on_after(max(0.0, deadline - begun) + GRACE * budget_s) as scope:
            parts.append(await reading.of(done, done + size, [pace, now]))
        if scope.cancelled_caught:
            pace.add(clock() - begun, size)  # at least
            break
        done += size
    if not parts:
        raise ModelError(f"{reranker.name} scored nothing within the time budget of {milliseconds:g} ms. Allow more.")
    return _joined(parts)


@dataclass(frozen=True, slots=True)
class _Reading:
    reranker: Reranker
    query: str
    passages: Sequence[Passage]
    instruction: str
    clock: Callable[[], float]

    async def of(self, start: int, stop: int, paces: Sequence[Pace]) -> Scores:
        """Return the scores of a slice; how long it took is added to the paces."""
        begun = self.clock()
        part = self.passages[start:stop]
        scores = await score_all(self.reranker, self.query, part, instruction=self.instruction)
        for pace in paces:
            pace.add(self.clock() - begun, len(part) - scores.cached)
        return scores


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
