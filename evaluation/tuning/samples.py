"""What tuning needs of a judged question: one deep answer, from which every depth and all weights are worked out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from ...core.values import Hit, Ranking
from ...ingest.job import Progress
from ...pipeline.pipeline import Pipeline
from ...pipeline.question import DEEPEST_TUNED, Question
from ...rerank.signals import Mix, signals_of
from ...search.fusion import RRF_K
from ..judged import Judged
from ..run import rankings
from .calibration import Read

Floats: TypeAlias = NDArray[np.float64]

CUT = 10  # of nDCG: as many hits as an answer has by default

_DISCOUNTS = 1 / np.log2(np.arange(2, CUT + 2))


@dataclass(frozen=True, slots=True)
class Sample:
    """The hits that the reranker read for one question, in the order in which pools of growing depth take them in."""

    pool: tuple[Hit, ...]
    grades: Mapping[str, float]
    mix: Mix
    """What signals from metadata are made with; its weights do not count."""
    weight: float = 1.0
    """Of this question among the others."""

    def head(self, depth: int) -> list[Hit]:
        """Return the hits that are reranked at a depth, in the order of retrieval."""
        return sorted(self.pool[:depth], key=lambda hit: hit.was)

    def gains(self, head: Sequence[Hit]) -> Floats:
        """Return the grade of each hit's document; 0 where nobody judged it."""
        return np.array([max(0, self.grades.get(hit.passage.document_id, 0)) for hit in head], float)

    @property
    def ideal(self) -> float:
        """Return the DCG@10 of the best order there could be, with documents that no search found too."""
        best = sorted((grade for grade in self.grades.values() if grade > 0), reverse=True)[:CUT]
        return float(np.array(best, float) @ _DISCOUNTS[: len(best)])


async def collect(
    pipeline: Pipeline, judged: Judged, question: Question, *, now: datetime, progress: Progress | None = None
) -> list[Sample]:
    """Ask every judged question once, as `question` says and as deep as can be tuned, and return the samples.

    Raises:
        ModelError: When the reranker failed.
    """
    # Each document counts by its best passage, and depths are in documents. Weights do not matter: raw scores are kept.
    deepest = replace(question, depth=DEEPEST_TUNED, limit=DEEPEST_TUNED, per_document=1, rerank_weight=0.0)
    mix = Mix({}, pipeline.metadata, now)
    samples: list[Sample] = []
    async for identifier, ranking in rankings(pipeline, judged, deepest):
        samples.append(Sample(_pool(ranking), judged.grades[identifier], mix))
        if progress is not None:
            await progress(len(samples), len(judged.queries), "")
    return samples


def present(samples: Sequence[Sample], names: Sequence[str]) -> list[str]:
    """Return the names of scores that any hit has; the final score of retrieval and of the reranker all have."""
    found = {name for sample in samples for hit in sample.pool for name in hit.scores}
    return [name for name in names if name in found]


def ndcg(sample: Sample, depth: int, names: Sequence[str], weights: Floats) -> Floats:
    """Return the nDCG@10 of a question, times its weight, for each row of weights.

    Shapes: `weights` [candidates, names]; result [candidates]. Gains are the grades themselves, as in trec_eval.
    """
    head = sample.head(depth)
    if not head or not sample.ideal:
        return np.zeros(len(weights))
    # The signals' own order breaks ties: that of retrieval. Rounding keeps equal scores equal.
    scores = np.round(_matrix(sample, head, names) @ weights.T, 12)
    order = np.argsort(-scores, axis=0, kind="stable")[:CUT]
    return sample.weight * (_DISCOUNTS[: len(order)] @ sample.gains(head)[order] / sample.ideal)


def read(sample: Sample, depth: int) -> Read:
    """Return the raw scores of the hits that the reranker read at a depth, and whether their documents are relevant."""
    head = sample.head(depth)
    return np.array([hit.scores["rerank"] for hit in head], float), sample.gains(head) > 0


def _matrix(sample: Sample, head: Sequence[Hit], names: Sequence[str]) -> Floats:
    """Return the signals as columns, made by the code that makes them for answers; 0 where a head has none."""
    retrieved = [replace(hit, score=hit.scores["fused"]) for hit in head]
    mix = replace(sample.mix, weights=dict.fromkeys(names, 0.0))
    signals = signals_of(retrieved, [hit.scores["rerank"] for hit in head], mix)
    nothing = [0.0] * len(head)
    return np.array([signals.get(name, nothing) for name in names]).T


def _pool(ranking: Ranking) -> tuple[Hit, ...]:
    """Return the hits that were read, by reciprocal rank fusion of their searches, which chooses every pool."""
    read = [hit for hit in ranking.hits if "rerank" in hit.scores]
    return tuple(sorted(read, key=lambda hit: (-_reciprocal_ranks(hit), hit.was)))


def _reciprocal_ranks(hit: Hit) -> float:
    return sum(1 / (RRF_K + rank) for name, rank in hit.ranks.items() if name in ("dense", "bm25"))
