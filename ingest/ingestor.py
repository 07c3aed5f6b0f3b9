"""Running an ingest job: compare documents with the collection, cut and encode what changed, write it."""

import hashlib
import json
from collections import Counter
from collections.abc import Iterator, Sequence, Set
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

from ..core.errors import ResiftError, StoreError, Unavailable
from ..core.text import encodable, listed
from ..core.values import Document, Passage
from ..models.lazy import Lazy
from ..models.worker_pool import WorkerPool
from ..store.collection import Collection, Store
from ..store.fields import check_metadata, without_nulls
from ..store.filters import AnyOf
from ..store.indexing import optimize
from ..store.manifest import Manifest
from ..store.protocols import Entry, Point
from .embed import Embedder
from .files.skipping import BLANK, OTHER_NAMES
from .files.walk import is_missing_or_empty
from .held_metadata import check_fits, hold_all
from .job import Failure, IngestReport, Job, Skipped, WriteLocks, examples_of
from .parsers.registry import installed_parsers
from .parsing import DocumentParser, InlineParser, failing_alone
from .passages.chunker import Chunker
from .reader import with_structure
from .tally import Tally

NO_TEXT = (
    "The document has no text. If an earlier version of it is stored, that one is kept: delete it if you want it gone."
)

MAX_KEPT = 3  # documents of skipped files that are named in a note

BATCH_DOCUMENTS = 64  # read, compared and cut together

BATCH_PASSAGES = 128  # encoded and written together: a crash loses one or two seconds of work


@dataclass(frozen=True, slots=True)
class _Change:
    """A document to write: its digest, the entry of its stored version, and its new passages."""

    document: Document
    digest: str
    stored: Entry | None
    passages: Sequence[Passage]


