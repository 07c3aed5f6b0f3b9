"""Fit verdicts to judged questions: a logistic model of whether the first hit answers, and two thresholds."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ...core.verdict import VerdictModel
from ..measures import Difference, paired_bootstrap
from .verdict_samples import Origin, Outcome, VerdictSample

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]

RIDGE = 3.0  # on standardized evidence, in samples; it only matters below a few hundred of them
WEIGHTS: Mapping[Origin, float] = {"asked": 1.0, "answers removed": 0.5, "another pool": 1.0}
"""A question without its answers is asked a second time, and is not quite what anybody asks."""
FOLDS = 5
SEED = 1

FALSE_NONE = 0.05
"""The share of right first hits that may be called "none": an agent that believes it does not use what it has."""
FALSE_GOOD = 0.10
"""The share of questions that no passage on their subject answers, asked or made so, that may be called "good"."""


@dataclass(frozen=True, slots=True)
class VerdictFit:
    """A fitted model, and the probabilities that models fitted to other questions gave each sample."""

    model: VerdictModel
    samples: Sequence[VerdictSample]
    held_out: Floats


def fit_verdicts(samples: Sequence[VerdictSample], names: Sequence[str]) -> VerdictFit:
    """Return the model that predicts best from the named evidence, with thresholds chosen on held-out samples.

    Each group has equal weight. Groups are held out in turn; of a single group, a fifth of the questions each time.
    Weights are never negative: no kind of evidence may count against a hit.

    Raises:
        ValueError: There is no sample of one of the two kinds: first hits that answer, and questions without an answer.
    """
    held_out = np.empty(len(samples))
    for fold in _folds(samples):
        model = _fit([each for each, out in zip(samples, fold, strict=True) if not out], names)
        held_out[fold] = [model.probability(each.evidence) for each, out in zip(samples, fold, strict=True) if out]
    weak, good = thresholds(samples, held_out)
    return VerdictFit(replace(_fit(samples, names), weak=weak, good=good), samples, held_out)


def rescale(model: VerdictModel, samples: Sequence[VerdictSample]) -> VerdictFit:
    """Return a model whose logits are scaled and shifted to suit the samples; its thresholds stay.

    Two numbers can be fitted to a few dozen questions, where all the weights cannot.
    """
    held_out = np.empty(len(samples))
    for fold in _folds(samples):
        moved = _rescaled(model, [each for each, out in zip(samples, fold, strict=True) if not out])
        held_out[fold] = [moved.probability(each.evidence) for each, out in zip(samples, fold, strict=True) if out]
    return VerdictFit(_rescaled(model, samples), samples, held_out)


def thresholds(samples: Sequence[VerdictSample], probabilities: Floats) -> tuple[float, float]:
    """Return the probabilities from which a verdict is "weak" and "good".

    At most `FALSE_NONE` of the right first hits are below the first, and at most `FALSE_GOOD` of the questions without
    an answer above the second.

    Raises:
        ValueError: There is no sample of one of the two kinds.
    """
    right = probabilities[mask(samples, "right")]
    unanswered = probabilities[mask(samples, "unanswered") & ~mask(samples, "unanswered", "another pool")]
    if not len(right) or not len(unanswered):
        raise ValueError("thresholds need first hits that answer and questions without an answer")
    weak = float(np.quantile(right, FALSE_NONE, method="lower"))
    good = float(np.quantile(unanswered, 1 - FALSE_GOOD, method="higher"))
    return round(weak, 3), round(max(weak, good), 3)


def mask(samples: Sequence[VerdictSample], outcome: Outcome, origin: Origin | None = None) -> Mask:
    """Return which samples have an outcome, and an origin if one is given."""
    return np.array([each.outcome == outcome and origin in (None, each.origin) for each in samples], bool)


def log_losses(samples: Sequence[VerdictSample], probabilities: Floats) -> Floats:
    """Return the negative log likelihood of each sample."""
    right = mask(samples, "right")
    return -np.log(np.clip(np.where(right, probabilities, 1 - probabilities), 1e-6, None))


def gain_by_question(samples: Sequence[VerdictSample], before: Floats, after: Floats) -> Difference:
    """Return how much the log loss shrinks, on average over questions, which are resampled whole."""
    shrinks, questions = log_losses(samples, before) - log_losses(samples, after), _questions(samples)
    return paired_bootstrap((np.bincount(questions, shrinks) / np.bincount(questions)).tolist(), seed=SEED)


def _folds(samples: Sequence[VerdictSample]) -> list[Mask]:
    groups = np.array([each.group for each in samples])
    names = sorted(set(groups.tolist()))
    if len(names) > 1:
        return [groups == name for name in names]
    questions = _questions(samples)
    parts = np.array_split(np.random.default_rng(SEED).permutation(len(set(questions.tolist()))), FOLDS)
    return [np.isin(questions, part) for part in parts if len(part)]


def _questions(samples: Sequence[VerdictSample]) -> NDArray[np.int64]:
    """Return a number from 0 on for each sample, which is the same for those of one question."""
    numbers: dict[tuple[str, str, int], int] = {}
    keys = [(each.group, each.question, -1 if each.question else place) for place, each in enumerate(samples)]
    return np.array([numbers.setdefault(key, len(numbers)) for key in keys], int)


def _fit(samples: Sequence[VerdictSample], names: Sequence[str]) -> VerdictModel:
    """Return the penalised maximum-likelihood model; evidence whose weight would be negative is left out.

    If that is all of it, the model is a constant: no evidence tells the samples apart.
    """
    kept = list(names)
    while True:
        inputs = np.array([[each.evidence[name] for name in kept] for each in samples]).reshape(len(samples), len(kept))
        mean, deviation = inputs.mean(axis=0), inputs.std(axis=0) + 1e-9
        point = _newton((inputs - mean) / deviation, samples, prior=np.zeros(len(kept) + 1))
        slopes = point[:-1] / deviation
        positive = [name for name, slope in zip(kept, slopes, strict=True) if slope >= 0]
        if positive == kept:
            break
        kept = positive
    weights = {name: round(float(slope), 4) for name, slope in zip(kept, slopes, strict=True)}
    intercept = round(float(point[-1] - slopes @ mean), 4)
    return VerdictModel(weights or dict.fromkeys(names, 0.0), intercept, good=1.0, weak=0.0)


def _rescaled(model: VerdictModel, samples: Sequence[VerdictSample]) -> VerdictModel:
    logits = np.array([[model.logit(each.evidence)] for each in samples])
    scale, shift = _newton(logits, samples, prior=np.array([1.0, 0.0]), penalise_shift=True)
    scale = max(float(scale), 0.0)
    weights = {name: round(scale * weight, 4) for name, weight in model.weights.items()}
    return replace(model, weights=weights, intercept=round(scale * model.intercept + float(shift), 4))


def _newton(inputs: Floats, samples: Sequence[VerdictSample], *, prior: Floats, penalise_shift: bool = False) -> Floats:
    """Return the coefficients, the constant last, of the most likely logistic under a Gaussian prior.

    Newton's method with step halving. Shape: inputs [samples, columns].
    """
    columns = np.column_stack([inputs, np.ones(len(inputs))])
    right, weights = mask(samples, "right").astype(float), _weights(samples)
    ridge = np.full(columns.shape[1], RIDGE)
    ridge[-1] = RIDGE if penalise_shift else 1e-6

    def loss(point: Floats) -> float:
        logits = columns @ point
        return float(weights @ (np.logaddexp(0, logits) - right * logits) + ridge @ (point - prior) ** 2 / 2)

    point, step = prior.copy(), np.ones_like(prior)
    while np.abs(step).max() > 1e-6:
        predicted = (1 + np.tanh(columns @ point / 2)) / 2
        gradient = columns.T @ (weights * (predicted - right)) + ridge * (point - prior)
        hessian = (columns.T * (weights * predicted * (1 - predicted))) @ columns + np.diag(ridge)
        step = np.linalg.solve(hessian, gradient)
        while loss(point - step) > loss(point) and np.abs(step).max() > 1e-6:
            step = step / 2
        point = point - step
    return point


def _weights(samples: Sequence[VerdictSample]) -> Floats:
    """Return the weights of the samples, the same sum for each group; all sum to the number of samples."""
    own = np.array([WEIGHTS[each.origin] for each in samples])
    groups = np.array([each.group for each in samples])
    names = sorted(set(groups.tolist()))
    for name in names:
        own[groups == name] /= own[groups == name].sum()
    return own * len(samples) / len(names)
