"""What a reranker's raw score means: the probability that the best hit answers, and its weight in the blend."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..evaluation.calibration import Outcomes, best_hits
from .fit import DEPTH, mean_ndcg
from .linear import Floats
from .mined import Mined

WEIGHTS = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8)


def best_weight(questions: Sequence[Mined], scores: Sequence[Floats]) -> float:
    """Return the weight of the reranker in the blend at which nDCG@10 is highest."""
    return max(WEIGHTS, key=lambda weight: mean_ndcg(questions, scores, weight=weight))


def best_outcomes(questions: Sequence[Mined], scores: Sequence[Floats]) -> Outcomes:
    """Return the best hit of each question, with and without its relevant passages (see evaluation.calibration)."""
    relevant = (np.array([each.grade > 0 for each in question.candidates[:DEPTH]]) for question in questions)
    return best_hits(zip(scores, relevant, strict=True))
