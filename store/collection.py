"""Collections and stores: documents as points in an engine, written so that a crash loses none of them."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Protocol, TypeVar, cast
from uuid import UUID

import anyio

from ..core.errors import InvalidInput
from ..core.values import Passage
from ..core.vectors import AnyVector, check_vectors, read_vector, spec_of
from .conditions import index_path
from .fields import BUILT_IN_FIELDS
from .filters import FIRST_PASSAGES, All, AnyOf, Condition
from .index_options import IndexOptions
from .manifest import Manifest
from .points import ENTRY_KEYS, batches, first_passages_of, older_than, to_entry, to_passage
from .protocols import Entry, Leg, Point, StatusCallback, StoredPoint, VectorEngine
from .queries import options_for

IDS_PER_FILTER = 1000

FACETED_TYPES = ("keyword", "integer", "boolean")

SAMPLE_SIZE = 1_000  # passages: one page

T = TypeVar("T")


class Collection:
    """An open collection: the part that is the same for every engine."""

    def __init__(self, name: str, manifest: Manifest, engine: VectorEngine) -> None:
        self.name = name
        self.manifest = manifest
        self._engine = engine

    async def search(self, legs: Sequence[Leg], *, where: Condition | None = None) -> list[list[tuple[UUID, float]]]:
        """Run the legs as one batch; return (point id, score) for each leg, best first."""
        return await self._engine.search(legs, where=where, options=options_for(self.manifest.storage, where))

    async def fetch(self, ids: Sequence[UUID]) -> dict[UUID, Passage]:
        """Return the passages that exist among `ids`."""
        return {stored.key: self._passage(stored) for stored in await self._engine.retrieve(ids)}

    async def fetch_vectors(self, ids: Sequence[UUID], name: str) -> dict[UUID, AnyVector]:
        """Return the named vector of those points among `ids` that have it; dense ones are scaled to length 1.

        Raises:
            InvalidInput: The collection has no vector of that name.
        """
        spec_of(self.manifest.vectors, name)
        stored = await self._engine.retrieve(ids, vectors=[self._vector_names()[name]])
        found = {each.key: self._vectors(each) for each in stored}
        return {key: vectors[name] for key, vectors in found.items() if name in vectors}

    async def read(self, document_ids: Sequence[str]) -> list[Point]:
        """Return every passage of these documents with its vectors, in no particular order."""
        where = AnyOf("document_id", tuple(document_ids))
        return [self._point(stored) async for stored in self._scroll(where, keys=None)]

    async def count(self, where: Condition | None = None) -> int:
        """Return the number of passages."""
        return await self._engine.count(where)

    async def facet(self, field: str, *, limit: int) -> list[tuple[str | int | bool, int]]:
        """Return the most common values of a keyword, integer or boolean field; nothing for other types."""
        kind = self.manifest.fields.get(field)
        if kind not in FACETED_TYPES:
            return []
        found = await self._engine.facet(index_path(field, kind), limit=limit)
        return [(value == "true" if kind == "boolean" else value, count) for value, count in found]

    async def sample(self, field: str, where: Condition | None = None, *, passages: int = SAMPLE_SIZE) -> list[Any]:
        """Return the values of a metadata or built-in field in some passages that meet a condition.

        The items of a list are values of their own; passages without the field have none.
        """
        key = field if field in BUILT_IN_FIELDS else "metadata"
        stored = [each.payload async for each in self._first(passages, where, keys=[key])]
        return flattened((payload if key == field else payload.get(key, {})).get(field) for payload in stored)

    async def paths(self, field: str, *, documents: int) -> list[str]:
        """Return the sources or ids of some documents, without repeats."""
        found = await self.sample(field, FIRST_PASSAGES, passages=documents)
        return list(dict.fromkeys(map(str, found)))

    async def documents(self) -> int | None:
        """Return the number of documents held completely; None where counting them would take too long."""
        return await self.count(FIRST_PASSAGES)

    def point_of(self, passage_id: str) -> UUID:
        """Return the point id of a passage, whether the passage exists or not.

        Raises:
            InvalidInput: The id does not have the form `<document id>#<number>`.
        """
        document_id, _, ordinal = passage_id.rpartition("#")
        if not document_id or not ordinal.isdecimal():
            raise InvalidInput(
                f"{passage_id!r} is not a passage id. Passage ids look like 'docs/setup.md#3'. Take one from a hit."
            )
        return Passage(document_id, int(ordinal), text="").point_id(self.name)

    async def points_in(self, document_id: str) -> list[UUID]:
        """Return the point ids of a document's passages in their order; none if the document is not held."""
        entries = await self.entries([document_id])
        total = entries[document_id].passages if document_id in entries else 0
        return [Passage(document_id, ordinal, text="").point_id(self.name) for ordinal in range(total)]

    async def entries(self, document_ids: Sequence[str] | None = None) -> dict[str, Entry]:
        """Return the documents held completely, by id: those named, or all."""
        found: dict[str, Entry] = {}
        for named in named_documents(document_ids):
            where = All((FIRST_PASSAGES, named) if named else (FIRST_PASSAGES,))
            async for stored in self._scroll(where, keys=ENTRY_KEYS):
                found[stored.payload["document_id"]] = to_entry(stored.payload)
        return found

    async def write(self, points: Sequence[Point]) -> None:
        """Write whole documents, and remove what is left of their older versions.

        A document counts as held only once its first passage, written last, is there. Until then the first passage of
        an older version has no digest, so no version counts as unchanged. A crash therefore leaves each document with
        its old entry or its new one. A cancellation comes before or after all of it.

        Raises:
            InvalidInput: A vector does not fit the collection; nothing is written.
            StoreError: The collection was adopted, or too little disk space is left.
        """
        self.manifest.check_writable(self.name)
        if not points:
            return
        for point in points:
            check_vectors(point.vectors, self.manifest.vectors, owner=point.passage.id)
        await self._engine.check_space(points)
        with anyio.CancelScope(shield=True):  # whoever is cancelled meanwhile leaves whole documents
            await self._engine.set_payload(first_passages_of(points), {"digest": ""})
            await self._upsert([point for point in points if point.passage.ordinal != 0])
            await self._engine.delete(older_than(points))
            await self._upsert([point for point in points if point.passage.ordinal == 0])

    async def remove(self, where: Condition) -> int:
        """Remove the passages that meet the condition; return how many there were."""
        self.manifest.check_writable(self.name)
        count = await self.count(where)
        if count:
            await self._engine.delete(where)
        return count

    async def set_payload(self, where: Condition, values: Mapping[str, Any]) -> None:
        """Set these payload keys of the passages that meet the condition."""
        self.manifest.check_writable(self.name)
        await self._engine.set_payload(where, values)

    async def remember(self, manifest: Manifest) -> None:
        """Store a new manifest, and index the metadata fields it adds."""
        if manifest != self.manifest:
            self.manifest = await self._engine.store_manifest(manifest, before=self.manifest)

    async def optimize(self, storage: IndexOptions, *, on_status: StatusCallback) -> None:
        """Build the index that `storage` describes and record it in the manifest; searches are served meanwhile.

        The caller makes sure that nobody writes until this returns.
        """
        self.manifest.check_writable(self.name)
        wanted = replace(self.manifest, storage=replace(storage, indexed=await self.count()))
        await self._engine.build_index(wanted, on_status=on_status)
        await self.remember(wanted)

    async def flush(self) -> None:
        """Force everything written so far to disk. Call it once per job: it waits for the disk."""
        await self._engine.flush()

    def _passage(self, stored: StoredPoint) -> Passage:
        return to_passage(stored.payload)

    def _point(self, stored: StoredPoint) -> Point:
        payload = stored.payload
        return Point(
            passage=self._passage(stored),
            digest=payload["digest"],
            passages=payload["passages"],
            vectors=self._vectors(stored),
            file=to_entry(payload).file,
        )

    def _vector_names(self) -> Mapping[str, str]:
        """Return the engine's names of the vectors, by the names in the manifest."""
        return {name: name for name in self.manifest.vectors}

    def _vectors(self, stored: StoredPoint) -> dict[str, AnyVector]:
        specs = self.manifest.vectors
        return {
            name: read_vector(stored.vectors[theirs], specs[name].kind)
            for name, theirs in self._vector_names().items()
            if theirs in stored.vectors and name in specs
        }

    def _scroll(self, where: Condition | None, *, keys: Sequence[str] | None) -> AsyncIterator[StoredPoint]:
        return all_pages(lambda offset: self._engine.scroll(where, keys=keys, offset=offset))

    async def _first(self, most: int, where: Condition | None, *, keys: Sequence[str]) -> AsyncIterator[StoredPoint]:
        """Yield at most so many points, by id."""
        count = 0
        async for stored in self._scroll(where, keys=keys):
            if count == most:
                return
            count += 1
            yield stored

    async def _upsert(self, points: Sequence[Point]) -> None:
        for batch in batches(points):
            await self._engine.upsert(batch)


