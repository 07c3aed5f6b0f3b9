"""How deep to rerank: quality and latency by depth, and the depth beyond which little is gained."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ..core.text import agreeing, counted
from .judged import MIN_QUESTIONS, JudgedSet
from .measures import means, per_query
from .run import Run

NEGLIGIBLE_GAIN = 0.005  # in nDCG@10 or R@5: a small part of any interval shown beside it

UNIT = "Depth counts documents, each read at its best passage, as in a search with per_document=1."


@dataclass(frozen=True, slots=True)
class Milliseconds:
    """Median and 95th percentile."""

    p50: float
    p95: float


@dataclass(frozen=True, slots=True)
class DepthResult:
    """Results at one depth: recall among the candidates (the ceiling), quality of the final order, time added.

    `added` is None if it was not measured.
    """

    depth: int
    ceiling: float
    recall_at_5: float
    ndcg_at_10: float
    added: Milliseconds | None


@dataclass(frozen=True, slots=True)
class DepthSweep:
    """Results by depth, shallowest first. `is_plateau`: greater depths than the recommended one were measured."""

    depths: Sequence[DepthResult]
    recommended: int
    is_plateau: bool
    questions: int

    @property
    def decides(self) -> bool:
        """Return whether there are enough questions to recommend a depth."""
        return self.questions >= MIN_QUESTIONS

    @property
    def advice(self) -> str:
        """Return the recommendation in words."""
        if self.decides:
            return self._finding
        few = f"{counted(self.questions, 'question')} {agreeing(self.questions, 'is', 'are')} too few to decide"
        finding = f"{self._finding[0].lower()}{self._finding[1:]}"
        return f"{few}: judge at least {MIN_QUESTIONS}. On these alone, {finding}"

    @property
    def _finding(self) -> str:
        if self.is_plateau:
            return (
                f"Rerank {self.recommended} documents: reading deeper gains at most {NEGLIGIBLE_GAIN} in nDCG@10 "
                f"and R@5. {UNIT}"
            )
        if len(self.depths) == 1:
            return f"Only depth {self.recommended} was measured. {UNIT}"
        return (
            f"Rerank {self.recommended} documents, the greatest depth measured: quality was still rising there. {UNIT}"
        )


def sweep_depths(judged: JudgedSet, runs: Mapping[int, Run]) -> DepthSweep:
    """Return the sweep of the final system's results by depth."""
    results = [_measure(judged, depth, runs[depth]) for depth in sorted(runs)]
    chosen = next(
        each for index, each in enumerate(results) if not any(_gains(later, each) for later in results[index:])
    )
    return DepthSweep(
        depths=results,
        recommended=chosen.depth,
        is_plateau=chosen.depth < results[-1].depth,
        questions=len(judged.queries),
    )


def distinct_depths(depths: Sequence[int], *, documents: int) -> Sequence[int]:
    """Return the depths up to the number of documents, beyond which all are the same; that number if there are none."""
    return [each for each in depths if each <= documents] or [max(documents, 1)]


def percentiles(milliseconds: Sequence[float | None]) -> Milliseconds | None:
    """Return the median and 95th percentile; None if one was not measured, as those that were may be the odd ones."""
    measured = [each for each in milliseconds if each is not None]
    if len(measured) < len(milliseconds):
        return None
    p50, p95 = np.quantile(np.array(measured, float), [0.5, 0.95])
    return Milliseconds(float(p50), float(p95))


def _measure(judged: JudgedSet, depth: int, run: Run) -> DepthResult:
    orders = {key: result.documents for key, result in run.items()}
    found = means(per_query(judged.grades, orders, [f"R@{depth}", "R@5", "nDCG@10"]))
    return DepthResult(
        depth=depth,
        ceiling=found[f"R@{depth}"],
        recall_at_5=found["R@5"],
        ndcg_at_10=found["nDCG@10"],
        added=percentiles([result.added_ms for result in run.values()]),
    )


def _gains(later: DepthResult, result: DepthResult) -> bool:
    return max(later.ndcg_at_10 - result.ndcg_at_10, later.recall_at_5 - result.recall_at_5) > NEGLIGIBLE_GAIN
