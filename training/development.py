"""Development questions: a reranker's scores and nDCG@10 on them, its best weight and its calibration data."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray
from sentence_transformers.base.evaluation import BaseEvaluator
from sentence_transformers.base.model import BaseModel
from sentence_transformers.cross_encoder import CrossEncoder

from ..evaluation.tuning.calibration import Outcomes, best_hits
from .graph.linear import Floats
from .mined import MinedQuestion

DEPTH = 25  # candidates of a question

CUTOFF = 10

MAX_QUESTIONS = 120  # 3,000 pairs, scored at every evaluation

STOPPING_WEIGHT = 0.5  # of the reranker in the order that decides when to stop; the shipped weight is tuned afterwards

WEIGHTS = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8)


class DevelopmentSet(BaseEvaluator):
    """nDCG@10 over held-out questions: of the network alone, and of its blend with retrieval in equal shares."""

    def __init__(self, questions: Sequence[MinedQuestion]) -> None:
        super().__init__()
        self.primary_metric = "ndcg@10"
        usable = [each for each in questions if any(c.grade > 0 for c in each.candidates[:DEPTH])]
        self._questions = usable[:MAX_QUESTIONS]

    def __call__(
        self, model: BaseModel, output_path: str | None = None, epoch: float = -1, steps: int = -1
    ) -> dict[str, float]:
        """Return the measures by name."""
        scores = score_all(cast(CrossEncoder, model), self._questions)
        return {
            "retrieval_ndcg@10": mean_ndcg(self._questions, scores, weight=0.0),
            "alone_ndcg@10": mean_ndcg(self._questions, scores, weight=1.0),
            "ndcg@10": mean_ndcg(self._questions, scores, weight=STOPPING_WEIGHT),
        }


def score_all(model: CrossEncoder, questions: Sequence[MinedQuestion]) -> list[Floats]:
    """Return the network's raw scores of the first `DEPTH` candidates of every question."""
    pairs = [(each.query, candidate.text) for each in questions for candidate in each.candidates[:DEPTH]]
    with torch.autocast(model.device.type, dtype=torch.bfloat16, enabled=bfloat16_is_fast()):
        scores = cast(Any, model).predict(pairs, activation_fn=torch.nn.Identity(), show_progress_bar=False)
    ends = np.cumsum([len(each.candidates[:DEPTH]) for each in questions])[:-1]
    return np.split(np.asarray(scores, np.float32).reshape(-1), ends)


def bfloat16_is_fast() -> bool:
    """Return whether this machine multiplies bfloat16 faster than float32."""
    if torch.cuda.is_available():
        return torch.cuda.is_bf16_supported()
    # Private functions, which not every supported version of torch has.
    checks = (getattr(torch.cpu, f"_is_{feature}_supported", None) for feature in ("amx_tile", "avx512_bf16"))
    return any(check() for check in checks if check is not None)


def mean_ndcg(questions: Sequence[MinedQuestion], scores: Sequence[Floats], *, weight: float) -> float:
    """Return the mean nDCG@10 of the order by the blend of scores, scaled to 0..1, and retrieval's fused scores.

    `weight` is the share of `scores`; ties keep retrieval's order. Only the first `DEPTH` candidates count, for the
    ideal order as well.
    """
    values: list[float] = []
    for question, raw in zip(questions, scores, strict=True):
        candidates = question.candidates[:DEPTH]
        fused = np.array([each.fused for each in candidates], np.float32)
        final = weight * _scaled(raw) + (1 - weight) * _scaled(fused)
        grades = np.array([max(0, each.grade) for each in candidates])
        ideal = _gain(np.sort(grades)[::-1])
        values.append(_gain(grades[np.argsort(-final, kind="stable")]) / ideal if ideal else 0.0)
    return float(np.mean(values))


def best_weight(questions: Sequence[MinedQuestion], scores: Sequence[Floats]) -> float:
    """Return the weight of the reranker in the blend that gives the highest nDCG@10."""
    return max(WEIGHTS, key=lambda weight: mean_ndcg(questions, scores, weight=weight))


def best_outcomes(questions: Sequence[MinedQuestion], scores: Sequence[Floats]) -> Outcomes:
    """Return the best hit of each question, with and without its relevant passages; see `best_hits`."""
    relevant = (np.array([each.grade > 0 for each in question.candidates[:DEPTH]]) for question in questions)
    return best_hits(zip(scores, relevant, strict=True))


def _gain(grades: NDArray[np.int64]) -> float:
    """Return the discounted cumulative gain of the first grades (Jarvelin and Kekalainen 2002)."""
    first = grades[:CUTOFF]
    return float((first / np.log2(np.arange(2, len(first) + 2))).sum())


def _scaled(values: Floats) -> Floats:
    spread = values.max() - values.min()
    return (values - values.min()) / (spread or 1)
