"""One ingestion: compare documents with the store, cut and encode what is new, write it, report."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path

from ..core.errors import InvalidInput, StoreError
from ..core.text import encodable
from ..core.values import Document, Passage
from ..encoders.protocols import NO_EXTRA_ENCODERS, Encoder, ExtraEncoders
from ..models.deferred import Deferred
from ..models.workers import Workers
from ..store.fields import check_metadata, learn_fields, without_nulls
from ..store.filters import AnyOf
from ..store.indexing import optimize
from ..store.manifest import Manifest
from ..store.protocols import Collection, Entry, Point, Store
from .embed import Embedder
from .job import Failure, IngestReport, Job
from .passages.chunker import Cutter
from .removal import WriteLocks
from .walk import is_gone_or_empty

NO_TEXT = "The document has no text. If an earlier version of it is stored, that stays: delete_documents removes it."

BATCH_DOCUMENTS = 64  # read, compared and cut together

BATCH_PASSAGES = 128  # encoded and written together: one or two seconds of work lost by a crash


@dataclass(slots=True)
class _Tally:
    """The growing report of a running job."""

    added: int = 0
    updated: int = 0
    unchanged: int = 0
    removed: int = 0
    passages: int = 0
    truncated: int = 0
    failures: list[Failure] = field(default_factory=list[Failure])
    notes: list[str] = field(default_factory=list[str])
    seen: set[str] = field(default_factory=set[str])

    @property
    def done(self) -> int:
        return self.added + self.updated + self.unchanged + len(self.failures)

    def report(self) -> IngestReport:
        return IngestReport(
            added=self.added,
            updated=self.updated,
            unchanged=self.unchanged,
            removed=self.removed,
            passages=self.passages,
            truncated=self.truncated,
            failures=tuple(self.failures),
            notes=tuple(self.notes),
        )


@dataclass(frozen=True, slots=True)
class _Change:
    document: Document
    digest: str
    before: Entry | None
    passages: Sequence[Passage]


class Ingestor:
    """Brings documents into collections; one job at a time writes to a collection."""

    def __init__(
        self,
        store: Store,
        encoder: Encoder,
        cutter: Deferred[Cutter],
        workers: Workers,
        *,
        manifest: Manifest,
        locks: WriteLocks,
        extra_encoders: ExtraEncoders = NO_EXTRA_ENCODERS,
    ) -> None:
        self._store = store
        self._embedder = Embedder(encoder, extra_encoders)
        self._cutter = cutter
        self._workers = workers
        self._manifest = manifest
        self._locks = locks

    async def ingest(self, job: Job) -> IngestReport:
        """Run a job to its end; what could not be taken is in the report, the rest is written.

        Raises:
            IncompatibleCollection: When the collection was written with other models.
            StoreError: When writing failed; running the same job again completes it.
        """
        async with self._locks[job.collection]:
            manifest = await self._embedder.sized(self._manifest)
            is_ours = not self._store.is_shared and job.collection not in await self._store.names()
            collection = await self._store.open(job.collection, create=manifest)
            collection.manifest.check_writable(job.collection)
            collection.manifest.check(job.collection, manifest)
            tally, items = _Tally(), iter(job.items)
            try:
                while batch := await self._workers.run(_take, items, BATCH_DOCUMENTS):
                    documents = _accept(batch, tally)
                    await self._write_changed(collection, documents, job, tally)
                await self._prune(collection, job, tally)
                if not self._store.is_shared:
                    await _optimize_when_due(collection, job, tally)
            finally:
                await collection.flush()
                if is_ours and not await collection.count():
                    await self._store.drop(job.collection)  # nothing came in: leave no empty collection behind
            return tally.report()

    async def _write_changed(
        self, collection: Collection, documents: Sequence[Document], job: Job, tally: _Tally
    ) -> None:
        entries = await collection.entries([document.id for document in documents])
        digests = {document.id: digest_of(document, self._manifest.chunking) for document in documents}
        changed = [each for each in documents if each.id not in entries or entries[each.id].digest != digests[each.id]]
        tally.unchanged += len(documents) - len(changed)
        changed = await self._learn(collection, changed, tally)
        cutter = await self._cutter.get()
        cuts = await self._workers.map(cutter.cut, changed)
        changes: list[_Change] = []
        for document, passages in zip(changed, cuts, strict=True):
            if passages:
                changes.append(
                    _Change(document, digests[document.id], before=entries.get(document.id), passages=passages)
                )
            else:  # a page of nothing but scripts, for one
                tally.failures.append(Failure(document.source or document.id, NO_TEXT))
        for group in _groups(changes, BATCH_PASSAGES):
            await self._write(collection, group, job, tally)
            await _report(job, tally)
        await _report(job, tally)

    async def _learn(self, collection: Collection, documents: Sequence[Document], tally: _Tally) -> list[Document]:
        """Add the documents' metadata fields to the collection's; return the documents for which there was room."""
        fields, learned = dict(collection.manifest.fields), list[Document]()
        for document in documents:
            try:
                fields = learn_fields(fields, document.metadata)
                learned.append(document)
            except InvalidInput as error:
                tally.failures.append(Failure(document.source or document.id, str(error)))
        await collection.remember(replace(collection.manifest, fields=fields, chunking=self._manifest.chunking))
        return learned

    async def _write(self, collection: Collection, changes: Sequence[_Change], job: Job, tally: _Tally) -> None:
        points, truncated = await self._points(collection, changes, job, tally)
        await collection.write(points)
        tally.added += sum(change.before is None for change in changes)
        tally.updated += sum(change.before is not None for change in changes)
        tally.passages += len(points)
        tally.truncated += truncated

    async def _points(
        self, collection: Collection, changes: Sequence[_Change], job: Job, tally: _Tally
    ) -> tuple[list[Point], int]:
        passages = [(passage, change) for change in changes for passage in change.passages]
        points: list[Point] = []
        truncated = 0
        for start in range(0, len(passages), BATCH_PASSAGES):  # a long document must not keep silent until its end
            batch = passages[start : start + BATCH_PASSAGES]
            made, cut = await self._embedder.vectors(collection.manifest, [passage for passage, _ in batch])
            points += [
                Point(passage, change.digest, passages=len(change.passages), vectors=vectors)
                for (passage, change), vectors in zip(batch, made, strict=True)
            ]
            truncated += cut
            await _report(job, tally, begun=len(changes) * len(points) / len(passages))
        return points, truncated

    async def _prune(self, collection: Collection, job: Job, tally: _Tally) -> None:
        if not job.prune_below:
            return
        below = tuple(f"{folder.as_posix().rstrip('/')}/" for folder in job.prune_below)
        entries = await collection.entries()
        unseen = [key for key, entry in entries.items() if entry.source.startswith(below) and key not in tally.seen]
        gone = [key for key in unseen if is_gone_or_empty(Path(entries[key].source))]
        if gone:
            await collection.remove(AnyOf("document_id", tuple(gone)))
        tally.removed += len(gone)


def digest_of(document: Document, chunking: str) -> str:
    """Return the hash that tells whether a document has to be written again: of all it says and how it is cut."""
    parts = [document.id, document.title, document.text, document.source, dict(document.metadata), chunking]
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def _take(items: Iterator[Document | Failure], most: int) -> list[Document | Failure]:
    return list(islice(items, most))


def _accept(batch: Sequence[Document | Failure], tally: _Tally) -> list[Document]:
    accepted: list[Document] = []
    for item in batch:
        failure = item if isinstance(item, Failure) else _objection(item, tally.seen)
        if failure is not None:
            tally.failures.append(failure)
        elif isinstance(item, Document):
            tally.seen.add(item.id)
            accepted.append(replace(item, metadata=without_nulls(item.metadata)))
    return accepted


def _objection(document: Document, seen: set[str]) -> Failure | None:
    source = document.source or document.id
    if not document.text.strip():
        return Failure(source, NO_TEXT)
    if document.id in seen:
        return Failure(source, f"The id {document.id!r} was given twice in one call; the first document has it.")
    try:
        check_metadata(document.metadata)
        json.dumps([document.id, document.title, document.source, dict(document.metadata)], ensure_ascii=False).encode()
    except InvalidInput as error:
        return Failure(source, str(error))
    except UnicodeEncodeError:  # a file name that is not UTF-8, for one
        return Failure(
            encodable(source), "Its name, title or metadata is not valid Unicode. Rename it, or correct them."
        )
    return None


def _groups(changes: Sequence[_Change], size: int) -> Iterator[list[_Change]]:
    """Yield whole documents in groups of at least `size` passages, but the last."""
    group: list[_Change] = []
    for change in changes:
        group.append(change)
        if sum(len(each.passages) for each in group) >= size:
            yield group
            group = []
    if group:
        yield group


async def _optimize_when_due(collection: Collection, job: Job, tally: _Tally) -> None:
    async def say(message: str) -> None:
        if job.progress is not None:
            await job.progress(tally.done, job.total, message)

    storage = collection.manifest.storage
    if storage.is_due(await collection.count()):
        try:
            await optimize(collection, storage, say=say)
        except StoreError as error:
            tally.notes.append(f"The documents are in; their index could not be built: {error}")


async def _report(job: Job, tally: _Tally, *, begun: float = 0.0) -> None:
    if job.progress is not None:
        await job.progress(tally.done + begun, job.total, f"{tally.passages:,} passages written")
