"""The collection that an evaluation searches: filled from a judged set, or there already."""

from collections.abc import Sequence
from dataclasses import dataclass

from ..core.errors import InvalidInput
from ..ingest.ingestor import Ingestor
from ..ingest.job import Job
from ..ingest.removal import Remover
from ..ingest.report import Failure, IngestReport, Progress
from ..pipeline.search import Pipeline
from .judged import JudgedSet


@dataclass(frozen=True, slots=True)
class Corpus:
    """A collection, how many documents it holds, and which could not be ingested."""

    collection: str
    documents: int
    failures: Sequence[Failure] = ()


async def prepare_corpus(
    judged: JudgedSet,
    collection: str,
    *,
    pipeline: Pipeline,
    ingestor: Ingestor,
    remover: Remover,
    progress: Progress | None = None,
) -> Corpus:
    """Return the corpus of a judged set: its own documents once ingested, or those of `collection`.

    Raises:
        NotFound: There is no such collection.
        InvalidInput: A document listed as relevant is not in the collection.
    """
    if not judged.has_documents:
        return Corpus(collection, await count_documents(judged, collection, pipeline=pipeline))
    report = await ingest_documents(judged, pipeline=pipeline, ingestor=ingestor, remover=remover, progress=progress)
    return Corpus(judged.name, len(judged.documents), report.failures)


async def ingest_documents(
    judged: JudgedSet, *, pipeline: Pipeline, ingestor: Ingestor, remover: Remover, progress: Progress | None = None
) -> IngestReport:
    """Make the collection named after the set hold exactly its documents."""
    documents = judged.documents
    report = await ingestor.ingest(Job(judged.name, documents, total=len(documents), progress=progress))
    stored = await (await pipeline.open(judged.name)).entries()
    if stale := sorted(stored.keys() - {document.id for document in documents}):
        await remover.remove(judged.name, document_ids=stale, filter_={})
    return report


async def count_documents(judged: JudgedSet, collection: str, *, pipeline: Pipeline) -> int:
    """Return how many documents the collection holds.

    Raises:
        InvalidInput: A document listed as relevant is not among them; the message names the query.
    """
    stored = await (await pipeline.open(collection)).entries()
    for key, grades in judged.grades.items():
        for document in grades:
            if document not in stored:
                raise InvalidInput(
                    f"{judged.name}:{key}: collection {collection!r} has no document {document!r}. List document "
                    "ids, as in `document_id` of a search result, not passage ids."
                )
    return len(stored)