def flattened(values: Iterable[Any]) -> list[Any]:
    """Return the values, and in place of lists their items, without nulls."""
    items = [cast("list[Any]", value) if isinstance(value, list) else [value] for value in values]
    return [item for each in items for item in each if item is not None]


async def all_pages(page: Callable[[Any], Awaitable[tuple[Sequence[T], Any]]]) -> AsyncIterator[T]:
    """Yield the records of every page; `page` takes an offset and returns the offset of the next page, or None."""
    offset: Any = None
    while True:
        records, offset = await page(offset)
        for record in records:
            yield record
        if offset is None:
            return


def named_documents(document_ids: Sequence[str] | None) -> list[Condition | None]:
    """Return conditions that together select these documents, each short enough for one request; [None] for all."""
    if document_ids is None:
        return [None]
    starts = range(0, len(document_ids), IDS_PER_FILTER)
    return [AnyOf("document_id", tuple(document_ids[start : start + IDS_PER_FILTER])) for start in starts]


class Store(Protocol):
    """Collections by name."""

    @property
    def is_shared(self) -> bool:
        """Return whether other processes may write to it at the same time; such a store indexes by itself."""
        ...

    async def names(self) -> list[str]:
        """Return the names of all collections, sorted."""
        ...

    async def open(self, name: str, *, create: Manifest | None = None) -> Collection:
        """Return the collection; if there is none, create it with the manifest `create`.

        Raises:
            NotFound: There is no such collection, and `create` is None.
            StoreBusy: Another process holds the data directory.
        """
        ...

    async def drop(self, name: str) -> None:
        """Delete a collection and everything in it."""
        ...

    async def close(self) -> None:
        """Write everything to disk and close all collections."""
        ...
