"""Weights, depth and calibration for a user's own judged questions, and whether they help on questions held out."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, pairwise
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from ...core.values import Logistic
from ...pipeline.question import DEEPEST_TUNED, DEFAULT_DEPTH
from ...rerank.blend import Weights, restrict
from ..measures import Difference, paired
from .calibration import Read, best_hits, fit, log_loss, smoothed
from .samples import Floats, Sample, ndcg, present, read

Places: TypeAlias = NDArray[np.int64]

Relevance: TypeAlias = Callable[[float], float]

FEWEST_QUESTIONS = 20  # below, an interval says nothing: that of 20 questions is about 0.2 wide

DEPTHS = (10, 20, 30, 50, 75, DEEPEST_TUNED)

SIGNALS = ("fused", "rerank", "dense", "bm25", "recency", "boost")

FOLDS = 5

PLATEAU = 0.002  # nDCG@10 that is not worth reading deeper

# What a wholly different mix must gain in nDCG@10, times the root of the number of questions: noise shrinks with it. On
# 120 questions of NFCorpus dev, whose weights were right already, 0 lost .005 on questions held out, and 0.2 nothing.
CAUTION = 0.2

FEWEST_OF_A_KIND = 10  # right and wrong best hits, to fit a calibration

SEED = 1


@dataclass(frozen=True, slots=True)
class Setting:
    """Weights and depth, and the nDCG@10 they reach on the questions they were chosen on."""

    weights: Weights
    depth: int
    ndcg: float


@dataclass(frozen=True, slots=True)
class Fit:
    """What tuning found. Log losses are of relevance, on questions held out, with their answers and without."""

    questions: int
    before: Setting
    after: Setting
    gain: Difference
    """In nDCG@10 over `before`, on questions held out."""
    calibration: Logistic | None
    """None where the reranker's own is as good, for all that can be told."""
    loss_before: float
    loss_after: float
    calibrates: bool = True

    @property
    def is_safe(self) -> bool:
        """Return whether questions held out gain for certain, or none of them changes (a lesser depth may do)."""
        return self.gain.low > 0 or self.gain.low == self.gain.high == 0

    @property
    def changes(self) -> bool:
        """Return whether anything differs from the settings."""
        kept = restrict(self.before.weights, self.after.weights)
        moved = any(abs(weight - kept.get(name, 0.0)) > 1e-9 for name, weight in self.after.weights.items())
        return moved or self.after.depth != self.before.depth or self.calibration is not None


def tune(
    samples: Sequence[Sample], *, weights: Weights, relevance: Relevance | None, depths: Sequence[int] = DEPTHS
) -> Fit:
    """Return the best weights and depth near the configured `weights`, and what they gain on questions held out.

    Everything is chosen once on all questions, to be used, and once on each four fifths of them, to be measured on
    the rest. `relevance` is the reranker's own calibration; without one nothing is calibrated. Pure: the same samples
    give the same fit.
    """
    names = ["fused", *present(samples, [name for name in SIGNALS if name != "fused"])]
    grid = candidates(names, weights)
    tables = {depth: np.array([ndcg(each, depth, names, grid) for each in samples]) for depth in depths}
    usual = DEFAULT_DEPTH if DEFAULT_DEPTH in depths else depths[0]
    before = tables[usual][:, 0]
    held_out = np.empty(len(samples))
    for fold in _folds(len(samples)):
        rest = np.setdiff1d(np.arange(len(samples)), fold)
        depth, place = _choose(tables, grid, rest)
        held_out[fold] = tables[depth][fold, place]
    depth, place = _choose(tables, grid, np.arange(len(samples)))
    after = Setting(_named(names, grid[place]), depth, float(tables[depth][:, place].mean()))
    fitted, loss_before, loss_after = (None, 0.0, 0.0) if relevance is None else _calibrate(samples, depth, relevance)
    return Fit(
        questions=len(samples),
        before=Setting(weights, usual, float(before.mean())),
        after=after,
        gain=paired((held_out - before).tolist(), seed=SEED),
        calibration=fitted,
        loss_before=loss_before,
        loss_after=loss_after,
        calibrates=relevance is not None,
    )


def candidates(names: Sequence[str], weights: Weights) -> Floats:
    """Return the configured weights, then all mixes of the signals in equal steps; one a row, in the order of names."""
    steps = 20 if len(names) <= 4 else 10  # 1,771 mixes of four signals, 3,003 of six
    kept = restrict(weights, names)
    configured = np.array([[kept.get(name, 0.0) for name in names]])
    bars = combinations(range(steps + len(names) - 1), len(names) - 1)
    mixes = [[b - a - 1 for a, b in pairwise((-1, *each, steps + len(names) - 1))] for each in bars]
    return np.concatenate([configured, np.array(mixes, float) / steps])


def _folds(count: int) -> list[Places]:
    return np.array_split(np.random.default_rng(SEED).permutation(count), FOLDS)


def _choose(tables: Mapping[int, Floats], grid: Floats, chosen: Places) -> tuple[int, int]:
    """Return the smallest depth on the plateau, and the place of its best weights, from the questions chosen.

    Weights pay for their distance from the configured ones, so that a few questions do not carry them far.
    """
    moved = np.abs(grid - grid[0]).sum(axis=1) / 2
    penalty = CAUTION / np.sqrt(len(chosen)) * moved
    values = {depth: table[chosen].mean(axis=0) - penalty for depth, table in tables.items()}
    best = {depth: int(np.argmax(row)) for depth, row in values.items()}
    enough = max(values[depth][place] for depth, place in best.items()) - PLATEAU
    depth = min(depth for depth, place in best.items() if values[depth][place] >= enough)
    return depth, best[depth]


def _calibrate(samples: Sequence[Sample], depth: int, relevance: Relevance) -> tuple[Logistic | None, float, float]:
    """Return the logistic of the best hit's relevance if it foretells better than the reranker's own; both losses.

    It does where the losses of questions held out are less beyond chance: a right calibration is left as it is.
    """
    questions = [hits for hits in (read(each, depth) for each in samples) if len(hits[0])]
    own = np.array([_loss(relevance, each) for each in questions])
    before = float(own.mean()) if questions else 0.0
    relevant = best_hits(questions)[1]
    if min(relevant.sum(), len(relevant) - relevant.sum()) < FEWEST_OF_A_KIND:
        return None, before, before
    losses = np.empty(len(questions))
    for fold in _folds(len(questions)):
        held_out = set(map(int, fold))
        fitted = _fit([each for place, each in enumerate(questions) if place not in held_out])
        for place in held_out:
            losses[place] = _loss(fitted.probability, questions[place])
    fitted = _fit(questions)
    is_better = paired((own - losses).tolist(), seed=SEED).low > 0 and fitted.slope > 0
    return (fitted, before, float(losses.mean())) if is_better else (None, before, before)


def _fit(questions: Sequence[Read]) -> Logistic:
    scores, relevant = best_hits(questions)
    return fit([(scores, smoothed(relevant))])


def _loss(relevance: Relevance, question: Read) -> float:
    """Return the mean log loss of a question's best hits, with its relevant passages and without."""
    scores, relevant = best_hits([question])
    return float(log_loss(np.array([relevance(float(score)) for score in scores]), relevant).mean())


def _named(names: Sequence[str], row: Floats) -> Weights:
    return dict(zip(names, row.tolist(), strict=True))
