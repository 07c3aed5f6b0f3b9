"""The second stage: cut the documents that changed into passages, and put them together in groups."""

from collections import Counter
from collections.abc import AsyncIterator, Callable, Container, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import TypeVar

import anyio
from anyio import to_thread
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream

from ...core.errors import ResiftError, Unavailable
from ...core.values import Document, Passage
from ...models.lazy import Lazy
from ...models.worker_pool import WorkerPool
from ...store.collection import Collection
from ...store.fields import FILE_FACTS, FieldType
from ..held_metadata import hold_all
from ..job import Job
from ..parsing import DocumentParser, failing_alone
from ..passages.chunker import Chunker
from ..reader import FileDocument, with_structure
from ..report import Failure, IngestReport
from ..tally import Tally
from .acceptance import NO_TEXT, digest_of, failure_of
from .changes import CutDocument, Group, Incoming, Refresh
from .comparing import Comparer
from .taking import Taken

GROUP_PASSAGES = 128  # encoded and written as one: a crash loses one or two seconds of work

GROUP_ITEMS = 256  # of which nothing has to be written

PORTION_DOCUMENTS = 64  # cut at once

PORTION_CHARACTERS = 2_000_000

Given = TypeVar("Given", bound=Document)

Result = TypeVar("Result")


class Cutter:
    """Cuts the documents of a job whose digests differ from those of the stored versions."""

    def __init__(
        self,
        chunker: Lazy[Chunker],
        workers: WorkerPool,
        *,
        parser: DocumentParser,
        chunking: str,
        collection: Collection | None,
        job: Job,
    ) -> None:
        """Take what documents are cut with, and the collection, which learns their fields unless this is a dry run."""
        self._chunker = chunker
        self._workers = workers
        self._parser = parser
        self._chunking = chunking
        self._collection = collection
        self._job = job
        self._fields: Mapping[str, FieldType] = collection.manifest.fields if collection else {}

    async def run(
        self,
        receive: MemoryObjectReceiveStream[Taken],
        send: MemoryObjectSendStream[Group],
        comparer: Comparer,
        tally: Tally,
    ) -> None:
        """Send the groups that what is received makes up."""
        async with receive, send:
            group = Group()
            async for taken in receive:
                incoming, known = await comparer.compare(taken)
                async for part in self._cut(incoming, known):
                    comparer.replaced |= {change.incoming.replaces for change in part.changes}
                    await tally.cut(documents=part.items, passages=len(part.passages))
                    group += part
                    if group.size >= GROUP_PASSAGES or group.items >= GROUP_ITEMS:
                        await send.send(group)
                        group = Group()
            await send.send(group)

    async def _cut(self, incoming: Sequence[Incoming], known: Group) -> AsyncIterator[Group]:
        """Yield a group for each portion of the documents; what else is known of them comes with the last one."""
        portions = list(_portions(incoming))
        for portion in portions[:-1]:
            yield await self._cut_portion(portion)
        yield (await self._cut_portion(portions[-1]) if portions else Group()) + known

    async def _cut_portion(self, incoming: Sequence[Incoming]) -> Group:
        compared = [(each, digest_of(each.document, self._chunking)) for each in incoming]
        changed = [(each, digest) for each, digest in compared if not _is_same(each, digest)]
        same = [each for each, digest in compared if _is_same(each, digest)]
        moved = [each for each in same if each.file is not None and each.stored and each.file != each.stored.file]
        held, report = await self._hold([*(each for each, _ in changed), *moved])
        report += await self._lost([each for each, _ in changed], held, besides=report.left_out)
        changes, failures = await self._chunk(
            [
                (replace(each, document=held[each.document.id]), digest)
                for each, digest in changed
                if each.document.id in held
            ]
        )
        return Group(
            changes=tuple(changes),
            refreshes=tuple(
                Refresh(each.document.id, file=each.file, metadata=held[each.document.id].metadata)
                for each in moved
                if each.file is not None and each.document.id in held
            ),
            report=report + IngestReport(unchanged=len(same) - len(moved), failures=tuple(failures)),
        )

    async def _hold(self, incoming: Sequence[Incoming]) -> tuple[dict[str, Document], IngestReport]:
        """Return the documents with their metadata as it is stored, by their ids."""
        if not incoming:
            return {}, IngestReport()
        documents = [each.document for each in incoming]
        held, report = await hold_all(self._fields, documents, job=self._job, remember=self._remember)
        return {document.id: document for document in held}, report

    async def _remember(self, fields: Mapping[str, FieldType]) -> Mapping[str, FieldType]:
        """Store the fields in the manifest unless this is a dry run; return those of the collection."""
        if self._collection is not None and not self._job.dry_run:
            await self._collection.remember(replace(self._collection.manifest, fields=fields, chunking=self._chunking))
            fields = self._collection.manifest.fields
        self._fields = fields
        return fields

    async def _lost(
        self, changed: Sequence[Incoming], held: Mapping[str, Document], *, besides: Container[str]
    ) -> IngestReport:
        """Report the metadata that stored versions have and the documents lack, if it may have come from a caller.

        Only files that are read with other options are compared: of others, the file says what changed.
        """
        ids = [each.document.id for each in changed if _has_other_options(each) and each.document.id in held]
        if self._collection is None or not ids:
            return IngestReport()
        stored = await self._collection.fetch([Passage(id_, 0, text="").point_id(self._collection.name) for id_ in ids])
        lost = Counter(
            name
            for passage in stored.values()
            for name in passage.metadata.keys() - held[passage.document_id].metadata.keys()
            if name not in FILE_FACTS and name not in besides
        )
        return IngestReport(lost=lost)

    async def _chunk(self, changed: Sequence[tuple[Incoming, str]]) -> tuple[list[CutDocument], list[Failure]]:
        """Return the documents with their passages, or the reason why there are none."""
        if not changed:
            return [], []
        chunker = await self._chunker.get()

        def chunk(document: FileDocument | Failure) -> Sequence[Passage] | Failure:
            if isinstance(document, Failure):
                return document
            passages = _or_failure(document, chunker.chunk)
            return passages or failure_of(document, NO_TEXT)  # a page of scripts has no text

        parsed = await self._parse([incoming.document for incoming, _ in changed])
        outcomes = list(zip(changed, await self._workers.map(chunk, parsed), strict=True))
        changes = [
            CutDocument(incoming, digest, passages=outcome)
            for (incoming, digest), outcome in outcomes
            if not isinstance(outcome, Failure)
        ]
        return changes, [outcome for _, outcome in outcomes if isinstance(outcome, Failure)]

    async def _parse(self, documents: Sequence[Document]) -> list[FileDocument | Failure]:
        """Return the documents with their structure. Threads of models, which searches need, do not wait for that."""
        found: dict[int, FileDocument | Failure] = {
            place: each for place, each in enumerate(documents) if isinstance(each, FileDocument)
        }
        limit = anyio.CapacityLimiter(self._parser.max_workers)

        async def parse(place: int, document: Document) -> None:
            structured = partial(with_structure, parse=self._parser.parse)
            found[place] = await to_thread.run_sync(_or_failure, document, structured, limiter=limit)

        async with anyio.create_task_group() as group:
            for place, document in enumerate(documents):
                if place not in found:
                    group.start_soon(parse, place, document)
        return [found[place] for place in range(len(documents))]


