"""The final score: a reranker's scores mixed with those of retrieval, so that it cannot undo a good order alone."""

from collections.abc import Sequence

from ..search.fuse import scale


def blend(fused: Sequence[float], reranked: Sequence[float], *, weight: float) -> list[float]:
    """Return `weight * reranked + (1 - weight) * fused`, each min-max scaled over the head first; in 0..1.

    Source: convex combination of normalised scores, Bruch et al., arXiv 2210.11934.
    """
    pairs = zip(scale(fused, "min-max"), scale(reranked, "min-max"), strict=True)
    return [(1 - weight) * first + weight * second for first, second in pairs]
