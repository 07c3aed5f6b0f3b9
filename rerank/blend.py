"""The final score: a convex combination of named signals, so that no single one can undo a good order alone."""

from collections.abc import Iterable, Mapping, Sequence
from math import isclose
from typing import TypeAlias

Weights: TypeAlias = Mapping[str, float]
"""The share of each signal in the final score: none is negative, and they sum to 1."""


def with_reranker(weight: float) -> dict[str, float]:
    """Return the weights that give the reranker this share, 0..1, and retrieval the rest."""
    return {"fused": 1.0 - weight, "rerank": weight}


def blend(signals: Mapping[str, Sequence[float]], weights: Weights) -> list[float]:
    """Return the weighted mean of the signals, one score a hit, in 0..1.

    A signal has one value in 0..1 for each hit. Source: convex combination of scaled scores, Bruch et al., arXiv
    2210.11934.

    Raises:
        ValueError: When the weights are not convex, or one has no signal.
    """
    if any(weight < 0 for weight in weights.values()) or not isclose(sum(weights.values()), 1.0, abs_tol=1e-9):
        raise ValueError(f"Weights are not negative and sum to 1; these are {dict(weights)}.")
    if missing := weights.keys() - signals.keys():
        raise ValueError(f"No signal for the weights of {', '.join(sorted(missing))}.")
    columns = [signals[name] for name in weights]
    return [
        sum(weight * value for weight, value in zip(weights.values(), row, strict=True))
        for row in zip(*columns, strict=True)
    ]


def with_shares(weights: Weights, shares: Weights) -> dict[str, float]:
    """Return the weights with further signals of these shares; the ones before keep their proportions in the rest."""
    left = 1.0 - sum(shares.values())
    return {**{name: left * weight for name, weight in weights.items()}, **shares}


def restrict(weights: Weights, present: Iterable[str]) -> dict[str, float]:
    """Return the weights of the signals present, in their proportions; without any, retrieval's score is the final."""
    names = set(present)
    kept = {name: weight for name, weight in weights.items() if name in names}
    total = sum(kept.values())
    return {name: weight / total for name, weight in kept.items()} if total > 0 else {"fused": 1.0}
