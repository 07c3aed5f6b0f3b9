"""From raw scores of judged hits to probabilities: the logistic that fits them best."""

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from ..core.calibration import Logistic

Floats: TypeAlias = NDArray[np.float64]
Outcomes: TypeAlias = tuple[Floats, Floats]
"""Scores, and for each how likely it is that the hit was relevant: 1 or 0, or smoothed in between."""

RIDGE = 1e-6  # keeps the fit finite where a handful of questions are perfectly separated


def fit(sets: Sequence[Outcomes]) -> Logistic:
    """Return the logistic of greatest likelihood, each set weighing the same, by Newton's method with halved steps."""
    scores, relevant = (np.concatenate(parts) for parts in zip(*sets, strict=True))
    weights = np.concatenate([np.full(len(part), 1 / max(1, len(part))) for part, _ in sets])
    inputs = np.stack([scores, np.ones_like(scores)], axis=1)

    def loss(point: Floats) -> float:
        exponents = inputs @ point
        return float(weights @ (np.logaddexp(0, exponents) - relevant * exponents) + RIDGE / 2 * point @ point)

    point, step = np.zeros(2), np.ones(2)
    while np.abs(step).max() > 1e-6:
        chances = (1 + np.tanh(inputs @ point / 2)) / 2  # the logistic function, without overflow
        slope = inputs.T @ (weights * (chances - relevant)) + RIDGE * point
        curvature = (inputs.T * (weights * chances * (1 - chances))) @ inputs + RIDGE * np.eye(2)
        step = np.linalg.solve(curvature, slope)
        while loss(point - step) > loss(point) and np.abs(step).max() > 1e-6:
            step = step / 2
        point = point - step
    return Logistic(float(point[0]), float(point[1]))


def smoothed(relevant: Floats) -> Floats:
    """Return 1 and 0 drawn in a little, so that no number of outcomes makes anything certain.

    Source: Platt, "Probabilistic outputs for support vector machines", 1999.
    """
    right = float(relevant.sum())
    high, low = (right + 1) / (right + 2), 1 / (len(relevant) - right + 2)
    return low + (high - low) * relevant


def log_loss(chances: Floats, relevant: Floats) -> Floats:
    """Return for each outcome the negative logarithm of the chance that was given to it."""
    return -np.log(np.clip(np.where(relevant > 0, chances, 1 - chances), 1e-6, None))
