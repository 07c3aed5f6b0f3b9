"""Tune a collection's reranker on judged questions or on feedback, and store what was found with the collection."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from ...core.errors import InvalidInput
from ...core.text import agreeing, counted
from ...core.values import Logistic
from ...ingest.report import Progress
from ...pipeline.plan import DEFAULT_DEPTH, tuned_weights, tuning_of
from ...pipeline.request import SearchRequest
from ...pipeline.search import Pipeline
from ...rerank.blend import Weights
from ...rerank.protocols import Scorer
from ...rerank.stages.score import ScoreStage
from ...store.collection import Collection
from ...store.feedback_log import UsedSearch
from ...store.manifest import Tuning
from ..corpus import as_stored
from ..judged import MIN_QUESTIONS, JudgedSet, select
from .feedback import POSITION_BIAS, collect_uses, join_repeated_searches
from .ranking_fit import RankingFit, fit_ranking
from .samples import Sample, collect_samples


@dataclass(frozen=True, slots=True)
class AnswerableQuestions:
    """The judged questions that documents of a collection answer."""

    judged: JudgedSet
    left_out: int
    """How many questions no document of the collection answers."""
    missing: str = ""
    """One of the relevant documents that the collection lacks."""


class Tuner:
    """Tunes one reranker of a pipeline for one collection."""

    def __init__(self, pipeline: Pipeline, collection: Collection, stage: ScoreStage, *, choice: str) -> None:
        self.pipeline = pipeline
        self.collection = collection
        self.stage = stage
        self.question = SearchRequest("", collection=collection.name, reranker=choice)
        """What is asked of the collection, but for the query."""

    @classmethod
    async def open(cls, pipeline: Pipeline, collection: str, reranker: str) -> "Tuner":
        """Return the tuner for a collection and a configured reranker.

        Raises:
            NotFound: There is no such collection or reranker.
            InvalidInput: The reranker is "none", gives no scores, or has several stages.
        """
        stage = _single_stage(pipeline, reranker)
        return cls(pipeline, await pipeline.open(collection), stage, choice=reranker)

    @property
    def reranker(self) -> Scorer:
        """Return the reranker."""
        return self.stage.scorer

    @property
    def model(self) -> str:
        """Return the name of the reranker's model."""
        return self.reranker.name

    async def as_stored(self, judged: JudgedSet) -> JudgedSet:
        """Return the set with the ids that are stored for the documents that it names."""
        return await as_stored(judged, self.collection, self.pipeline.paths)

    async def answerable(self, judged: JudgedSet) -> AnswerableQuestions:
        """Return the questions that documents of the collection answer, by their stored ids."""
        judged = await self.as_stored(judged)
        relevant = {
            key: [document for document, grade in grades.items() if grade > 0] for key, grades in judged.grades.items()
        }
        named = {document for documents in relevant.values() for document in documents}
        stored = await self.collection.entries(sorted(named))
        kept = [key for key in judged.queries if any(document in stored for document in relevant[key])]
        return AnswerableQuestions(
            judged=select(judged, kept),
            left_out=len(judged.queries) - len(kept),
            missing=min(named - stored.keys(), default=""),
        )

    async def fit_judged(self, judged: JudgedSet, *, now: datetime, progress: Progress | None = None) -> RankingFit:
        """Return the weights, depth and calibration that suit judged questions, compared with those in use.

        What is found depends on the questions and the settings alone, not on an earlier tuning.

        Raises:
            InvalidInput: There are too few questions.
        """
        name, count = self.collection.name, len(judged.queries)
        if count < MIN_QUESTIONS:
            raise InvalidInput(
                f"Documents of {name!r} answer only {counted(count, 'judged question')}; tuning needs {MIN_QUESTIONS}. "
                "Judge more, by document id (`document_id` in search results)."
            )
        samples = await collect_samples(self.pipeline, judged, self.question, now=now, progress=progress)
        unread = self._unread(samples, asked=count)
        tuning = self._current()
        in_use = tuning and tuning.calibration
        fit = fit_ranking(
            samples,
            weights=self.pipeline.rerankers.weights(self.reranker),
            relevance=in_use.probability if in_use else self.reranker.relevance,
            in_use=(self._weights(), tuning.depth) if tuning else None,
        )
        return replace(fit, unread=unread)

    async def fit_feedback(
        self,
        uses: Sequence[UsedSearch],
        *,
        most: int,
        now: datetime,
        position_bias: float = POSITION_BIAS,
        progress: Progress | None = None,
    ) -> RankingFit:
        """Return the weights that suit the `most` last questions (0: all) of which hits were used.

        Depth stays as it is, because what was never shown was never used; and so does calibration.

        Raises:
            InvalidInput: There are too few such questions.
        """
        recent = await self._usable(uses, most)
        samples = await collect_uses(
            self.pipeline, recent, self.question, now=now, position_bias=position_bias, progress=progress
        )
        unread = self._unread(samples, asked=len(recent))
        tuning = self._current()
        depth = tuning.depth if tuning else DEFAULT_DEPTH
        return replace(fit_ranking(samples, weights=self._weights(), relevance=None, depths=[depth]), unread=unread)

    async def save(self, fit: RankingFit, *, now: datetime) -> None:
        """Store the fit with the collection. If no better calibration was found, an earlier one stays."""
        current = self._current()
        kept = current.calibration if current else None
        tuning = Tuning(
            weights=fit.after.weights,
            depth=fit.after.depth,
            calibration=fit.calibration or kept,
            questions=fit.questions,
            gain=round(fit.gain.mean, 4),
            created=now.isoformat(timespec="seconds"),
            model=self.reranker.fingerprint,
        )
        await self._store(tuning)

    async def save_calibration(self, calibration: Logistic, *, questions: int, now: datetime) -> None:
        """Store a calibration with the collection. Weights and depth stay as they are, tuned or not."""
        kept = self._current() or Tuning(
            weights={},
            depth=DEFAULT_DEPTH,
            calibration=calibration,
            questions=questions,
            gain=0.0,
            created="",
            model=self.reranker.fingerprint,
        )
        await self._store(replace(kept, calibration=calibration, created=now.isoformat(timespec="seconds")))

    async def _store(self, tuning: Tuning) -> None:
        manifest = self.collection.manifest
        await self.collection.remember(replace(manifest, tuning={**manifest.tuning, self.reranker.name: tuning}))

    def _unread(self, samples: Sequence[Sample], *, asked: int) -> int:
        """Return how many of the questions asked the reranker cannot read.

        Raises:
            InvalidInput: It can read too few.
        """
        if len(samples) < MIN_QUESTIONS:
            raise InvalidInput(
                f"The reranker {self.model!r} can read only {len(samples)} of {counted(asked, 'question')}; tuning "
                f"needs {MIN_QUESTIONS}. Choose a reranker for their language."
            )
        return asked - len(samples)

    def _current(self) -> Tuning | None:
        return tuning_of(self.reranker, self.collection.manifest.tuning)

    def _weights(self) -> Weights:
        """Return the weights in use: as tuned, or as configured."""
        tuning, rerankers = self._current(), self.pipeline.rerankers
        if tuning is None or not tuning.weights:
            return rerankers.weights(self.reranker)
        return tuned_weights(tuning.weights, rerankers.metadata)

    async def _usable(self, uses: Sequence[UsedSearch], most: int) -> list[UsedSearch]:
        """Return the last questions by query alone for which a document that is still stored was used."""
        plain = [use for use in uses if use.searched.plain]
        stored = await self.collection.entries(sorted({each.document_id for use in plain for each in use.used}))
        usable = [use for use in plain if any(each.document_id in stored for each in use.used)]
        different = join_repeated_searches(usable)
        recent = different[-most:] if most else different
        if len(recent) < MIN_QUESTIONS:
            searches = f"{len(usable)} {agreeing(len(usable), 'search', 'searches')}"
            raise InvalidInput(
                f"Only {counted(len(recent), 'different question')} to {self.collection.name!r} had a hit that was "
                f"used (in {searches}); tuning needs {MIN_QUESTIONS}. Set RESIFT_FEEDBACK=true and have agents call "
                "record_feedback."
            )
        return recent


def tuned_rerankers(collection: Collection) -> list[str]:
    """Return the names of the rerankers for which something was tuned."""
    return sorted({*collection.manifest.tuning, *collection.manifest.verdicts})


async def forget_tuning(collection: Collection) -> None:
    """Remove everything tuned for a collection."""
    await collection.remember(replace(collection.manifest, tuning={}, verdicts={}))


def _single_stage(pipeline: Pipeline, reranker: str) -> ScoreStage:
    """Return the only stage of a choice, which scores."""
    cascade, known = pipeline.rerankers.cascade(reranker), ", ".join(pipeline.rerankers.names)
    stage = None if cascade is None else cascade.stages[0]
    if cascade is None or not isinstance(stage, ScoreStage):
        raise InvalidInput(f"{reranker!r} gives no scores to tune. Name another reranker. Known: {known}.")
    if len(cascade.stages) > 1:
        stages = ", ".join(step.name for step in cascade.stages)
        raise InvalidInput(f"{reranker!r} has several stages: {stages}. Tune the first of them by its own name.")
    return stage
