"""How much of a head to read: slice by slice, until more would change nothing or the time budget is used up."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from math import ceil, sqrt
from statistics import NormalDist, fmean, pstdev

from ...core.errors import ModelError
from ...core.query import Query
from ..protocols import Scorer, Scores

FIRST_SLICE = 1  # passages scored to learn the pace: a budget can be exceeded by no less than one passage
TARGET_SHARE = 0.5  # of the time left that a slice should take: a slice twice as slow as expected still ends in time
GRACE = 0.1  # of the budget: a slice that runs on for longer after the deadline is cancelled
UPPER_PART = 0.6  # of the hits above the cutoff: what comes below moves a page little (benchmarks/README.md)
EXPECTED = 0.06  # hits of the next slice that must be expected in the upper part; fewer are not worth their time
PRIOR = 0.5  # weight, in hits, of the assumption that scores do not depend on the score before
LEAST_DEVIATION = 0.03  # of a final score from what is expected; those of a few hits may lie on a line by chance
DECAY = 0.98  # weight of a passage's time relative to the next one's: the last 35 passages make up half of the mean


class Pace:
    """The time a reranker takes per passage: a mean in which recent passages weigh more."""

    def __init__(self) -> None:
        self._seconds = 0.0
        self._passages = 0.0

    @property
    def seconds_per_passage(self) -> float | None:
        """Return the mean, or None before the first measurement."""
        return self._seconds / self._passages if self._passages else None

    def add(self, seconds: float, passages: int) -> None:
        """Count one call. `passages` excludes those whose scores came from the cache."""
        if passages > 0:
            kept = DECAY**passages
            self._seconds = kept * self._seconds + seconds
            self._passages = kept * self._passages + passages


@dataclass(frozen=True, slots=True)
class EarlyStop:
    """Stop reading when the next slice is not expected to change the upper part of the hits above the cutoff."""

    cutoff: int
    """How many hits the caller, or a later stage, will see."""
    slice_size: int

    @property
    def first(self) -> int:
        """Return how many passages are read before reading may stop: whole slices, at least up to the cutoff."""
        return self.slice_size * ceil(self.cutoff / self.slice_size)

    @property
    def upper(self) -> int:
        """Return how many hits make up the upper part."""
        return max(1, int(UPPER_PART * self.cutoff))

    def is_enough(self, finals: Sequence[float], earlier: Sequence[float]) -> bool:
        """Return whether reading may stop; `finals` are those of the hits read, `earlier` the whole head's scores."""
        read = len(finals)
        upcoming = earlier[read : read + self.slice_size]
        return expected_newcomers(finals, earlier, upcoming, places=self.upper) < EXPECTED


def expected_newcomers(
    finals: Sequence[float], earlier: Sequence[float], upcoming: Sequence[float], *, places: int
) -> float:
    """Return how many of the upcoming hits will probably be among the first `places` hits.

    Final scores are taken as normally distributed around a line through the scores before, fitted to the hits read
    (ridge regression). `earlier` holds the scores of the whole head before, `upcoming` those of the next hits.
    """
    read = earlier[: len(finals)]
    middle, level = fmean(read), fmean(finals)
    spread = sum((x - middle) ** 2 for x in read) + PRIOR * pstdev(earlier) ** 2
    slope = sum((x - middle) * (y - level) for x, y in zip(read, finals, strict=True)) / spread if spread else 0.0
    errors = sum((y - level - slope * (x - middle)) ** 2 for x, y in zip(read, finals, strict=True))
    deviation = max(LEAST_DEVIATION, sqrt(errors / max(1, len(finals) - 2)))
    bar = sorted(finals, reverse=True)[min(places, len(finals)) - 1]
    return sum(1 - NormalDist(level + slope * (x - middle), deviation).cdf(bar) for x in upcoming)


class HeadReader:
    """Decides how many passages of a head to score next, and collects their scores.

    `pace` is the reranker's speed in earlier queries, updated by this one. The pace of this query takes precedence,
    since earlier calls may have waited for the model to load. `known` are the scores of the first passages, which need
    not be read.
    """

    def __init__(
        self,
        query: Query,
        passages: int,
        *,
        pace: Pace,
        early_stop: EarlyStop | None,
        known: Sequence[float] = (),
    ) -> None:
        self._query = query
        self._passages = passages
        self._early_stop = early_stop
        self._paces = (Pace(), pace)
        self._budget_s = query.seconds_left
        self._slice_start = 0.0
        self._parts = [Scores(tuple(known))] if known else []
        self._cancelled = False
        self.done = self._known = len(known)

    @property
    def values(self) -> tuple[float, ...]:
        """Return the scores so far."""
        return tuple(value for part in self._parts for value in part.values)

    @property
    def may_stop(self) -> bool:
        """Return whether the order so far decides if reading goes on."""
        return self._early_stop is not None and self.done > self._known

    def is_enough(self, finals: Sequence[float], earlier: Sequence[float]) -> bool:
        """Return whether reading may stop at these final scores of what is read, and scores of the head before."""
        return self._early_stop is not None and self.may_stop and self._early_stop.is_enough(finals, earlier)

    def next_slice(self) -> int:
        """Return how many passages to score next; 0 when the head is read or the time budget is used up."""
        left = self._passages - self.done
        if self._cancelled or not left:
            return 0
        size = left if self._early_stop is None else min(left, self._slice_size(self._early_stop))
        if self._query.has_deadline:
            size = min(size, self._affordable(self._query.seconds_left))
        self._slice_start = self._query.clock()
        return size

    @property
    def slice_timeout_s(self) -> float:
        """Return after how many seconds a slice is cancelled: the time left and a tenth of the whole budget."""
        return max(0.0, self._query.seconds_left) + GRACE * self._budget_s

    def add(self, scorer: Scorer, size: int, part: Scores | None) -> None:
        """Add the scores of a slice of `size` passages; None means that the slice was cancelled."""
        took_s = self._query.clock() - self._slice_start
        scored = size if part is None else size - part.check(scorer, size).cached
        for pace in self._paces:
            pace.add(took_s, scored)
        if part is None:
            self._cancelled = True
        else:
            self._parts.append(part)
            self.done += size

    def scores(self, scorer: Scorer) -> Scores:
        """Return the scores of the passages read.

        Raises:
            ModelError: Not one slice was scored in time.
        """
        if not self._parts:
            raise ModelError(
                f"{scorer.name} scored nothing within {1000 * self._budget_s:.0f} ms, its part of the time budget. "
                "Raise the budget."
            )
        starts = accumulate((len(part.values) for part in self._parts), initial=0)
        return Scores(
            self.values,
            notes=tuple(dict.fromkeys(note for part in self._parts for note in part.notes)),
            cached=sum(part.cached for part in self._parts),
            cut=frozenset(
                start + place for start, part in zip(starts, self._parts, strict=False) for place in part.cut
            ),
        )

    def _slice_size(self, early_stop: EarlyStop) -> int:
        return early_stop.slice_size if self._parts else early_stop.first

    def _affordable(self, left_s: float) -> int:
        """Return how many passages fit into the time left."""
        own, earlier = (pace.seconds_per_passage for pace in self._paces)
        each = own or earlier
        if not each:
            return FIRST_SLICE if left_s > 0 else 0
        if not self._parts or left_s >= each:
            return max(1, int(TARGET_SHARE * left_s / each))
        return 0
