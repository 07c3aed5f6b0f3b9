"""One collection at a Qdrant server."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from uuid import UUID

from anyio import fail_after, sleep

from ...core.errors import StoreError
from ...core.values import Passage, id_of
from ...core.vectors import AnyVector, read_vector, spec_of
from ..conditions import index_path
from ..fields import FieldType, widen
from ..filters import FIRST_PASSAGES, All, AnyOf, Condition
from ..index_options import IndexOptions
from ..manifest import Manifest
from ..points import ENTRY_KEYS, batches, from_payload, marks_of, older_than, point_of, points_in, to_entry, to_passage
from ..protocols import Entry, Leg, Point, Say, check_points
from ..queries import suited
from .connection import QdrantConnection
from .layout import vector_changes
from .manifests import keep_manifest_of, read_manifest_of
from .payload_index import Indexes
from .wire import PAGE, PAGE_WHOLE, compile_condition, scroll, to_id, to_point, to_query

if TYPE_CHECKING:
    from qdrant_client.models import Filter, Record


LOOK_AGAIN_S = 1.0  # while the server builds an index

INDEX_WITHIN_S = 4 * 3600.0  # grey, when its optimizers wait for a write, would never end


class QdrantCollection:
    """A collection and its manifest; see the protocols in `store` for what the methods promise.

    Every write waits until it is applied, and every request may be sent twice: points are known by their ids, and
    removals by conditions.
    """

    def __init__(self, name: str, manifest: Manifest, connection: QdrantConnection) -> None:
        self.name = name
        self.manifest = manifest
        self._connection = connection
        self._indexes = Indexes(name, connection)

    async def search(self, legs: Sequence[Leg], *, where: Condition | None = None) -> list[list[tuple[UUID, float]]]:
        """Run the legs as one batch."""
        if where is not None:
            await self._indexes.index_words(where)
        condition = _compiled(where)
        requests = [to_query(leg, condition, suited(self.manifest.storage, where)) for leg in legs]
        answers = await self._connection.ask(lambda client: client.query_batch_points(self.name, requests))
        return [[(id_of(point.id), point.score) for point in answer.points] for answer in answers]

    async def fetch(self, ids: Sequence[UUID]) -> dict[UUID, Passage]:
        """Return the passages that exist among `ids`."""
        records = await self._retrieve(ids, with_payload=True)
        return {id_of(record.id): to_passage(record.payload or {}) for record in records}

    async def fetch_vectors(self, ids: Sequence[UUID], name: str) -> dict[UUID, AnyVector]:
        """Return the named vector of those points among `ids` that have it.

        Raises:
            InvalidInput: When the collection has no vector of that name.
        """
        kind = spec_of(self.manifest.vectors, name).kind
        records = await self._retrieve(ids, with_payload=False, with_vectors=[name])
        found: dict[UUID, Any] = {id_of(record.id): record.vector or {} for record in records}
        return {key: read_vector(vectors[name], kind) for key, vectors in found.items() if name in vectors}

    async def read(self, document_ids: Sequence[str]) -> list[Point]:
        """Return every passage of these documents with its vectors, in no order."""
        specs = self.manifest.vectors
        found: list[Point] = []
        async for record in self._scroll(AnyOf("document_id", tuple(document_ids)), keys=None):
            stored: Any = record.vector or {}
            vectors = {name: read_vector(each, specs[name].kind) for name, each in stored.items()}
            found.append(from_payload(record.payload or {}, vectors))
        return found

    async def count(self, where: Condition | None = None) -> int:
        """Return the number of passages."""
        condition = _compiled(where)
        answer = await self._connection.ask(lambda client: client.count(self.name, count_filter=condition, exact=True))
        return answer.count

    async def facet(self, field: str, *, limit: int) -> list[tuple[str | int | bool, int]]:
        """Return the commonest values of a keyword, integer or boolean field; nothing for other types."""
        known = self.manifest.fields.get(field)
        if known not in ("keyword", "integer", "boolean"):
            return []
        path = index_path(field, known)
        answer = await self._connection.ask(lambda client: client.facet(self.name, path, limit=limit, exact=True))
        return [(hit.value == "true" if known == "boolean" else hit.value, hit.count) for hit in answer.hits]

    async def documents(self) -> int:
        """Return the number of documents held completely."""
        return await self.count(FIRST_PASSAGES)

    def point_of(self, passage_id: str) -> UUID:
        """Return the point of a passage."""
        return point_of(self.name, passage_id)

    async def points_in(self, document_id: str) -> list[UUID]:
        """Return the points of a document's passages in their order."""
        return points_in(self.name, await self.entries([document_id]), document_id)

    async def entries(self, document_ids: Sequence[str] | None = None) -> dict[str, Entry]:
        """Return the documents held completely, by id."""
        wanted: list[Condition | None] = [None]
        if document_ids is not None:
            starts = range(0, len(document_ids), PAGE)
            wanted = [AnyOf("document_id", tuple(document_ids[start : start + PAGE])) for start in starts]
        found: dict[str, Entry] = {}
        for each in wanted:
            condition = All((FIRST_PASSAGES, each) if each else (FIRST_PASSAGES,))
            async for record in self._scroll(condition, keys=ENTRY_KEYS):
                payload = record.payload or {}
                found[payload["document_id"]] = to_entry(payload)
        return found

    async def write(self, points: Sequence[Point]) -> None:
        """Write whole documents; the first passage of each goes in last, as the mark that it is complete.

        Until then the mark of an older version has no digest, so that no version counts as held unchanged.
        """
        if not points:
            return
        check_points(points, self.manifest.vectors)
        held, older = compile_condition(marks_of(points)), compile_condition(older_than(points))
        await self._connection.ask(lambda client: client.set_payload(self.name, {"digest": ""}, held))
        await self._upsert([point for point in points if point.passage.ordinal != 0])
        await self._delete(older)
        await self._upsert([point for point in points if point.passage.ordinal == 0])

    async def remove(self, where: Condition) -> int:
        """Remove the passages that meet the condition; return how many."""
        count = await self.count(where)
        if count:
            await self._delete(compile_condition(where))
        return count

    async def remember(self, manifest: Manifest) -> None:
        """Keep a new manifest, and index the metadata fields it names; what others changed meanwhile stays."""
        if manifest == self.manifest:
            return
        stored = await read_manifest_of(self._connection, self.name)
        before: Mapping[str, FieldType] = stored.fields if stored else {}
        fields = dict(before)
        for name, kind in manifest.fields.items():
            fields[name] = widen(before.get(name, kind), kind)
        for name, kind in fields.items():
            if before.get(name) != kind:
                await self._indexes.index_field(name, before.get(name), kind)
        merged = replace(manifest, fields=fields).over(self.manifest, stored)
        await keep_manifest_of(self._connection, self.name, merged, over=stored)
        self.manifest = merged

    async def optimize(self, storage: IndexOptions, *, say: Say) -> None:
        """Tell the server which index is wanted, and wait until it has built it."""
        passages = await self.count()
        wanted = replace(self.manifest, storage=replace(storage, indexed=passages))
        changes = vector_changes(wanted)
        await self._connection.ask(lambda client: client.update_collection(self.name, vectors_config=changes))
        await say(f"the server builds an index of {passages:,} passages")
        try:
            with fail_after(INDEX_WITHIN_S):
                await self._wait_for_index()
        except TimeoutError as error:
            raise StoreError(
                f"The server still builds the index of {self.name!r} after {INDEX_WITHIN_S / 3600:.0f} h, and goes on. "
                "Searches are answered meanwhile; do the same again later."
            ) from error
        await self.remember(wanted)

    async def flush(self) -> None:
        """Do nothing: the server acknowledges what is in its write-ahead log, and brings it to the disk by itself."""

    async def index_ledger(self) -> None:
        """Index what the store itself asks by."""
        await self._indexes.index_ledger()

    async def _wait_for_index(self) -> None:
        from qdrant_client.models import CollectionStatus

        while True:
            info = await self._connection.ask(lambda client: client.get_collection(self.name))
            if info.status == CollectionStatus.RED:
                raise StoreError(
                    f"The server could not build the index of {self.name!r}: {info.optimizer_status}. See its log."
                )
            if info.status == CollectionStatus.GREEN:
                return
            await sleep(LOOK_AGAIN_S)

    async def _retrieve(
        self, ids: Sequence[UUID], *, with_payload: bool, with_vectors: bool | list[str] = False
    ) -> list[Record]:
        wanted = [to_id(each) for each in ids]
        return await self._connection.ask(
            lambda client: client.retrieve(self.name, wanted, with_payload=with_payload, with_vectors=with_vectors)
        )

    def _scroll(self, condition: Condition, *, keys: list[str] | None) -> AsyncIterator[Record]:
        """Yield records with these keys of their payload; without keys, whole and with their vectors."""
        limit, payload = (PAGE_WHOLE, True) if keys is None else (PAGE, keys)
        compiled = compile_condition(condition)
        return scroll(self._connection, self.name, compiled, limit=limit, payload=payload, vectors=keys is None)

    async def _upsert(self, points: Sequence[Point]) -> None:
        for batch in batches(points):
            structs = [to_point(point, self.name) for point in batch]
            await self._connection.ask(lambda client, structs=structs: client.upsert(self.name, structs, wait=True))

    async def _delete(self, condition: Filter) -> None:
        await self._connection.ask(lambda client: client.delete(self.name, condition, wait=True))


def _compiled(where: Condition | None) -> Filter | None:
    return None if where is None else compile_condition(where)
