"""Compare two systems query by query: which queries improve, which get worse, and how certain the difference is."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from .judged import JudgedSet
from .measures import MAIN_MEASURE, Difference, PerQuery, first_relevant_rank, paired_bootstrap
from .run import Run

MAX_CHANGES = 5


@dataclass(frozen=True, slots=True)
class Change:
    """One query under two systems: nDCG@10 and the rank of the first relevant document (0: none found)."""

    query_id: str
    query: str
    before: float
    after: float
    rank_before: int
    rank_after: int


@dataclass(frozen=True, slots=True)
class Comparison:
    """A system against a baseline: the difference in each measure, and how many queries gained or lost nDCG@10."""

    system: str
    against: str
    differences: Mapping[str, Difference]
    helped: int
    hurt: int
    tied: int
    most_helped: Sequence[Change]
    most_hurt: Sequence[Change]


@dataclass(frozen=True, slots=True)
class SystemResult:
    """A system's results and measures by query."""

    name: str
    run: Run
    values: PerQuery


def compare(judged: JudgedSet, system: SystemResult, baseline: SystemResult, *, seed: int) -> Comparison:
    """Return how the system differs from the baseline."""
    changes = [_change(judged, key, system, baseline) for key in system.values[MAIN_MEASURE]]
    helped = sorted((each for each in changes if each.after > each.before), key=lambda each: each.before - each.after)
    hurt = sorted((each for each in changes if each.after < each.before), key=lambda each: each.after - each.before)
    return Comparison(
        system=system.name,
        against=baseline.name,
        differences={
            measure: paired_bootstrap([row[key] - baseline.values[measure][key] for key in row], seed=seed)
            for measure, row in system.values.items()
        },
        helped=len(helped),
        hurt=len(hurt),
        tied=len(changes) - len(helped) - len(hurt),
        most_helped=helped[:MAX_CHANGES],
        most_hurt=hurt[:MAX_CHANGES],
    )


def _change(judged: JudgedSet, key: str, system: SystemResult, baseline: SystemResult) -> Change:
    grades = judged.grades[key]
    return Change(
        query_id=key,
        query=judged.queries[key],
        before=baseline.values[MAIN_MEASURE][key],
        after=system.values[MAIN_MEASURE][key],
        rank_before=first_relevant_rank(grades, baseline.run[key].documents),
        rank_after=first_relevant_rank(grades, system.run[key].documents),
    )
