"""How deep to rerank: quality and time against depth, and the depth from which nothing more is gained."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from .judged import Judged
from .measures import means, per_query
from .run import Run

PLATEAU = 0.005  # nDCG@10 or R@5 that is not worth reading deeper: a small part of any interval shown beside it

DOCUMENTS = "Depths count documents, each read at its best passage, as a search with per_document 1 does."


@dataclass(frozen=True, slots=True)
class Milliseconds:
    """Median and 95th percentile."""

    p50: float
    p95: float


@dataclass(frozen=True, slots=True)
class Depth:
    """What a depth gives: recall among the candidates (the ceiling), the final order's quality, the time it adds."""

    depth: int
    ceiling: float
    recall_at_5: float
    ndcg_at_10: float
    added: Milliseconds


@dataclass(frozen=True, slots=True)
class Sweep:
    """Depths from the least to the greatest. The plateau begins at the recommended depth, where there is one."""

    depths: Sequence[Depth]
    recommended: int
    is_plateau: bool

    @property
    def advice(self) -> str:
        """Return the recommendation in words."""
        if self.is_plateau:
            gain = f"no greater depth gains more than {PLATEAU} in nDCG@10 or R@5"
            return f"Rerank {self.recommended} documents: {gain}. {DOCUMENTS}"
        if len(self.depths) == 1:
            return f"Only depth {self.recommended} was measured. {DOCUMENTS}"
        rising = "the greatest depth measured: quality was still rising there"
        return f"Rerank {self.recommended} documents, {rising}. {DOCUMENTS}"


def sweep(judged: Judged, runs: Mapping[int, Run]) -> Sweep:
    """Return the sweep over the final system's answers by depth."""
    depths = [_measure(judged, depth, runs[depth]) for depth in sorted(runs)]
    best = next(each for place, each in enumerate(depths) if not any(_gains(later, each) for later in depths[place:]))
    return Sweep(depths, best.depth, is_plateau=best.depth < depths[-1].depth)


def milliseconds(values: Sequence[float]) -> Milliseconds:
    """Return their median and 95th percentile."""
    p50, p95 = np.quantile(np.array(values, float), [0.5, 0.95])
    return Milliseconds(float(p50), float(p95))


def _measure(judged: Judged, depth: int, run: Run) -> Depth:
    orders = {key: answer.documents for key, answer in run.items()}
    found = means(per_query(judged.grades, orders, [f"R@{depth}", "R@5", "nDCG@10"]))
    added = milliseconds([answer.added_ms for answer in run.values()])
    return Depth(depth, found[f"R@{depth}"], recall_at_5=found["R@5"], ndcg_at_10=found["nDCG@10"], added=added)


def _gains(later: Depth, depth: Depth) -> bool:
    return max(later.ndcg_at_10 - depth.ndcg_at_10, later.recall_at_5 - depth.recall_at_5) > PLATEAU
