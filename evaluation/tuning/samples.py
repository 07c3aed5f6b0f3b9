"""What tuning needs from a judged question: one deep search that gives the result for every depth and weight."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from ...core.values import Hit, Ranking
from ...ingest.report import Progress
from ...pipeline.plan import MAX_TUNED_DEPTH
from ...pipeline.request import SearchRequest
from ...pipeline.search import Pipeline
from ...rerank.signals import Mix, signals_of
from ...search.fusion import RRF_K
from ..judged import JudgedSet
from ..run import rankings
from .calibration import JudgedScores

Floats: TypeAlias = NDArray[np.float64]

CUTOFF = 10  # of nDCG: the default number of hits on a page

_DISCOUNTS = 1 / np.log2(np.arange(2, CUTOFF + 2))


@dataclass(frozen=True, slots=True)
class Sample:
    """The reranked hits of one question, in the order in which candidates are chosen as the depth grows."""

    pool: tuple[Hit, ...]
    grades: Mapping[str, float]
    mix: Mix
    """The settings of signals from metadata; its weights are ignored."""
    weight: float = 1.0
    """Of this question relative to the others."""

    def candidates(self, depth: int) -> list[Hit]:
        """Return the hits reranked at a depth, in retrieval order."""
        return sorted(self.pool[:depth], key=lambda hit: hit.was)

    def gains(self, hits: Sequence[Hit]) -> Floats:
        """Return the grade of each hit's document; 0 if it was not judged."""
        return np.array([max(0, self.grades.get(hit.passage.document_id, 0)) for hit in hits], float)

    @property
    def ideal_dcg(self) -> float:
        """Return the DCG@10 of the ideal order, including relevant documents that were not found."""
        best = sorted((grade for grade in self.grades.values() if grade > 0), reverse=True)[:CUTOFF]
        return float(np.array(best, float) @ _DISCOUNTS[: len(best)])


async def collect_samples(
    pipeline: Pipeline, judged: JudgedSet, question: SearchRequest, *, now: datetime, progress: Progress | None = None
) -> list[Sample]:
    """Ask every judged query once as `question`, at the greatest depth that is tuned, and return the samples.

    A query that the reranker cannot read gives no sample: nothing that is tuned changes its order.

    Raises:
        ModelError: The reranker failed.
    """
    # Depths count documents, each at its best passage. Weights do not matter here, since raw scores are kept.
    deepest = replace(question, depth=MAX_TUNED_DEPTH, limit=MAX_TUNED_DEPTH, per_document=1, rerank_weight=0.0)
    mix = Mix({}, pipeline.rerankers.metadata, now=now)
    samples: list[Sample] = []
    done = 0
    async for identifier, ranking in rankings(pipeline, judged, deepest):
        if not ranking.unread:
            samples.append(Sample(_pool(ranking), judged.grades[identifier], mix=mix))
        done += 1
        if progress is not None:
            await progress(done, len(judged.queries), "")
    return samples


def signals_present(samples: Sequence[Sample], names: Sequence[str]) -> list[str]:
    """Return those of the names that any hit has a score for."""
    found = {name for sample in samples for hit in sample.pool for name in hit.scores}
    return [name for name in names if name in found]


def ndcg(sample: Sample, depth: int, names: Sequence[str], weights: Floats) -> Floats:
    """Return the nDCG@10 of a question, times its weight, for each row of weights.

    Shapes: `weights` [mixes, names]; result [mixes]. Gains are the grades themselves, as in trec_eval.
    """
    hits = sample.candidates(depth)
    ideal = sample.ideal_dcg
    if not hits or not ideal:
        return np.zeros(len(weights))
    # A stable sort keeps ties in retrieval order; rounding makes scores that should be equal equal.
    scores = np.round(_signal_matrix(sample, hits, names) @ weights.T, 12)
    order = np.argsort(-scores, axis=0, kind="stable")[:CUTOFF]
    return sample.weight * (_DISCOUNTS[: len(order)] @ sample.gains(hits)[order] / ideal)


def judged_scores(sample: Sample, depth: int) -> JudgedScores:
    """Return the raw reranker scores at a depth, and whether each hit's document is relevant."""
    hits = sample.candidates(depth)
    return np.array([hit.scores["rerank"] for hit in hits], float), sample.gains(hits) > 0


def _signal_matrix(sample: Sample, hits: Sequence[Hit], names: Sequence[str]) -> Floats:
    """Return the signals of the hits as columns, computed as in a search; 0 where a signal is missing."""
    retrieved = [replace(hit, score=hit.scores["fused"]) for hit in hits]
    mix = replace(sample.mix, weights=dict.fromkeys(names, 0.0))
    signals = signals_of(retrieved, [hit.scores["rerank"] for hit in hits], mix)
    missing = [0.0] * len(hits)
    return np.array([signals.get(name, missing) for name in names]).T


def _pool(ranking: Ranking) -> tuple[Hit, ...]:
    """Return the reranked hits in the order of reciprocal rank fusion, which chooses the candidates at every depth."""
    reranked = [hit for hit in ranking.hits if "rerank" in hit.scores]
    return tuple(sorted(reranked, key=lambda hit: (-_reciprocal_rank_sum(hit), hit.was)))


def _reciprocal_rank_sum(hit: Hit) -> float:
    return sum(1 / (RRF_K + rank) for name, rank in hit.ranks.items() if name in ("dense", "bm25"))
