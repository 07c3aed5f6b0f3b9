"""What a reranker's raw score means: the probability that the best hit answers, and its weight in the blend."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import TypeAlias

import numpy as np

from ..core.calibration import Logistic
from ..evaluation.calibration import Outcomes
from .fit import DEPTH, mean_ndcg
from .linear import Floats
from .mined import Mined

BestHits: TypeAlias = Outcomes
"""Scores of best hits, and 1 for each that is relevant, else 0."""

WEIGHTS = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8)
BIN_EDGES = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)


def best_weight(questions: Sequence[Mined], scores: Sequence[Floats]) -> float:
    """Return the weight of the reranker in the blend at which nDCG@10 is highest."""
    return max(WEIGHTS, key=lambda weight: mean_ndcg(questions, scores, weight=weight))


def best_hits(questions: Sequence[Mined], scores: Sequence[Floats]) -> BestHits:
    """Return the best hit of each question.

    Each question counts twice: as it is, and as it would be were its relevant passages not in the collection. So the
    probabilities are those of a world where every second question has an answer.
    """
    values: list[float] = []
    relevant: list[float] = []
    for question, mine in zip(questions, scores, strict=True):
        good = np.array([each.grade > 0 for each in question.candidates[:DEPTH]])
        first = int(mine.argmax())
        values.append(float(mine[first]))
        relevant.append(float(good[first]))
        if not good.all():
            values.append(float(mine[~good].max()))
            relevant.append(0.0)
    return np.array(values, np.float64), np.array(relevant, np.float64)


def reliability(calibration: Logistic, best: BestHits) -> list[tuple[str, float, float, int]]:
    """Return by range of predicted relevance: its name, the mean predicted, the share found, how many hits."""
    scores, relevant = best
    chances = np.array([calibration.probability(float(score)) for score in scores])
    rows: list[tuple[str, float, float, int]] = []
    for low, high in pairwise(BIN_EDGES):
        inside = (chances >= low) & ((chances < high) | (high == BIN_EDGES[-1]))
        if inside.any():
            row = f"{low:.1f}-{high:.1f}", float(chances[inside].mean()), float(relevant[inside].mean())
            rows.append((*row, int(inside.sum())))
    return rows