def _or_failure(document: Given, function: Callable[[Given], Result]) -> Result | Failure:
    """Return what the function makes of a document, or why it cannot."""
    try:
        with failing_alone(document.name):
            return function(document)
    except Unavailable:
        raise
    except ResiftError as error:
        return failure_of(document, str(error))


def _is_same(incoming: Incoming, digest: str) -> bool:
    """Return whether a document is the stored one, and was cut as it would be now."""
    stored, file = incoming.stored, incoming.file
    if stored is None or stored.digest != digest:
        return False
    return file is None or stored.file is None or stored.file.options == file.options


def _has_other_options(incoming: Incoming) -> bool:
    """Return whether a file was read with other options than the stored version, such as other metadata."""
    stored = incoming.stored.file if incoming.stored else None
    return stored is not None and incoming.file is not None and stored.options != incoming.file.options


def _portions(documents: Sequence[Incoming]) -> Iterator[list[Incoming]]:
    """Yield the documents in portions of limited numbers and lengths."""
    portion, characters = list[Incoming](), 0
    for incoming in documents:
        portion.append(incoming)
        characters += len(incoming.document.text)
        if len(portion) >= PORTION_DOCUMENTS or characters >= PORTION_CHARACTERS:
            yield portion
            portion, characters = [], 0
    if portion:
        yield portion
