"""The collection that an evaluation searches: filled from a judged set, or there already."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from ..core.errors import InvalidInput, NotFound
from ..ingest.ingestor import Ingestor
from ..ingest.job import Job
from ..ingest.removal import Remover
from ..ingest.report import Failure, IngestReport, Progress
from ..pipeline.search import Pipeline
from ..search.named_documents import find_documents
from ..search.relative_paths import RelativePaths
from ..store.collection import Collection
from .judged import JudgedSet, answered_by_own_documents


@dataclass(frozen=True, slots=True)
class Corpus:
    """A collection, how many documents it holds, and which could not be ingested."""

    collection: str
    judged: JudgedSet
    """The judged set, whose relevant documents have the ids that are stored, without queries that none answers."""
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
    """Return the corpus of a judged set: the documents of `collection`, once those of the set are ingested into it.

    Raises:
        NotFound: There is no such collection, and the set has no documents.
        InvalidInput: A document listed as relevant is not in the collection, the collection is not one to ingest the
            set's documents into, or none of them answers a query.
    """
    if not judged.has_documents:
        opened = await pipeline.open(collection)
        named = await as_stored(judged, opened, pipeline.paths)
        return Corpus(collection=collection, judged=named, documents=await count_documents(named, opened))
    judged = answered_by_own_documents(judged)
    report = await ingest_documents(
        judged, pipeline=pipeline, ingestor=ingestor, remover=remover, collection=collection, progress=progress
    )
    return Corpus(collection=collection, judged=judged, documents=len(judged.documents), failures=report.failures)


async def ingest_documents(
    judged: JudgedSet,
    *,
    pipeline: Pipeline,
    ingestor: Ingestor,
    remover: Remover,
    collection: str = "",
    progress: Progress | None = None,
) -> IngestReport:
    """Make a collection, by default the one named after the set, hold exactly the documents of the set.

    Only a collection that an evaluation made is changed, and made again if it has other models or settings than those
    in use. Any other is used as it is if it holds just these documents.

    Raises:
        InvalidInput: No evaluation made the collection, and it holds other documents.
    """
    name = collection or judged.name
    is_ours = await _is_ours(name, ingestor)
    if is_ours and await _is_outdated(name, ingestor):
        await remover.drop(name)
    job = Job(name, judged.documents, total=len(judged.documents), evaluation=True, dry_run=not is_ours)
    report = await ingestor.ingest(replace(job, progress=progress))
    opened = await pipeline.open(name)
    stale = sorted((await opened.entries()).keys() - {document.id for document in judged.documents})
    if report.added or report.updated or stale:
        opened.manifest.check_purpose(name, evaluation=True)
    if stale:
        await remover.remove(name, document_ids=stale, filter_={})
    return report


async def _is_ours(name: str, ingestor: Ingestor) -> bool:
    """Return whether an evaluation made the collection, or may make it now."""
    try:
        return (await ingestor.manifest_of(name)).evaluation
    except NotFound:
        return True


async def _is_outdated(name: str, ingestor: Ingestor) -> bool:
    """Return whether the collection was made with other models or settings than a new one would be."""
    try:
        stored = await ingestor.manifest_of(name)
    except NotFound:
        return False
    return not stored.is_made_like(await ingestor.new_manifest())


async def as_stored(judged: JudgedSet, collection: Collection, paths: RelativePaths) -> JudgedSet:
    """Return the set with the ids that are stored for documents that it names as tools and commands show them.

    Names that no document has stay as they are.

    Raises:
        InvalidInput: A name stands for several documents; the message names them.
    """
    names = sorted({name for grades in judged.grades.values() for name in grades})
    ids = {name: found.id for name, found in (await find_documents(collection, paths, names)).items()}
    return replace(judged, grades={key: _renamed(grades, ids) for key, grades in judged.grades.items()})


def _renamed(grades: Mapping[str, int], ids: Mapping[str, str]) -> dict[str, int]:
    """Return the grades by stored id; of two names for one document, the higher grade counts."""
    renamed = dict[str, int]()
    for name, grade in grades.items():
        document = ids.get(name, name)
        renamed[document] = max(grade, renamed.get(document, grade))
    return renamed


async def count_documents(judged: JudgedSet, collection: Collection) -> int:
    """Return how many documents the collection holds.

    Raises:
        InvalidInput: A document listed as relevant is not among them; the message names the query.
    """
    stored = await collection.entries()
    for key, grades in judged.grades.items():
        for document in grades:
            if document not in stored:
                raise InvalidInput(
                    f"{judged.name}:{key}: collection {collection.name!r} has no document {document!r}. List document "
                    "ids, as in `document_id` of a search result, not passage ids."
                )
    return len(stored)
