"""Fit weights, depth and calibration to judged questions, and measure the gain on questions held out."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, pairwise
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from ...core.values import Logistic
from ...pipeline.plan import DEFAULT_DEPTH, MAX_TUNED_DEPTH
from ...rerank.blend import Weights, restrict
from ..measures import Difference, paired_bootstrap
from .calibration import JudgedScores, best_hits, fit_logistic, log_loss, smoothed
from .samples import Floats, Sample, judged_scores, ndcg, signals_present

Indices: TypeAlias = NDArray[np.int64]

Relevance: TypeAlias = Callable[[float], float]

DEPTHS = (10, 20, 30, 50, 75, MAX_TUNED_DEPTH)

SIGNALS = ("fused", "rerank", "dense", "bm25", "recency", "boost")

FOLDS = 5

NEGLIGIBLE_GAIN = 0.002  # in nDCG@10: not worth reading deeper for

# The nDCG@10 that moving all weight must gain, times the root of the number of questions, as noise shrinks with it. On
# 120 questions of NFCorpus dev, whose weights were right already, 0 lost .005 on questions held out, and 0.2 nothing.
CAUTION = 0.2

MIN_PER_CLASS = 10  # relevant and irrelevant best hits needed to fit a calibration

SEED = 1


@dataclass(frozen=True, slots=True)
class RankingSettings:
    """Weights and depth, with the nDCG@10 they reach on the questions they were chosen on."""

    weights: Weights
    depth: int
    ndcg: float


@dataclass(frozen=True, slots=True)
class CalibrationFit:
    """A calibration and the log loss of relevance on questions held out, before and after."""

    calibration: Logistic | None
    """None if nothing shows that it is better than the one in use."""
    loss_before: float
    loss_after: float


@dataclass(frozen=True, slots=True)
class RankingFit:
    """The settings that tuning found, compared with those before."""

    questions: int
    before: RankingSettings
    after: RankingSettings
    gain: Difference
    """In nDCG@10 over `before`, on questions held out."""
    relevance: CalibrationFit | None
    """None if calibration was not fitted."""
    relevance_alone: CalibrationFit | None = None
    """The same for the depth `before`, where neither weights nor depth are changed."""
    unread: int = 0
    """How many more questions were asked, which the reranker cannot read."""

    @property
    def calibration(self) -> Logistic | None:
        """Return the calibration found, or None to keep the one in use."""
        return self.relevance.calibration if self.relevance else None

    @property
    def is_safe(self) -> bool:
        """Return whether questions held out gain beyond chance, or all stay as they are (the depth may shrink)."""
        return self.gain.low > 0 or self.gain.low == self.gain.high == 0

    @property
    def changes_settings(self) -> bool:
        """Return whether anything differs from the settings before."""
        kept = restrict(self.before.weights, self.after.weights)
        moved = any(abs(weight - kept.get(name, 0.0)) > 1e-9 for name, weight in self.after.weights.items())
        return moved or self.after.depth != self.before.depth or self.calibration is not None


def fit_ranking(
    samples: Sequence[Sample],
    *,
    weights: Weights,
    relevance: Relevance | None,
    depths: Sequence[int] = DEPTHS,
    in_use: tuple[Weights, int] | None = None,
) -> RankingFit:
    """Return the best weights and depth near the configured `weights`, and their gain on questions held out.

    The settings returned are chosen on all questions; the gain is cross-validated in five folds. `relevance` is the
    calibration in use; if it is None, calibration is not fitted. `in_use` are the weights and the depth to compare
    with, if others than the configured ones; they do not change what is found. Deterministic.
    """
    names = ["fused", *signals_present(samples, [name for name in SIGNALS if name != "fused"])]
    grid = weight_grid(names, weights)
    tables = {depth: np.array([ndcg(each, depth, names, grid) for each in samples]) for depth in depths}
    used, usual = in_use or (weights, DEFAULT_DEPTH if DEFAULT_DEPTH in depths else depths[0])
    row_in_use = _row(used, names)
    before = np.array([ndcg(each, usual, names, row_in_use)[0] for each in samples])
    depth, row = _choose(tables, grid, np.arange(len(samples)))
    after = RankingSettings(
        weights=dict(zip(names, grid[row].tolist(), strict=True)),
        depth=depth,
        ndcg=float(tables[depth][:, row].mean()),
    )
    fitted = {} if relevance is None else {each: _fit_calibration(samples, each, relevance) for each in {depth, usual}}
    return RankingFit(
        questions=len(samples),
        before=RankingSettings(used, usual, float(before.mean())),
        after=after,
        gain=paired_bootstrap((_held_out(tables, grid) - before).tolist(), seed=SEED),
        relevance=fitted.get(depth),
        relevance_alone=fitted.get(usual),
    )


def weight_grid(names: Sequence[str], weights: Weights) -> Floats:
    """Return the configured weights, then mixes of the signals in equal steps. Shape: [mixes, names]; rows sum to 1."""
    steps = 20 if len(names) <= 4 else 10  # 1,771 mixes of four signals, 3,003 of six
    bars = combinations(range(steps + len(names) - 1), len(names) - 1)
    mixes = [[b - a - 1 for a, b in pairwise((-1, *each, steps + len(names) - 1))] for each in bars]
    return np.concatenate([_row(weights, names), np.array(mixes, float) / steps])


def _row(weights: Weights, names: Sequence[str]) -> Floats:
    """Return the weights of the named signals. Shape: [1, names]."""
    kept = restrict(weights, names)
    return np.array([[kept.get(name, 0.0) for name in names]])


def _folds(count: int) -> list[Indices]:
    return np.array_split(np.random.default_rng(SEED).permutation(count), FOLDS)


def _held_out(tables: Mapping[int, Floats], grid: Floats) -> Floats:
    """Return the nDCG@10 of each question under settings chosen on the other folds."""
    count = len(next(iter(tables.values())))
    values = np.empty(count)
    for fold in _folds(count):
        depth, row = _choose(tables, grid, np.setdiff1d(np.arange(count), fold))
        values[fold] = tables[depth][fold, row]
    return values


def _choose(tables: Mapping[int, Floats], grid: Floats, questions: Indices) -> tuple[int, int]:
    """Return the least depth within a negligible gain of the best, and the row of its best weights.

    Weights are penalised by their distance from the configured ones, so that a few questions do not move them far.
    """
    distance = np.abs(grid - grid[0]).sum(axis=1) / 2
    penalty = CAUTION / np.sqrt(len(questions)) * distance
    values = {depth: table[questions].mean(axis=0) - penalty for depth, table in tables.items()}
    best = {depth: int(np.argmax(row)) for depth, row in values.items()}
    enough = max(values[depth][row] for depth, row in best.items()) - NEGLIGIBLE_GAIN
    depth = min(depth for depth, row in best.items() if values[depth][row] >= enough)
    return depth, best[depth]


def _fit_calibration(samples: Sequence[Sample], depth: int, relevance: Relevance) -> CalibrationFit:
    """Fit relevance to the best hits; keep the fit only if losses on questions held out shrink beyond chance."""
    questions = [hits for hits in (judged_scores(each, depth) for each in samples) if len(hits[0])]
    own = np.array([_loss(relevance, each) for each in questions])
    before = float(own.mean()) if questions else 0.0
    relevant = best_hits(questions)[1]
    if min(relevant.sum(), len(relevant) - relevant.sum()) < MIN_PER_CLASS:
        return CalibrationFit(None, before, before)
    losses = _held_out_losses(questions)
    fitted = _fit_best_hits(questions)
    is_better = paired_bootstrap((own - losses).tolist(), seed=SEED).low > 0 and fitted.slope > 0
    return CalibrationFit(fitted, before, float(losses.mean())) if is_better else CalibrationFit(None, before, before)


def _held_out_losses(questions: Sequence[JudgedScores]) -> Floats:
    """Return the loss of each question under a calibration fitted to the other folds."""
    losses = np.empty(len(questions))
    for fold in _folds(len(questions)):
        held_out = set(map(int, fold))
        fitted = _fit_best_hits([each for index, each in enumerate(questions) if index not in held_out])
        for index in held_out:
            losses[index] = _loss(fitted.probability, questions[index])
    return losses


def _fit_best_hits(questions: Sequence[JudgedScores]) -> Logistic:
    scores, relevant = best_hits(questions)
    return fit_logistic([(scores, smoothed(relevant))])


def _loss(relevance: Relevance, question: JudgedScores) -> float:
    """Return the mean log loss of a question's best hits, with and without its relevant passages."""
    scores, relevant = best_hits([question])
    return float(log_loss(np.array([relevance(float(score)) for score in scores]), relevant).mean())
