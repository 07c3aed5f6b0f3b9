"""From raw scores of judged hits to probabilities: the logistic that fits them best, and how well it foretells."""

from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ...core.values import Logistic

Floats: TypeAlias = NDArray[np.float64]

Read: TypeAlias = tuple[NDArray[np.floating[Any]], NDArray[np.bool_]]
"""Raw scores of the hits read for a question, and whether each is relevant."""

Outcomes: TypeAlias = tuple[Floats, Floats]
"""Scores, and for each how likely it is that the hit was relevant: 1 or 0, or smoothed in between."""

ANSWERED = 3  # questions that have an answer for each that has none: agents mostly ask what their documents know

RIDGE = 1e-6  # keeps the fit finite where a handful of questions are perfectly separated

BIN_EDGES = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)


def best_hits(questions: Iterable[Read]) -> Outcomes:
    """Return the best hit of each question, as a world has them where every fourth question has no answer.

    Every third question counts a second time, as it would be were its relevant passages not in the collection. From
    answered questions alone, every best hit would seem to be one that answers.
    """
    best: list[tuple[float, float]] = []
    for place, (scores, relevant) in enumerate(questions):
        if len(scores):
            first = int(scores.argmax())
            best.append((float(scores[first]), float(relevant[first])))
        if place % ANSWERED == 0 and not relevant.all():
            best.append((float(scores[~relevant].max()), 0.0))
    outcomes = np.array(best, np.float64).reshape(-1, 2)
    return outcomes[:, 0], outcomes[:, 1]


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


def reliability(calibration: Logistic, best: Outcomes) -> list[tuple[str, float, float, int]]:
    """Return by range of predicted relevance: its name, the mean predicted, the share found, how many hits."""
    scores, relevant = best
    chances = np.array([calibration.probability(float(score)) for score in scores])
    rows: list[tuple[str, float, float, int]] = []
    for low, high in pairwise(BIN_EDGES):
        inside = (chances >= low) & ((chances < high) | (high == BIN_EDGES[-1]))
        if inside.any():
            row = f"{low:.1f}-{high:.1f}", float(chances[inside].mean()), float(relevant[inside].mean())
            rows.append((*row, int(inside.sum())))
    return rows
