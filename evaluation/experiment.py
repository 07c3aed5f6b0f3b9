"""Evaluate search on judged queries from end to end."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from .. import __version__
from ..core.errors import InvalidInput
from ..ingest.ingestor import Ingestor
from ..ingest.removal import Remover
from ..ingest.report import Progress
from ..pipeline.plan import DEFAULT_DEPTH, tuning_of
from ..pipeline.request import DEFAULT
from ..pipeline.search import Pipeline
from ..rerank.stages.cascade import Cascade
from .corpus import prepare_corpus
from .judged import JudgedSet
from .report.content import EvaluationReport, Subject, build_report
from .run import Runner
from .sweep import distinct_depths
from .systems import DEPTHS, FINAL, EvaluationTarget, available_systems, questions_by_depth, questions_by_system


@dataclass(frozen=True, slots=True)
class EvaluationRequest:
    """What to evaluate."""

    judged: JudgedSet
    collection: str = "default"
    """Searched unless the set comes with documents."""
    reranker: str = DEFAULT
    depth: int = 0
    """Documents to rerank; 0 is the tuned depth, or the default depth with early stopping."""
    depths: Sequence[int] = DEPTHS
    """Depths to compare, in documents. Those above the number of documents are left out."""
    seed: int = 0
    """Of the confidence intervals."""

    @property
    def corpus(self) -> str:
        """Return the name of the collection to search; documents of a set are kept apart from all others."""
        return self.judged.own_collection if self.judged.has_documents else self.collection


async def evaluate(
    request: EvaluationRequest,
    *,
    pipeline: Pipeline,
    ingestor: Ingestor,
    remover: Remover,
    now: datetime,
    progress: Progress | None = None,
) -> EvaluationReport:
    """Ingest the set's documents if it has any, ask its queries of every system and depth, and report the measures.

    Raises:
        InvalidInput: There is no reranker to evaluate, or a relevant document is not in the collection.
        ModelError: The reranker failed.
    """
    cascade = evaluated_cascade(pipeline, request.reranker)
    corpus = await prepare_corpus(
        request.judged, request.corpus, pipeline=pipeline, ingestor=ingestor, remover=remover, progress=progress
    )
    target = await _target(request, corpus.collection, cascade, pipeline=pipeline)
    await _load_models(pipeline, target)
    systems = available_systems(  # the language model is no further system if it is the reranker to evaluate
        [name for name in pipeline.rerankers.names if pipeline.rerankers.cascade(name) != cascade],
        feedback=bool(pipeline.rerankers.feedback) and target.stops_early,
        rephrases=pipeline.rephraser is not None,
    )
    runner = Runner(pipeline, corpus.judged)
    depths = distinct_depths(request.depths, documents=corpus.documents)
    questions = {**questions_by_system(target, systems), **questions_by_depth(target, depths)}
    runs = await runner.run(questions, progress=progress)
    return build_report(
        corpus.judged,
        target,
        subject=_subject(request, documents=corpus.documents, model=cascade.model, now=now),
        systems=systems,
        runs={key: run for key, run in runs.items() if isinstance(key, str)},
        runs_by_depth={key: run for key, run in runs.items() if isinstance(key, int)},
        failures=corpus.failures,
    )


def evaluated_cascade(pipeline: Pipeline, reranker: str) -> Cascade:
    """Return the stages of a reranker.

    Raises:
        NotFound: There is no such reranker.
        InvalidInput: It is "none".
    """
    cascade = pipeline.rerankers.cascade(reranker)
    if cascade is None:
        known = ", ".join(pipeline.rerankers.names)
        raise InvalidInput(f"Reranking is turned off, so there is nothing to compare. Name a reranker. Known: {known}.")
    return cascade


async def _target(
    request: EvaluationRequest, collection: str, cascade: Cascade, *, pipeline: Pipeline
) -> EvaluationTarget:
    """Return the target with the depth in use: as requested, as tuned, or the default."""
    tunings = (await pipeline.open(collection)).manifest.tuning
    tuned = tuning_of(cascade.scorer, tunings) if cascade.scorer else None
    return EvaluationTarget(
        collection=collection,
        reranker=request.reranker,
        depth=request.depth or (tuned.depth if tuned else DEFAULT_DEPTH),
        stops_early=not request.depth and cascade.stops_early,
    )


def _subject(request: EvaluationRequest, *, documents: int, model: str, now: datetime) -> Subject:
    return Subject(
        name=request.judged.name,
        split=request.judged.split,
        documents=documents,
        model=model,
        seed=request.seed,
        version=__version__,
        created=now.isoformat(timespec="seconds"),
    )


async def _load_models(pipeline: Pipeline, target: EvaluationTarget) -> None:
    """Ask a query that is not judged, so that no measured one waits for models to load."""
    await pipeline.search(replace(questions_by_system(target)[FINAL], query=f"Warm up for {target.collection}"))
