"""Measures of retrieval, by ir-measures and under its names: nDCG@10, RR@10, R@5."""

from collections.abc import Mapping, Sequence
from statistics import fmean

import ir_measures
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
