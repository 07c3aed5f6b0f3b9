"""The final score: a convex combination of named signals, so that no single one can ruin a good order."""

from collections.abc import Iterable, Mapping, Sequence
from math import isclose
from typing import TypeAlias

Weights: TypeAlias = Mapping[str, float]
"""The share of each signal in the final score: shares are at least 0 and sum to 1."""


def with_reranker(weight: float) -> dict[str, float]:
    """Return weights that give the reranker a share of 0..1, and retrieval the rest."""
    return {"fused": 1.0 - weight, "rerank": weight}


def blend(signals: Mapping[str, Sequence[float]], weights: Weights) -> list[float]:
    """Return the weighted mean of the signals: one score per hit, in 0..1.

    A signal has one value in 0..1 for each hit. Source: convex combination of scaled scores, Bruch et al., arXiv
    2210.11934.

    Raises:
        ValueError: The weights are not convex, or one of them has no signal.
    """
    if any(weight < 0 for weight in weights.values()) or not isclose(sum(weights.values()), 1.0, abs_tol=1e-9):
        raise ValueError(f"Weights must be at least 0 and sum to 1, not {dict(weights)}.")
    if missing := weights.keys() - signals.keys():
        raise ValueError(f"There are weights without a signal: {', '.join(sorted(missing))}.")
    columns = [signals[name] for name in weights]
    return [
        sum(weight * value for weight, value in zip(weights.values(), row, strict=True))
        for row in zip(*columns, strict=True)
    ]


def with_shares(weights: Weights, shares: Weights) -> dict[str, float]:
    """Return the weights with more signals of the given shares; the others keep their proportions in what is left."""
    left = 1.0 - sum(shares.values())
    return {**{name: left * weight for name, weight in weights.items()}, **shares}


def restrict(weights: Weights, present: Iterable[str]) -> dict[str, float]:
    """Return the weights of the signals present, scaled to sum to 1; if none is, retrieval has all the weight."""
    names = set(present)
    kept = {name: weight for name, weight in weights.items() if name in names}
    total = sum(kept.values())
    return {name: weight / total for name, weight in kept.items()} if total > 0 else {"fused": 1.0}
