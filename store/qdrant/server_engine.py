"""The engine behind a collection at a Qdrant server."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, cast
from uuid import UUID

from anyio import fail_after, sleep

from ...core.errors import StoreError
from ...core.values import id_of
from ..field_mapping import UNNAMED
from ..fields import FieldType
from ..filters import Condition
from ..index_options import IndexOptions
from ..manifest import Manifest
from ..protocols import Leg, Page, Point, StatusCallback, StoredPoint
from .connection import QdrantConnection
from .layout import vector_changes
from .manifests import ROUNDS, load_manifest, merge_manifest
from .payload_index import PayloadIndexes
from .wire import compile_condition, scroll_page, to_id, to_point, to_query

if TYPE_CHECKING:
    from qdrant_client.models import Filter, Record


STATUS_INTERVAL_S = 1.0  # between two looks at a server that builds an index

BUILD_TIMEOUT_S = 4 * 3600.0  # a collection stays grey, and never gets green, while its optimizers wait for a write

PAGE_SIZE = 1000  # points per request, with a few payload keys

WHOLE_PAGE_SIZE = 128  # points per request with their text and vectors: about 2 MB


class QdrantEngine:
    """One collection at a server. Each write waits until it is applied, and each request may be sent twice."""

    def __init__(
        self,
        name: str,
        connection: QdrantConnection,
        *,
        indexes: PayloadIndexes | None,
        compile_filter: Callable[[Condition], Filter] = compile_condition,
    ) -> None:
        """Create an engine; without `indexes` it creates none, as in a collection that others made."""
        self._name = name
        self._connection = connection
        self._indexes = indexes
        self._compile_filter = compile_filter

    async def search(
        self, legs: Sequence[Leg], *, where: Condition | None, options: IndexOptions
    ) -> list[list[tuple[UUID, float]]]:
        """Run the legs as one batch; return (point id, score) for each leg, best first."""
        if where is not None and self._indexes is not None:
            await self._indexes.index_words(where)
        condition = self._filter(where)
        requests = [to_query(leg, condition, options) for leg in legs]
        answers = await self._connection.ask_points(
            self._name, lambda client: client.query_batch_points(self._name, requests)
        )
        return [[(id_of(point.id), point.score) for point in answer.points] for answer in answers]

    async def retrieve(self, ids: Sequence[UUID], *, vectors: Sequence[str] = ()) -> list[StoredPoint]:
        """Return the points that exist among `ids`: these vectors of theirs, or their payload if none is named."""
        wanted = [to_id(each) for each in ids]
        named = True if UNNAMED in vectors else list(vectors) or False
        found = await self._connection.ask_points(
            self._name, lambda client: client.retrieve(self._name, wanted, with_payload=not vectors, with_vectors=named)
        )
        return [_stored(record) for record in found]

    async def scroll(self, where: Condition | None, *, keys: Sequence[str] | None, offset: Any) -> Page:
        """Return one page of points, ordered by id, with these payload keys; None: whole payloads and all vectors."""
        records, following = await scroll_page(
            self._connection,
            self._name,
            self._filter(where),
            limit=WHOLE_PAGE_SIZE if keys is None else PAGE_SIZE,
            offset=offset,
            payload=True if keys is None else list(keys),
            vectors=keys is None,
        )
        return [_stored(record) for record in records], following

    async def count(self, where: Condition | None) -> int:
        """Return the number of points."""
        condition = self._filter(where)
        answer = await self._connection.ask_points(
            self._name, lambda client: client.count(self._name, count_filter=condition, exact=True)
        )
        return answer.count

    async def facet(self, path: str, *, limit: int) -> list[tuple[str | int | bool, int]]:
        """Return the most common values at an indexed payload path with their counts."""
        answer = await self._connection.ask_points(
            self._name, lambda client: client.facet(self._name, path, limit=limit, exact=True)
        )
        return [(hit.value, hit.count) for hit in answer.hits]

    async def check_space(self, points: Sequence[Point]) -> None:
        """Do nothing: a server watches its own disk."""

    async def upsert(self, points: Sequence[Point]) -> None:
        """Write a batch of points; a point with the same id is replaced."""
        structs = [to_point(point, self._name) for point in points]
        await self._connection.ask_points(
            self._name, lambda client: client.upsert(self._name, structs, wait=True), writes=True
        )

    async def set_payload(self, where: Condition, values: Mapping[str, Any]) -> None:
        """Set these payload keys of these points, and leave the others as they are."""
        condition = self._compile_filter(where)
        await self._connection.ask_points(
            self._name, lambda client: client.set_payload(self._name, dict(values), condition), writes=True
        )

    async def delete(self, where: Condition) -> None:
        """Delete these points."""
        condition = self._compile_filter(where)
        await self._connection.ask_points(
            self._name, lambda client: client.delete(self._name, condition, wait=True), writes=True
        )

    async def flush(self) -> None:
        """Do nothing: what the server acknowledges is in its write-ahead log, and it flushes that by itself."""

    async def store_manifest(self, manifest: Manifest, *, before: Manifest) -> Manifest:
        """Store a manifest in place of `before` and index its new metadata fields; return what is stored now.

        Raises:
            StoreError: Others keep changing it.
        """
        stored = await load_manifest(self._connection, self._name)
        indexed: Mapping[str, FieldType] = stored.fields if stored else {}
        wanted = manifest.fields
        for _ in range(ROUNDS):
            if self._indexes is not None:
                indexed = await self._indexes.index_fields(wanted, indexed)
            stored = await merge_manifest(self._connection, self._name, lambda now: manifest.over(before, now))
            wanted = stored.fields if stored else wanted
            is_indexed = self._indexes is None or indexed == wanted
            if stored is not None and is_indexed and manifest.over(before, stored) == stored:
                return stored
        raise StoreError(
            f"Other processes keep changing the metadata of collection {self._name!r}, so that new metadata fields or "
            "settings were not stored. Try again."
        )

    async def build_index(self, manifest: Manifest, *, on_status: StatusCallback) -> None:
        """Tell the server which index to build, and wait until it is built."""
        changes = vector_changes(manifest)
        await self._connection.ask(lambda client: client.update_collection(self._name, vectors_config=changes))
        await on_status(f"the server is building an index of {manifest.storage.indexed:,} passages")
        try:
            with fail_after(BUILD_TIMEOUT_S):
                await self._wait_for_index()
        except TimeoutError as error:
            raise StoreError(
                f"The server has been building the index of {self._name!r} for {BUILD_TIMEOUT_S / 3600:.0f} h and is "
                "not done. It continues, and searches are answered meanwhile; try again later."
            ) from error

    async def _wait_for_index(self) -> None:
        from qdrant_client.models import CollectionStatus

        while True:
            info = await self._connection.ask(lambda client: client.get_collection(self._name))
            if info.status == CollectionStatus.RED:
                raise StoreError(
                    f"The server could not build the index of {self._name!r}: {info.optimizer_status}. See its log."
                )
            if info.status == CollectionStatus.GREEN:
                return
            await sleep(STATUS_INTERVAL_S)

    def _filter(self, where: Condition | None) -> Filter | None:
        return None if where is None else self._compile_filter(where)


def _stored(record: Record) -> StoredPoint:
    """Return a record as our own value; a collection's only vector without a name comes without its name."""
    vectors: Any = record.vector or {}
    named = cast("Mapping[str, Any]", vectors if isinstance(vectors, Mapping) else {UNNAMED: vectors})
    return StoredPoint(record.id, record.payload or {}, named)
