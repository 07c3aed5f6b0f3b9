"""Bring a judged set into a collection, and ask the pipeline its questions."""

from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass, replace
from typing import TypeVar

from ..core.errors import InvalidInput, ModelError
from ..core.values import NO_USAGE, Ranking, Stage, Usage
from ..ingest.ingestor import Ingestor
from ..ingest.job import IngestReport, Job, Progress
from ..ingest.removal import Remover
from ..pipeline.pipeline import Pipeline
from ..pipeline.question import Question, check_query
from .judged import Judged
from .memory import ScoreMemory

Key = TypeVar("Key")


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of one question: documents, best first, and what retrieval and reranking took."""

    documents: tuple[str, ...]
    retrieval_ms: float
    added_ms: float
    usage: Usage = NO_USAGE


Run = Mapping[str, Answer]
"""One system's answers by query id."""


async def ingest(
    judged: Judged, pipeline: Pipeline, ingestor: Ingestor, remover: Remover, *, progress: Progress | None = None
) -> IngestReport:
    """Bring a set's documents into a collection of its name, which then holds no others; return what came of it."""
    job = Job(judged.name, judged.documents, len(judged.documents), progress=progress)
    report = await ingestor.ingest(job)
    held = await (await pipeline.open(judged.name)).entries()
    if stale := sorted(held.keys() - {document.id for document in judged.documents}):
        await remover.remove(judged.name, document_ids=stale, filter_={})
    return report


async def count_documents(judged: Judged, pipeline: Pipeline, collection: str) -> int:
    """Return how many documents a collection holds that is asked a list of questions.

    Raises:
        InvalidInput: A question, whose line is named, has a relevant document that the collection does not hold.
    """
    held = await (await pipeline.open(collection)).entries()
    for line, row in judged.grades.items():
        for document in row:
            if document not in held:
                raise InvalidInput(
                    f"{judged.name}, line {line}: collection {collection!r} holds no document {document!r}. Give "
                    "ids of documents, as `document_id` in `resift search --json`, not of passages."
                )
    return len(held)


async def ask_all(
    pipeline: Pipeline,
    memory: ScoreMemory,
    judged: Judged,
    questions: Mapping[Key, Question],
    *,
    progress: Progress | None = None,
) -> dict[Key, dict[str, Answer]]:
    """Return a run for each question, which is asked with the words of every query.

    `pipeline` is one whose rerankers are wrapped by `memory`.

    Raises:
        ModelError: A reranker failed.
    """
    runs: dict[Key, dict[str, Answer]] = {key: {} for key in questions}
    for done, (identifier, query) in enumerate(judged.queries.items(), start=1):
        for key, question in questions.items():
            ranking = await _ask(pipeline, replace(question, query=query))
            runs[key][identifier] = _answer(ranking, check_query(query), memory)
        if progress is not None:
            await progress(done, len(judged.queries), "")
    return runs


async def rankings(pipeline: Pipeline, judged: Judged, question: Question) -> AsyncGenerator[tuple[str, Ranking]]:
    """Yield query id and ranking of every query, asked as `question`."""
    for identifier, query in judged.queries.items():
        yield identifier, await _ask(pipeline, replace(question, query=query))


def documents(ranking: Ranking) -> tuple[str, ...]:
    """Return the ids of the documents of a ranking, best first."""
    return tuple(hit.passage.document_id for hit in ranking.hits)


async def _ask(pipeline: Pipeline, question: Question) -> Ranking:
    ranking = (await pipeline.ask(question)).ranking
    if ranking.degraded:  # the order would be that of another system
        raise ModelError(f"{ranking.notes[-1]} (query {question.query[:80]!r})")
    return ranking


def _answer(ranking: Ranking, query: str, memory: ScoreMemory) -> Answer:
    added = [_milliseconds(stage, ranking, query, memory) for stage in ranking.stages if stage.kind != "search"]
    return Answer(
        documents(ranking),
        retrieval_ms=sum(stage.milliseconds for stage in ranking.stages if stage.kind == "search"),
        added_ms=sum(added),
        usage=sum((stage.usage for stage in ranking.stages), NO_USAGE),
    )


def _milliseconds(stage: Stage, ranking: Ranking, query: str, memory: ScoreMemory) -> float:
    """Return what a stage would have taken without the memory, which only scores have."""
    if stage.kind == "rank":
        return stage.milliseconds
    return memory.milliseconds(stage.model, query, [hit.passage for hit in ranking.hits if stage.name in hit.scores])
