"""Fit verdicts to a user's own questions, and store them with the collection if they are better."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import numpy as np

from ...core.errors import InvalidInput
from ...core.text import agreeing, counted
from ...core.verdict import VerdictModel
from ...ingest.report import Progress
from ...pipeline.evidence import GOOD_RELEVANCE, WEAK_RELEVANCE
from ...pipeline.plan import verdict_models_of
from ...store.manifest import TunedVerdicts
from ..judged import JudgedSet, select
from ..measures import Difference
from .ranking_fit import MIN_PER_CLASS
from .tuner import Tuner
from .verdict_fit import Floats, fit_verdicts, gain_by_question, mask, rescale
from .verdict_samples import VerdictSample, collect_verdict_samples

WITH_RETRIEVAL = ("score", "lead", "cosine")
"""The evidence of a search whose hits have been retrieved with the bundled encoder."""

SCORES_ONLY = ("score", "lead")
"""The evidence of passages that the caller supplied, or that another encoder found."""


@dataclass(frozen=True, slots=True)
class Judged:
    """The probabilities that the first hits answer, and from which ones a verdict is "weak" and "good"."""

    probabilities: Floats
    weak: float
    good: float

    def shares(self, samples: Sequence[VerdictSample], *, answered: bool) -> tuple[float, float]:
        """Return the shares called "good" and "none" of right first hits, or of questions without an answer."""
        chosen = self.probabilities[mask(samples, "right" if answered else "unanswered")]
        return float((chosen >= self.good).mean()), float((chosen < self.weak).mean())


@dataclass(frozen=True, slots=True)
class TunedFit:
    """Verdict models fitted to a user's questions, and how they judge questions held out."""

    models: tuple[VerdictModel, ...]
    samples: Sequence[VerdictSample]
    questions: int
    left_out: int
    """How many questions have relevant documents, none of which the collection has."""
    unread: int
    """How many more questions were asked, for which the reranker read no hit."""
    before: Judged
    after: Judged
    gain: Difference
    """How much the log loss shrinks on questions held out."""


async def fit_own_verdicts(tuner: Tuner, judged: JudgedSet, *, progress: Progress | None = None) -> TunedFit:
    """Return the verdict models that suit judged questions; one without relevant documents has no answer.

    The models in use are rescaled; a reranker that has none gets one from its scores.

    Raises:
        InvalidInput: There are too few questions of either kind.
    """
    usable = await _usable(tuner, judged)
    samples = await collect_verdict_samples(tuner.pipeline, usable, tuner.question, progress=progress)
    _check_counts(samples)
    asked = {each.question for each in samples}
    own = [each for each in _models_in_use(tuner) if all(each.applies_to(sample.evidence) for sample in samples)]
    fits = [rescale(each, samples) for each in own] or [fit_verdicts(samples, SCORES_ONLY)]
    before, best = _before(tuner, own, samples), fits[0]
    after = Judged(best.held_out, best.model.weak, best.model.good)
    return TunedFit(
        tuple(each.model for each in fits),
        samples,
        questions=len(asked),
        unread=len(usable.queries) - len(asked),
        left_out=len(judged.queries) - len(usable.queries),
        before=before,
        after=after,
        gain=gain_by_question(samples, before.probabilities, after.probabilities),
    )


async def save_verdicts(tuner: Tuner, fit: TunedFit, *, now: datetime) -> None:
    """Store the models with the collection."""
    tuned = TunedVerdicts(
        fit.models,
        fit.questions,
        created=now.isoformat(timespec="seconds"),
        model=tuner.reranker.fingerprint,
    )
    manifest = tuner.collection.manifest
    verdicts = {**manifest.verdicts, tuner.reranker.name: tuned}
    await tuner.collection.remember(replace(manifest, verdicts=verdicts))


def describe_samples(samples: Sequence[VerdictSample]) -> str:
    """Return a sentence that says to how many questions verdicts are fitted, of each kind."""
    right, unanswered = (int(mask(samples, outcome).sum()) for outcome in ("right", "unanswered"))
    listed = int(mask(samples, "unanswered", "asked").sum())
    return (
        f"The first hit answers {counted(right, 'question')}, and {unanswered:,} "
        f"{agreeing(unanswered, 'has', 'have')} no answer: {listed:,} that the file lists without one, and "
        f"{unanswered - listed:,} of the others, asked again without the documents that answer them."
    )


def _check_counts(samples: Sequence[VerdictSample]) -> None:
    if min(mask(samples, "right").sum(), mask(samples, "unanswered").sum()) < MIN_PER_CLASS:
        raise InvalidInput(
            f"{describe_samples(samples)} Verdicts need {MIN_PER_CLASS} of each kind. Judge more, and list questions "
            'without an answer with "relevant": [].'
        )


async def _usable(tuner: Tuner, judged: JudgedSet) -> JudgedSet:
    """Return the questions that no document answers, and those that a document of the collection answers."""
    judged = await tuner.as_stored(judged)
    answerable = (await tuner.answerable(judged)).judged.queries
    unanswered = {key for key, grades in judged.grades.items() if not any(grade > 0 for grade in grades.values())}
    return select(judged, [key for key in judged.queries if key in answerable or key in unanswered])


def _models_in_use(tuner: Tuner) -> tuple[VerdictModel, ...]:
    return verdict_models_of(tuner.stage, tuner.collection.manifest.verdicts)


def _before(tuner: Tuner, own: Sequence[VerdictModel], samples: Sequence[VerdictSample]) -> Judged:
    if own:
        return Judged(np.array([own[0].probability(each.evidence) for each in samples]), own[0].weak, own[0].good)
    relevance = [tuner.reranker.relevance(each.evidence["score"]) for each in samples]
    return Judged(np.array(relevance), WEAK_RELEVANCE, GOOD_RELEVANCE)