class Ingestor:
    """Writes documents to collections. One job at a time writes to a collection."""

    def __init__(
        self,
        store: Store,
        embedder: Embedder,
        chunker: Lazy[Chunker],
        workers: WorkerPool,
        *,
        manifest: Manifest,
        locks: WriteLocks,
        parser: DocumentParser | None = None,
        step: int = BATCH_PASSAGES,
    ) -> None:
        self._store = store
        self._embedder = embedder
        self._chunker = chunker
        self._workers = workers
        self._manifest = manifest
        self._locks = locks
        self._parser = parser or InlineParser()
        self._step = step  # passages encoded between two reports of progress
        self.running: list[Tally] = []
        """The progress of the jobs that are being worked on."""

    async def ingest(self, job: Job) -> IngestReport:
        """Run a job to its end. Documents that fail are in the report; all others are written.

        Raises:
            IncompatibleCollection: The collection was written with other models.
            StoreError: Writing failed. Running the same job again completes it.
        """
        async with self._locks[job.collection]:
            may_drop = not self._store.is_shared and job.collection not in await self._store.names()
            collection = await self._open(job.collection)
            tally = Tally(job)
            self.running.append(tally)
            try:
                report = await self._run(collection, tally)
                if not self._store.is_shared:
                    report += await _optimize_when_due(collection, tally)
            except BaseException:
                with suppress(StoreError):  # the first error says what happened, and this one is its consequence
                    await self._finish(collection, may_drop=may_drop)
                raise
            finally:
                self.running.remove(tally)
            await self._finish(collection, may_drop=may_drop)
            return report

    async def _finish(self, collection: Collection, *, may_drop: bool) -> None:
        """Force what was written to disk. A job without any document leaves no new collection behind."""
        if may_drop and not await collection.count():
            await self._store.drop(collection.name)
        else:
            await collection.flush()

    async def _open(self, name: str) -> Collection:
        manifest = await self._embedder.sized(self._manifest)
        collection = await self._store.open(name, create=manifest)
        collection.manifest.check_writable(name)
        collection.manifest.check(name, manifest)
        return collection

    async def _run(self, collection: Collection, tally: Tally) -> IngestReport:
        """Ingest the items batch by batch, and then remove documents whose files are gone."""
        job = tally.job
        check_fits(job.metadata, collection.manifest.fields)
        await tally.start()
        parsers = await self._workers.run(installed_parsers)  # the first call imports plug-ins
        report = IngestReport(notes=parsers.problems)
        items, seen, skipped = iter(job.items), set[str](), dict[str, str]()
        while batch := await self._workers.run(_take, items, BATCH_DOCUMENTS):
            documents, rejected = _accept(batch, seen)
            seen |= {document.id for document in documents}
            skipped |= {item.source: item.kind for item in batch if isinstance(item, Skipped)}
            await tally.cut(documents=len(batch) - len(documents), passages=0)
            await tally.finished(len(batch) - len(documents))
            report += rejected + await self._write_changed(collection, documents, tally)
        report += await _prune(collection, job, seen=seen, blank={key for key in skipped if skipped[key] == BLANK})
        return report + await _note_what_stays(collection, [key for key in skipped if skipped[key] != OTHER_NAMES])

    async def _write_changed(self, collection: Collection, documents: Sequence[Document], tally: Tally) -> IngestReport:
        """Write the documents that differ from their stored versions."""
        entries = await collection.entries([document.id for document in documents])
        digests = {document.id: digest_of(document, self._manifest.chunking) for document in documents}
        changed = [each for each in documents if each.id not in entries or entries[each.id].digest != digests[each.id]]
        learned, held = await hold_all(collection, changed, job=tally.job, chunking=self._manifest.chunking)
        chunked = await self._chunk(learned)
        changes = [
            _Change(document=document, digest=digests[document.id], stored=entries.get(document.id), passages=passages)
            for document, passages in chunked
            if not isinstance(passages, Failure)
        ]
        failures = [outcome for _, outcome in chunked if isinstance(outcome, Failure)]
        await tally.cut(documents=len(documents), passages=sum(len(change.passages) for change in changes))
        await tally.finished(len(documents) - len(changes))
        report = held + IngestReport(unchanged=len(documents) - len(changed), failures=tuple(failures))
        for group in _groups(changes, BATCH_PASSAGES):
            report += await self._write(collection, group, tally)
        return report

    async def _chunk(self, documents: Sequence[Document]) -> list[tuple[Document, Sequence[Passage] | Failure]]:
        """Return each document with its passages, or with the reason why there are none."""
        chunker = await self._chunker.get()

        def chunk(document: Document) -> Sequence[Passage] | Failure:
            try:
                with failing_alone(document.source or document.id):
                    passages = chunker.chunk(with_structure(document, self._parser.parse))
                    return passages or _failure(document, NO_TEXT)  # a page of scripts has no text
            except Unavailable:
                raise
            except ResiftError as error:
                return _failure(document, str(error))

        return list(zip(documents, await self._workers.map(chunk, documents), strict=True))

    async def _write(self, collection: Collection, changes: Sequence[_Change], tally: Tally) -> IngestReport:
        """Encode and write some documents. A long document takes several steps."""
        passages = [(passage, change) for change in changes for passage in change.passages]
        points: list[Point] = []
        truncated = 0
        for start in range(0, len(passages), self._step):
            batch = passages[start : start + self._step]
            encoded, cut = await self._embedder.vectors(collection.manifest, [passage for passage, _ in batch])
            points += [
                Point(passage=passage, digest=change.digest, passages=len(change.passages), vectors=vectors)
                for (passage, change), vectors in zip(batch, encoded, strict=True)
            ]
            truncated += cut
            await tally.encoded(len(batch))
        await collection.write(points)
        await tally.finished(len(changes))
        added = sum(change.stored is None for change in changes)
        return IngestReport(added=added, updated=len(changes) - added, passages=len(points), truncated=truncated)


