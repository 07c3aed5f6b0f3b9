"""Fuse several searches into one order: pure functions over lists of (key, score) pairs.

Each list is a leg, best first. Every function returns (key, score) pairs, best first. Equal scores are ordered by key,
so that the same legs always give the same order.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from statistics import fmean, stdev
from typing import Literal, TypeAlias, TypeVar

K = TypeVar("K")

Leg: TypeAlias = Sequence[tuple[K, float]]

Scaling: TypeAlias = Literal["min-max", "max"]

RRF_K = 60  # flat tail: ranks 1 and 2 differ by under 2 % (Cormack et al. 2009)


def reciprocal_rank(legs: Sequence[Leg[K]], *, k: int = RRF_K, weights: Sequence[float] = ()) -> list[tuple[K, float]]:
    """Fuse by the sum of `weight / (k + rank)`, ranks from 1.

    Source: Cormack, Clarke and Buettcher, "Reciprocal Rank Fusion outperforms Condorcet", SIGIR 2009; weights as in
    Bruch et al., arXiv 2210.11934. Without weights each leg counts 1.
    """
    totals: defaultdict[K, float] = defaultdict(float)
    for leg, weight in zip(legs, _weights(legs, weights), strict=True):
        for rank, (key, _) in enumerate(leg, start=1):
            totals[key] += weight / (k + rank)
    return best_first(totals)


def distribution_based(legs: Sequence[Leg[K]], *, weights: Sequence[float] = ()) -> list[tuple[K, float]]:
    """Fuse by the weighted sum of scores scaled so that mean - 3 sigma is 0 and mean + 3 sigma is 1.

    Sigma is the sample deviation; a leg of one hit, or of equal scores, gives each 0.5. Without weights each leg counts
    1. Source: Qdrant's DBSF.
    """
    totals: defaultdict[K, float] = defaultdict(float)
    for leg, weight in zip(legs, _weights(legs, weights), strict=True):
        for key, score in _three_sigma(leg):
            totals[key] += weight * score
    return best_first(totals)


def convex(legs: Sequence[Leg[K]], *, weights: Sequence[float], scalings: Sequence[Scaling]) -> list[tuple[K, float]]:
    """Fuse by the weighted mean of scaled scores, in 0..1; a hit missing from a leg has 0 there.

    "min-max" maps a leg's lowest score to 0 and its highest to 1. "max" divides by the highest, for scores
    whose natural minimum is 0, as in BM25. Source: Bruch et al., arXiv 2210.11934, section 3.
    """
    sums = sum(weights) or 1.0
    totals: defaultdict[K, float] = defaultdict(float)
    for leg, weight, scaling in zip(legs, weights, scalings, strict=True):
        for (key, _), score in zip(leg, scale([score for _, score in leg], scaling), strict=True):
            totals[key] += weight / sums * score
    return best_first(totals)


def scale(scores: Sequence[float], scaling: Scaling) -> list[float]:
    """Return the scores mapped into 0..1; equal scores all become 1."""
    if not scores:
        return []
    low = min(scores) if scaling == "min-max" else 0.0
    high = max(scores)
    if high <= low:
        return [1.0] * len(scores)
    return [min(1.0, max(0.0, (score - low) / (high - low))) for score in scores]


def best_first(scores: Mapping[K, float]) -> list[tuple[K, float]]:
    """Return the pairs by descending score, then by key."""
    return sorted(scores.items(), key=lambda pair: (-pair[1], str(pair[0])))


def _weights(legs: Sequence[Leg[K]], weights: Sequence[float]) -> Sequence[float]:
    return weights or [1.0] * len(legs)


def _three_sigma(leg: Leg[K]) -> list[tuple[K, float]]:
    scores = [score for _, score in leg]
    if len(scores) < 2 or (sigma := stdev(scores)) == 0:
        return [(key, 0.5) for key, _ in leg]
    low = fmean(scores) - 3 * sigma
    return [(key, (score - low) / (6 * sigma)) for key, score in leg]
