"""Writing a collection as JSON Lines, a few documents at a time."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ... import __version__
from ...core.errors import StoreError
from ...core.values import Passage
from ...store.collection import Collection
from ...store.protocols import Entry
from ..copying import document_batches
from ..job import WriteLocks
from ..report import Progress
from .exported_lines import Head, dump, line_of

PASSAGES_AT_ONCE = 256


@dataclass(frozen=True, slots=True)
class ExportedCounts:
    """How much was written."""

    documents: int
    passages: int


async def export_collection(
    collection: Collection, write: Callable[[bytes], object], *, locks: WriteLocks, progress: Progress | None = None
) -> ExportedCounts:
    """Write a collection line by line, its documents in the order of their ids. Equal collections give equal bytes.

    Jobs that write to the collection are waited for, and wait meanwhile.

    Raises:
        StoreError: The collection was adopted, or it was changed meanwhile.
    """
    manifest = collection.manifest
    if manifest.adopted is not None:
        raise StoreError(
            f"Collection {collection.name!r} was not made by Resift, so it has no record of its documents to export. "
            "Export it with the program that made it, or with Qdrant's snapshots."
        )
    async with locks[collection.name]:
        return await _export(collection, write, progress)


async def _export(
    collection: Collection, write: Callable[[bytes], object], progress: Progress | None
) -> ExportedCounts:
    manifest = collection.manifest
    entries = await collection.entries()
    passages = sum(entry.passages for entry in entries.values())
    head = Head(
        made_by=f"resift {__version__}",
        collection=collection.name,
        documents=len(entries),
        passages=passages,
        chunking=manifest.chunking,
        encoder=manifest.encoder,
        fields=manifest.fields,
    )
    write(dump(head))
    done = 0
    for batch in document_batches(entries, passages=PASSAGES_AT_ONCE):
        found = await _passages(collection, {id_: entries[id_].passages for id_ in batch})
        for id_ in batch:
            write(dump(line_of(_complete(found[id_], entries[id_], id_, collection.name), entries[id_])))
        done += len(batch)
        if progress is not None:
            await progress(done, len(entries), f"Exported {done:,} of {len(entries):,} documents")
    return ExportedCounts(len(entries), passages=passages)


async def _passages(collection: Collection, counts: dict[str, int]) -> dict[str, list[Passage]]:
    """Return the passages of documents in their order, without vectors."""
    points = [
        Passage(id_, ordinal, text="").point_id(collection.name)
        for id_, count in counts.items()
        for ordinal in range(count)
    ]
    found: dict[str, list[Passage]] = defaultdict(list)
    for start in range(0, len(points), PASSAGES_AT_ONCE):
        for passage in (await collection.fetch(points[start : start + PASSAGES_AT_ONCE])).values():
            found[passage.document_id].append(passage)
    return {id_: sorted(found[id_], key=lambda passage: passage.ordinal) for id_ in counts}


def _complete(passages: Sequence[Passage], entry: Entry, id_: str, collection: str) -> Sequence[Passage]:
    if len(passages) != entry.passages:
        raise StoreError(
            f"Document {id_!r} of collection {collection!r} has {len(passages)} of {entry.passages} passages: it was "
            "changed meanwhile, or an ingestion was interrupted. Ingest it again, then export."
        )
    return passages
