"""Paired bootstrap: how sure a difference between two systems is, asked the same queries."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

import ir_measures
import numpy as np
from ir_measures import Measure, Qrel, ScoredDoc

from .judged import Grades

QUALITY = ("nDCG@10", "RR@10", "R@5", "R@10")

DECISIVE = "nDCG@10"  # by which queries count as helped or hurt: it sees every change among the first ten

Orders = Mapping[str, Sequence[str]]
"""Document ids, best first, by query id."""

PerQuery = Mapping[str, Mapping[str, float]]
"""Values by measure, then by query id."""


def per_query(grades: Grades, orders: Orders, measures: Sequence[str]) -> dict[str, dict[str, float]]:
    """Return each measure of each query that was asked; one for which nothing was found has 0."""
    names: dict[Measure, str] = {ir_measures.parse_measure(name): name for name in measures}  # pyright: ignore[reportUnknownMemberType]
    values = {name: dict.fromkeys(orders, 0.0) for name in measures}
    qrels = [Qrel(key, document, grade) for key in orders for document, grade in grades[key].items()]
    # Scores fall strictly, for trec_eval orders by score, and equal ones by document id.
    run = [ScoredDoc(key, each, 1 / place) for key, order in orders.items() for place, each in enumerate(order, 1)]
    for metric in ir_measures.iter_calc(list(names), qrels, run):  # pyright: ignore[reportUnknownMemberType]
        values[names[metric.measure]][metric.query_id] = metric.value
    return values


def means(values: PerQuery) -> dict[str, float]:
    """Return the mean over queries of each measure."""
    return {name: fmean(row.values()) for name, row in values.items()}


def first_relevant(grades: Mapping[str, int], order: Sequence[str]) -> int:
    """Return the place, from 1, of the first relevant document; 0 when there is none."""
    return next((place for place, each in enumerate(order, start=1) if grades.get(each, 0) > 0), 0)


def best_recall(grades: Mapping[str, int], found: Sequence[str], *, cutoff: int) -> float:
    """Return the recall at a cutoff that the best possible order of what was found would have."""
    relevant = {each for each, grade in grades.items() if grade > 0}
    return min(cutoff, len(relevant & set(found))) / len(relevant) if relevant else 0.0


RESAMPLES = 10_000  # the interval's ends then move by under 0.001 from one seed to another

CONFIDENCE = 0.95

_AT_ONCE = 1_000_000  # draws held in memory


@dataclass(frozen=True, slots=True)
class Difference:
    """A mean difference and its interval; where that leaves out 0, chance is an unlikely reason."""

    mean: float
    low: float
    high: float

    @property
    def is_clear(self) -> bool:
        """Return whether the interval leaves out 0."""
        return self.low > 0 or self.high < 0


def paired(differences: Sequence[float], *, seed: int, resamples: int = RESAMPLES) -> Difference:
    """Return the mean of the per-query differences with its percentile interval.

    Queries are drawn anew with replacement. Source: Efron and Tibshirani, "An Introduction to the Bootstrap", 1993,
    chapter 13; for retrieval Sakai, SIGIR 2006.
    """
    values = np.array(differences, float)
    random = np.random.default_rng(seed)
    drawn = np.empty(resamples)
    block = max(1, _AT_ONCE // len(values))
    for start in range(0, resamples, block):
        size = min(block, resamples - start)
        drawn[start : start + size] = values[random.integers(len(values), size=(size, len(values)))].mean(axis=1)
    edge = (1 - CONFIDENCE) / 2
    low, high = np.quantile(drawn, [edge, 1 - edge])
    return Difference(float(values.mean()), float(low), float(high))