def digest_of(document: Document, chunking: str) -> str:
    """Return the hash of a document's content and chunking; a document is written again when it differs."""
    parts = [document.id, document.title, document.text, document.source, dict(document.metadata), chunking]
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def _take(items: Iterator[Document | Failure | Skipped], count: int) -> list[Document | Failure | Skipped]:
    return list(islice(items, count))


def _accept(batch: Sequence[Document | Failure | Skipped], seen: Set[str]) -> tuple[list[Document], IngestReport]:
    """Return the documents that can be ingested, without null metadata, and a report on all others."""
    accepted: dict[str, Document] = {}
    failures, skipped = list[Failure](), list[Skipped]()
    for item in batch:
        if isinstance(item, Failure):
            failures.append(item)
        elif isinstance(item, Skipped):
            skipped.append(item)
        elif failure := _objection(item, is_repeated=item.id in seen or item.id in accepted):
            failures.append(failure)
        else:
            accepted[item.id] = replace(item, metadata=without_nulls(item.metadata))
    counts = Counter(item.kind for item in skipped)
    report = IngestReport(failures=tuple(failures), skipped=dict(counts), examples=examples_of(skipped))
    return list(accepted.values()), report


def _objection(document: Document, *, is_repeated: bool) -> Failure | None:
    """Return why a document cannot be ingested, or None when it can."""
    if not document.text.strip():
        return _failure(document, NO_TEXT)
    if is_repeated:
        return _failure(document, f"The id {document.id!r} is used twice in this call; the first document has it.")
    try:
        with failing_alone(document.source or document.id):
            check_metadata(document.metadata)
            named = json.dumps(
                [document.id, document.title, document.source, dict(document.metadata)], ensure_ascii=False
            )
    except ResiftError as error:
        return _failure(document, str(error))
    if named != encodable(named):  # for example, a file name that is not UTF-8
        return _failure(document, "Its name, title or metadata is not valid Unicode. Rename the file or correct them.")
    return None


def _failure(document: Document, reason: str) -> Failure:
    return Failure.of(encodable(document.source or document.id), reason)


def _groups(changes: Sequence[_Change], size: int) -> Iterator[list[_Change]]:
    """Yield whole documents in groups of at least `size` passages; the last group may have fewer."""
    group: list[_Change] = []
    for change in changes:
        group.append(change)
        if sum(len(each.passages) for each in group) >= size:
            yield group
            group = []
    if group:
        yield group


async def _prune(collection: Collection, job: Job, *, seen: Set[str], blank: Set[str]) -> IngestReport:
    """Remove the documents below the job's folders whose files are missing, empty or blank."""
    if not job.prune_below:
        return IngestReport()
    below = tuple(f"{folder.as_posix().rstrip('/')}/" for folder in job.prune_below)
    entries = await collection.entries()
    unseen = [key for key, entry in entries.items() if entry.source.startswith(below) and key not in seen]
    gone = [key for key in unseen if entries[key].source in blank or is_missing_or_empty(Path(entries[key].source))]
    if gone:
        await collection.remove(AnyOf("document_id", tuple(gone)))
    return IngestReport(removed=len(gone))


async def _note_what_stays(collection: Collection, skipped: Sequence[str]) -> IngestReport:
    """Note which documents are in the collection although their files are skipped now: they became junk, say."""
    if not (kept := sorted(await collection.entries(skipped))):
        return IngestReport()
    names = listed(kept, most=MAX_KEPT)
    return IngestReport(
        notes=(f"Still in the collection, although their files are skipped now: {names}. Delete what you do not want.",)
    )


async def _optimize_when_due(collection: Collection, tally: Tally) -> IngestReport:
    """Build the collection's index when it has grown enough; a failure becomes a note."""
    storage = collection.manifest.storage
    if storage.is_due(await collection.count()):
        try:
            await optimize(collection, storage, on_status=tally.say)
        except StoreError as error:
            return IngestReport(notes=(f"The documents were ingested, but their index could not be built: {error}",))
    return IngestReport()
