"""Reading a collection from JSON Lines: documents that are there already are skipped, the others encoded."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from ...core.errors import InvalidInput, NotFound
from ...core.values import Passage
from ...store.collection import Collection, Store
from ...store.fields import FieldType, check_number
from ...store.indexing import optimize
from ...store.manifest import Manifest
from ...store.protocols import Point
from ..embed import Embedder
from ..job import WriteLocks
from ..known_vectors import KnownVectors
from ..report import Progress
from .exported_lines import DocumentLine, Head, read_head, read_line

PASSAGES_AT_ONCE = 128


@dataclass(frozen=True, slots=True)
class Imported:
    """What was read, and into which collection."""

    collection: str
    documents: int
    unchanged: int
    passages: int
    """Of the documents that were written."""
    truncated: int = 0
    """Passages longer than the encoder's window."""


@dataclass(frozen=True, slots=True)
class LineSource:
    """A file of lines and its name for messages."""

    name: str
    lines: Iterable[bytes]


class Importer:
    """Writes exported collections into a store, with the encoder that is configured now."""

    def __init__(self, store: Store, embedder: Embedder, manifest: Manifest, *, locks: WriteLocks) -> None:
        self._store = store
        self._embedder = embedder
        self._manifest = manifest
        self._locks = locks

    async def run(self, source: LineSource, *, name: str = "", progress: Progress | None = None) -> Imported:
        """Import a file into the collection `name`, or of the name that it had. Documents only there are kept.

        An interrupted import can be repeated: what is stored already is not encoded again. Jobs that write to the
        same collection are waited for.

        Raises:
            InvalidInput: A line is damaged, or the collection holds other types in a field. What came before is stored.
            IncompatibleCollection: The collection has vectors of another encoder.
        """
        lines = iter(source.lines)
        head = read_head(next(lines, b""), f"Line 1 of {source.name}")
        name = name or head.collection
        async with self._locks[name]:
            collection = await self._open(name, head)
            documents = _documents(lines, source.name)
            done = await self._write_all(collection, documents, head=head, source=source, progress=progress)
            if not self._store.is_shared and collection.manifest.storage.is_due(await collection.count()):
                await optimize(collection, collection.manifest.storage, on_status=_ignore)
        return done

    async def _write_all(
        self,
        collection: Collection,
        documents: Iterator[DocumentLine],
        *,
        head: Head,
        source: LineSource,
        progress: Progress | None,
    ) -> Imported:
        done = Imported(collection.name, documents=0, unchanged=0, passages=0)
        seen = 0
        try:
            for batch in _batches(documents):
                done = await self._write(collection, batch, done)
                seen += len(batch)
                if progress is not None:
                    await progress(seen, head.documents, f"Imported {seen:,} of {head.documents:,} documents")
        finally:
            await collection.flush()
        if seen != head.documents:
            raise InvalidInput(
                f"{source.name} ends after {seen:,} of {head.documents:,} documents, which are stored. It was cut off: "
                "export again, and import the whole file."
            )
        return done

    async def _open(self, name: str, head: Head) -> Collection:
        manifest = await self._embedder.sized(self._manifest)
        try:
            collection = await self._store.open(name)
        except NotFound:
            _fields({}, head, name)  # a file that cannot be imported leaves no collection behind
            collection = await self._store.open(name, create=replace(manifest, chunking=head.chunking))
        collection.manifest.check_writable(name)
        collection.manifest.check(name, manifest)
        collection.manifest.check_purpose(name, evaluation=False)
        await collection.remember(replace(collection.manifest, fields=_fields(collection.manifest.fields, head, name)))
        return collection

    async def _write(self, collection: Collection, batch: Sequence[DocumentLine], done: Imported) -> Imported:
        entries = await collection.entries([line.id for line in batch])
        changed = [line for line in batch if entries.get(line.id) != line.entry]
        passages = [(line, passage) for line in changed for passage in line.to_passages()]
        points, truncated = list[Point](), 0
        for start in range(0, len(passages), PASSAGES_AT_ONCE):
            part = passages[start : start + PASSAGES_AT_ONCE]
            texts: list[Passage] = [passage for _, passage in part]
            vectors, cut = await self._embedder.vectors(collection.manifest, texts, known=KnownVectors())
            points += [line.to_point(each, vector) for (line, each), vector in zip(part, vectors, strict=True)]
            truncated += cut
        await collection.write(points)
        return replace(
            done,
            documents=done.documents + len(changed),
            unchanged=done.unchanged + len(batch) - len(changed),
            passages=done.passages + len(points),
            truncated=done.truncated + truncated,
        )


def _fields(held: Mapping[str, FieldType], head: Head, collection: str) -> dict[str, FieldType]:
    """Return the metadata fields of both, or refuse a field that has another type in the collection."""
    fields = dict(held)
    for name, kind in head.fields.items():
        before = fields.setdefault(name, kind)
        if {before, kind} == {"integer", "number"}:
            fields[name] = "number"
        elif before not in (kind, "mixed"):
            raise InvalidInput(
                f"Field {name!r} holds {before} values in collection {collection!r}, and {kind} values in the "
                "file. Import it into another collection with -c NAME. Nothing was imported."
            )
    check_number(fields)
    return fields


def _documents(lines: Iterator[bytes], name: str) -> Iterator[DocumentLine]:
    seen = set[str]()
    for number, data in enumerate(lines, start=2):
        if not data.strip():
            continue
        place = f"Line {number:,} of {name}"
        line = read_line(data, place)
        if line.id in seen:
            raise InvalidInput(f"{place}: the document {line.id!r} came before. Leave one of them out.")
        seen.add(line.id)
        yield line


def _batches(documents: Iterator[DocumentLine]) -> Iterator[list[DocumentLine]]:
    """Yield documents in batches of about `PASSAGES_AT_ONCE` passages; those before a damaged line come first."""
    batch, passages = list[DocumentLine](), 0
    problem: InvalidInput | None = None
    while problem is None:
        try:
            line = next(documents, None)
        except InvalidInput as error:
            line, problem = None, error
        if line is not None:
            batch.append(line)
            passages += len(line.passages)
        if batch and (line is None or passages >= PASSAGES_AT_ONCE):
            yield batch
            batch, passages = [], 0
        if line is None:
            break
    if problem is not None:
        raise problem


async def _ignore(_: str) -> None:
    """Ignore the progress of the index."""
