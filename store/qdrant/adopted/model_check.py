"""Check whether a model made the vectors of a collection, by comparing a sample with the model's own vectors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING

from ....core.vectors import BM25, DENSE, Sparse, read_vector
from ....encoders.bm25 import Bm25Encoder
from ....encoders.protocols import Encoder
from ...field_mapping import FieldMapping
from .survey import SamplePoint, Survey

if TYPE_CHECKING:
    import numpy as np


COMPARED = 16  # points

MIN_CHARACTERS = 20  # vectors of shorter texts say little


@dataclass(frozen=True, slots=True)
class ModelCheck:
    """The median similarity of vectors, from 0 to 1, and the number of points compared; with 0 points it is unknown."""

    median: float
    points: int


async def dense_agreement(seen: Survey, adopted: FieldMapping, encoder: Encoder) -> ModelCheck:
    """Return the median cosine between stored vectors and the encoder's, of texts with or without titles."""
    import numpy as np

    theirs = adopted.vectors[DENSE]
    points = _comparable(seen, adopted, theirs)
    passages = [adopted.passage(point.id, point.payload) for point in points]
    stored = [np.array(point.vectors[theirs], np.float32) for point in points]
    best = ModelCheck(0.0, 0)
    for texts in {tuple(each.text for each in passages), tuple(each.content for each in passages)}:
        made, _ = await encoder.encode(list(texts)) if texts else ([], 0)
        cosines = [_cosine(one, other) for one, other in zip(stored, made, strict=True)]
        if cosines and median(cosines) >= best.median:
            best = ModelCheck(median(cosines), len(cosines))
    return best


def keyword_agreement(seen: Survey, adopted: FieldMapping, bm25: Bm25Encoder) -> ModelCheck:
    """Return the median share of terms that stored sparse vectors and BM25 vectors of the same texts share."""
    theirs = adopted.vectors[BM25]
    shares: list[float] = []
    for point in _comparable(seen, adopted, theirs):
        stored = read_vector(point.vectors[theirs], "sparse")
        made = set(bm25.document(adopted.passage(point.id, point.payload).text).indices)
        if isinstance(stored, Sparse) and made:
            shares.append(len(made & set(stored.indices)) / len(made | set(stored.indices)))
    return ModelCheck(median(shares), len(shares)) if shares else ModelCheck(0.0, 0)


def _comparable(seen: Survey, adopted: FieldMapping, vector: str) -> Sequence[SamplePoint]:
    """Return the points to compare: those with the shortest texts, which fit into every model's window.

    Texts that are too short are left out, unless all are; then the longest are used.
    """
    lengths = {id(point): len(adopted.passage(point.id, point.payload).text) for point in seen.sample}
    usable = [point for point in seen.sample if lengths[id(point)] and vector in point.vectors]
    usable.sort(key=lambda point: lengths[id(point)])
    return [point for point in usable if lengths[id(point)] >= MIN_CHARACTERS][:COMPARED] or usable[-COMPARED:]


def _cosine(one: np.ndarray, other: np.ndarray) -> float:
    import numpy as np

    lengths = float(np.linalg.norm(one) * np.linalg.norm(other))
    return float(one @ other) / lengths if lengths else 0.0
