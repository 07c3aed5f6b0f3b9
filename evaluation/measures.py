"""Quality measures per query, their means, and confidence intervals of paired differences."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

import numpy as np

from .judged import MIN_QUESTIONS, Grades

MEASURES = ("nDCG@10", "RR@10", "R@5", "R@10")

MAIN_MEASURE = "nDCG@10"  # decides which queries a system helps or hurts: any change in the first ten moves it

Orders = Mapping[str, Sequence[str]]
"""Document ids, best first, by query id."""

PerQuery = Mapping[str, Mapping[str, float]]
"""Values by measure, then by query id."""


def per_query(grades: Grades, orders: Orders, measures: Sequence[str]) -> dict[str, dict[str, float]]:
    """Return each measure of each query in `orders`; a query without hits has 0.

    Needs the extra `eval`, which tuning and drafting questions do without.
    """
    import ir_measures
    from ir_measures import Measure, Qrel, ScoredDoc

    names: dict[Measure, str] = {ir_measures.parse_measure(name): name for name in measures}  # pyright: ignore[reportUnknownMemberType]
    values = {name: dict.fromkeys(orders, 0.0) for name in measures}
    qrels = [Qrel(key, document, grade) for key in orders for document, grade in grades[key].items()]
    # Scores decrease strictly: trec_eval orders by score and breaks ties by document id.
    run = [ScoredDoc(key, each, 1 / rank) for key, order in orders.items() for rank, each in enumerate(order, 1)]
    for metric in ir_measures.iter_calc(list(names), qrels, run):  # pyright: ignore[reportUnknownMemberType]
        values[names[metric.measure]][metric.query_id] = metric.value
    return values


def means(values: PerQuery) -> dict[str, float]:
    """Return the mean of each measure over all queries."""
    return {name: fmean(row.values()) for name, row in values.items()}


def first_relevant_rank(grades: Mapping[str, int], order: Sequence[str]) -> int:
    """Return the rank, from 1, of the first relevant document; 0 if there is none."""
    return next((rank for rank, each in enumerate(order, start=1) if grades.get(each, 0) > 0), 0)


def oracle_recall(grades: Mapping[str, int], found: Sequence[str], *, cutoff: int) -> float:
    """Return the recall at `cutoff` that the best possible order of the documents found would have."""
    relevant = {each for each, grade in grades.items() if grade > 0}
    return min(cutoff, len(relevant & set(found))) / len(relevant) if relevant else 0.0


RESAMPLES = 10_000  # moves the ends of an interval by less than 0.001 between seeds

CONFIDENCE = 0.95

MAX_BLOCK_VALUES = 1_000_000  # resampled values held in memory at a time


@dataclass(frozen=True, slots=True)
class Difference:
    """A mean difference over questions with its 95 % confidence interval."""

    mean: float
    low: float
    high: float
    questions: int

    @property
    def decides(self) -> bool:
        """Return whether there are enough questions for the interval to say anything: of one, it has no width."""
        return self.questions >= MIN_QUESTIONS

    @property
    def is_significant(self) -> bool:
        """Return whether there are enough questions, and the interval excludes 0."""
        return self.decides and (self.low > 0 or self.high < 0)


def paired_bootstrap(differences: Sequence[float], *, seed: int, resamples: int = RESAMPLES) -> Difference:
    """Return the mean of per-query differences with its percentile bootstrap interval.

    Source: Efron and Tibshirani, "An Introduction to the Bootstrap", 1993, chapter 13; for retrieval Sakai, SIGIR 2006.
    """
    values = np.array(differences, float)
    random = np.random.default_rng(seed)
    drawn = np.empty(resamples)
    block = max(1, MAX_BLOCK_VALUES // len(values))
    for start in range(0, resamples, block):
        size = min(block, resamples - start)
        drawn[start : start + size] = values[random.integers(len(values), size=(size, len(values)))].mean(axis=1)
    tail = (1 - CONFIDENCE) / 2
    low, high = np.quantile(drawn, [tail, 1 - tail])
    return Difference(mean=float(values.mean()), low=float(low), high=float(high), questions=len(values))
