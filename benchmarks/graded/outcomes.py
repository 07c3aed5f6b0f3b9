"""What the systems make of each graded question: measures of condensed lists, in a form that is kept in files."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import TypeAlias

from pydantic import TypeAdapter

from resift.evaluation.graded import RELEVANT_GRADE, GradedPool, GradedQuestion
from resift.evaluation.judged import sample, select
from resift.evaluation.measures import per_query

NDCG_5, NDCG_10, RIGHT_FIRST = "nDCG@5", "nDCG@10", "right first"
MAIN = NDCG_5  # any change of the first five moves it, and says who is helped or hurt

EXCLUSION = re.compile(
    r"\b(without|not|no|never|nor|neither|cannot|except|excluding|nothing|nobody|other than|apart from|rather than"
    r"|instead of|outside)\b|n['\u2019]t\b",
    re.IGNORECASE,
)

Values: TypeAlias = Mapping[str, float]
"""By measure."""


@dataclass(frozen=True, slots=True)
class GradedOutcome:
    """The measures of a question by system."""

    query: str
    pool: str
    style: str
    values: Mapping[str, Values]

    @property
    def excludes(self) -> bool:
        """Return whether the query has a word of negation or exclusion."""
        return EXCLUSION.search(self.query) is not None

    @property
    def half(self) -> int:
        """Return 1 or 2: one of two halves, the same one in every run."""
        return 1 + sha256(self.query.encode()).digest()[0] % 2


@dataclass(frozen=True, slots=True)
class GradedRun:
    """The outcomes of one run, and the reranker that ran."""

    reranker: str
    systems: Sequence[str]
    """In the order of the tables; the first is the one that the others are compared with."""
    outcomes: Sequence[GradedOutcome]
    left_out: int = 0
    """How many questions no passage answers."""


_FORM = TypeAdapter(GradedRun)


def write_run(path: Path, run: GradedRun) -> None:
    """Write a run to a file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(_FORM.dump_json(run, indent=1))


def read_run(path: Path) -> GradedRun:
    """Return a run that was written."""
    return _FORM.validate_json(path.read_bytes())


def answered(pool: GradedPool, count: int) -> list[GradedQuestion]:
    """Return `count` of the questions that a passage answers; 0 keeps all of them."""
    keys = [key for key, each in pool.questions.items() if each.is_answered]
    return [pool.questions[key] for key in sample(select(pool.judged, keys), count, seed=1).queries]


def condensed(order: Iterable[str], graded: Iterable[str]) -> list[str]:
    """Return the graded passages in an order, and after them those that it lacks, as the list has them.

    Source: Sakai, "Alternatives to Bpref", SIGIR 2007, 3.2 (condensed lists).
    """
    listed = list(graded)
    return list(dict.fromkeys([*(each for each in order if each in set(listed)), *listed]))


def perfect(found: Iterable[str], grades: Mapping[str, int]) -> list[str]:
    """Return the graded passages that were found, best first, and then the others: what reranking can reach."""
    return condensed(sorted(set(found) & grades.keys(), key=lambda each: -grades[each]), grades)


def values_of(question: GradedQuestion, orders: Mapping[str, Sequence[str]]) -> dict[str, Values]:
    """Return the measures of condensed lists by system. Gains are the grades themselves, as in trec_eval."""
    grades = question.grades
    found = per_query(dict.fromkeys(orders, grades), orders, (NDCG_5, NDCG_10))
    first = {name: float(grades[order[0]] >= RELEVANT_GRADE) for name, order in orders.items()}
    return {
        name: {NDCG_5: found[NDCG_5][name], NDCG_10: found[NDCG_10][name], RIGHT_FIRST: first[name]} for name in orders
    }
