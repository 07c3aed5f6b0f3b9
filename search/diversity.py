"""Diversity: of hits that say the same, only the best comes early."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


def most_diverse_first(
    relevance: Sequence[float], vectors: NDArray[np.float32], *, diversity: float
) -> list[tuple[int, float]]:
    """Return the places of all hits in the order of maximal marginal relevance, each with its value, in 0..1.

    The value is `(1 - diversity) * relevance + diversity * (1 - cosine to the nearest hit chosen before)`; it falls
    along the order. Of equal values the earlier place comes first. Source: Carbonell and Goldstein, "The use of MMR",
    SIGIR 1998, with lambda = 1 - diversity. Shapes: `vectors` [hits, dimension], of length 1, or zero.
    """
    similar = np.clip(vectors @ vectors.T, 0.0, 1.0)
    nearest = np.zeros(len(relevance), np.float32)
    own = (1 - diversity) * np.asarray(relevance, np.float64)
    left = np.ones(len(relevance), bool)
    chosen: list[tuple[int, float]] = []
    for _ in relevance:
        values = np.where(left, own + diversity * (1.0 - nearest), -np.inf)
        place = int(np.argmax(values))
        chosen.append((place, float(values[place])))
        left[place] = False
        nearest = np.maximum(nearest, similar[place])
    return chosen
