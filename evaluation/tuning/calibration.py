"""Turn raw reranker scores into probabilities: fit a logistic to judged hits, and measure how well it predicts."""

from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ...core.values import Logistic

Floats: TypeAlias = NDArray[np.float64]

JudgedScores: TypeAlias = tuple[NDArray[np.floating[Any]], NDArray[np.bool_]]
"""Raw scores of the hits read for one question, and whether each is relevant."""

Outcomes: TypeAlias = tuple[Floats, Floats]
"""Scores, and the probability that each hit was relevant: 1 or 0, or a smoothed value in between."""

ANSWERED_PER_UNANSWERED = 3  # agents mostly ask what their documents can answer

RIDGE = 1e-6  # keeps the fit finite when a handful of questions is perfectly separated

BIN_EDGES = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)


def best_hits(questions: Iterable[JudgedScores]) -> Outcomes:
    """Return the best hit of each question as if every fourth question had no answer in the collection.

    Every third question counts a second time without its relevant passages. Answered questions alone would make nearly
    every best hit look relevant.
    """
    best: list[tuple[float, float]] = []
    for number, (scores, relevant) in enumerate(questions):
        if len(scores):
            first = int(scores.argmax())
            best.append((float(scores[first]), float(relevant[first])))
        if number % ANSWERED_PER_UNANSWERED == 0 and not relevant.all():
            best.append((float(scores[~relevant].max()), 0.0))
    outcomes = np.array(best, np.float64).reshape(-1, 2)
    return outcomes[:, 0], outcomes[:, 1]


def fit_logistic(sets: Sequence[Outcomes]) -> Logistic:
    """Return the maximum-likelihood logistic, each set weighted equally, by Newton's method with step halving."""
    scores, relevant = (np.concatenate(parts) for parts in zip(*sets, strict=True))
    weights = np.concatenate([np.full(len(part), 1 / max(1, len(part))) for part, _ in sets])
    inputs = np.stack([scores, np.ones_like(scores)], axis=1)

    def loss(point: Floats) -> float:
        logits = inputs @ point
        return float(weights @ (np.logaddexp(0, logits) - relevant * logits) + RIDGE / 2 * point @ point)

    point, step = np.zeros(2), np.ones(2)
    while np.abs(step).max() > 1e-6:
        predicted = (1 + np.tanh(inputs @ point / 2)) / 2  # the logistic function, without overflow
        gradient = inputs.T @ (weights * (predicted - relevant)) + RIDGE * point
        hessian = (inputs.T * (weights * predicted * (1 - predicted))) @ inputs + RIDGE * np.eye(2)
        step = np.linalg.solve(hessian, gradient)
        while loss(point - step) > loss(point) and np.abs(step).max() > 1e-6:
            step = step / 2
        point = point - step
    return Logistic(float(point[0]), float(point[1]))


def smoothed(relevant: Floats) -> Floats:
    """Return 1 and 0 moved slightly towards each other, so that a few outcomes never make a fit certain.

    Source: Platt, "Probabilistic outputs for support vector machines", 1999.
    """
    positives = float(relevant.sum())
    high, low = (positives + 1) / (positives + 2), 1 / (len(relevant) - positives + 2)
    return low + (high - low) * relevant


def log_loss(predicted: Floats, relevant: Floats) -> Floats:
    """Return the negative log likelihood of each outcome."""
    return -np.log(np.clip(np.where(relevant > 0, predicted, 1 - predicted), 1e-6, None))


def reliability(calibration: Logistic, best: Outcomes) -> list[tuple[str, float, float, int]]:
    """Return for each range of predicted relevance its name, the mean predicted, the share relevant, and the count."""
    scores, relevant = best
    predicted = np.array([calibration.probability(float(score)) for score in scores])
    rows: list[tuple[str, float, float, int]] = []
    for low, high in pairwise(BIN_EDGES):
        inside = (predicted >= low) & ((predicted < high) | (high == BIN_EDGES[-1]))
        if inside.any():
            row = f"{low:.1f}-{high:.1f}", float(predicted[inside].mean()), float(relevant[inside].mean())
            rows.append((*row, int(inside.sum())))
    return rows
