"""Two systems query by query: which queries one helps, which it hurts, and how sure the difference is."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from .judged import Judged
from .measures import DECISIVE, Difference, PerQuery, first_relevant, paired
from .run import Run

LARGEST = 5


@dataclass(frozen=True, slots=True)
class Change:
    """One query under two systems: nDCG@10, and the place of the first relevant document, 0 where none was found."""

    query_id: str
    query: str
    before: float
    after: float
    place_before: int
    place_after: int


@dataclass(frozen=True, slots=True)
class Comparison:
    """A system against another: differences by measure, and queries counted by what happened to their nDCG@10."""

    system: str
    against: str
    differences: Mapping[str, Difference]
    helped: int
    hurt: int
    tied: int
    most_helped: Sequence[Change]
    most_hurt: Sequence[Change]


@dataclass(frozen=True, slots=True)
class Measured:
    """A system's name, answers, and measures by query."""

    name: str
    run: Run
    values: PerQuery


def compare(judged: Judged, system: Measured, against: Measured, *, seed: int) -> Comparison:
    """Return how the system differs from the other one."""
    changes = [_change(judged, key, system, against) for key in system.values[DECISIVE]]
    helped = sorted((each for each in changes if each.after > each.before), key=lambda each: each.before - each.after)
    hurt = sorted((each for each in changes if each.after < each.before), key=lambda each: each.after - each.before)
    return Comparison(
        system.name,
        against.name,
        {
            measure: paired([row[key] - against.values[measure][key] for key in row], seed=seed)
            for measure, row in system.values.items()
        },
        helped=len(helped),
        hurt=len(hurt),
        tied=len(changes) - len(helped) - len(hurt),
        most_helped=helped[:LARGEST],
        most_hurt=hurt[:LARGEST],
    )


def _change(judged: Judged, key: str, system: Measured, against: Measured) -> Change:
    grades = judged.grades[key]
    return Change(
        key,
        judged.queries[key],
        before=against.values[DECISIVE][key],
        after=system.values[DECISIVE][key],
        place_before=first_relevant(grades, against.run[key].documents),
        place_after=first_relevant(grades, system.run[key].documents),
    )
