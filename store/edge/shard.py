"""The embedded engine: one qdrant-edge shard in a folder of its own."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import UUID

from anyio.lowlevel import checkpoint

from ...core.errors import Hint, NotFound, StoreError
from ..filters import Condition
from ..index_options import IndexOptions
from ..indexing import IndexMeasurement
from ..manifest import MANIFEST, Manifest, write_manifest
from ..protocols import Leg, Page, Point, StatusCallback, StoredPoint
from .config import shard_config
from .copy import SHARD, build_indexed_copy, discard_copy, measure_copy, replace_shard
from .data_dir import require_space, size_bytes
from .payload_index import index_document_fields, index_field, index_words
from .wire import compile_condition, to_point, to_queries

if TYPE_CHECKING:
    from qdrant_edge import EdgeShard, Record, UpdateOperation


COPIES_ON_DISK = 3  # of a shard while it is indexed: the shard, its copy, and the index that replaces parts of the copy

PAGE_SIZE = 1000  # records per scroll

BYTES_PER_POINT = 8192  # two vectors of 384 floats, the text, its BM25 terms, and as much again in the log


class EdgeEngine:
    """An open shard. qdrant-edge raises bare `Exception`; everything here raises `StoreError` instead."""

    def __init__(self, name: str, folder: Path, shard: EdgeShard, *, reserve_bytes: int) -> None:
        self._name = name
        self._folder = folder
        self._open_shard: EdgeShard | None = shard
        self._reserve_bytes = reserve_bytes

    @classmethod
    def load(cls, name: str, folder: Path, manifest: Manifest, *, reserve_bytes: int) -> EdgeEngine:
        """Open the shard in `folder`, or create it if there is none yet."""
        from qdrant_edge import EdgeShard

        path = folder / SHARD
        discard_copy(folder)
        with _engine_errors(name):
            if (path / "edge_config.json").exists():
                return cls(name, folder, EdgeShard.load(str(path)), reserve_bytes=reserve_bytes)
            require_space(folder, reserve_bytes, outcome="Nothing was written.")
            path.mkdir(exist_ok=True)
            shard = EdgeShard.create(str(path), shard_config(manifest))
            index_document_fields(shard)
        return cls(name, folder, shard, reserve_bytes=reserve_bytes)

    async def search(
        self, legs: Sequence[Leg], *, where: Condition | None, options: IndexOptions
    ) -> list[list[tuple[UUID, float]]]:
        """Run the legs as one batch; return (point id, score) for each leg, best first."""
        from qdrant_edge import QueryBatchRequest

        condition = None if where is None else compile_condition(where)
        with _engine_errors(self._name):
            if where is not None:
                index_words(self._shard, where)
            queries = to_queries(self._shard, legs, condition, options)
            answers = self._shard.query_batch(QueryBatchRequest(queries))
        return [[(_uuid(point.id), point.score) for point in answer] for answer in answers]

    async def retrieve(self, ids: Sequence[UUID], *, vectors: Sequence[str] = ()) -> list[StoredPoint]:
        """Return the points that exist among `ids`: these vectors of theirs, or their payload if none is named."""
        with _engine_errors(self._name):
            found = self._shard.retrieve(list(ids), with_payload=not vectors, with_vector=list(vectors) or False)
        return [_stored(record) for record in found]

    async def scroll(self, where: Condition | None, *, keys: Sequence[str] | None, offset: Any) -> Page:
        """Return one page of points, ordered by id, with these payload keys; None: whole payloads and all vectors."""
        from qdrant_edge import PayloadSelector, ScrollRequest

        request = ScrollRequest(
            offset=offset,
            limit=PAGE_SIZE,
            filter=None if where is None else compile_condition(where),
            with_payload=True if keys is None else PayloadSelector.Include(list(keys)),
            with_vector=keys is None,
        )
        with _engine_errors(self._name):
            records, following = self._shard.scroll(request)
        return [_stored(record) for record in records], following

    async def count(self, where: Condition | None) -> int:
        """Return the number of points."""
        from qdrant_edge import CountRequest

        with _engine_errors(self._name):
            return self._shard.count(CountRequest(filter=None if where is None else compile_condition(where)))

    async def facet(self, path: str, *, limit: int) -> list[tuple[str | int | bool, int]]:
        """Return the most common values at an indexed payload path with their counts."""
        from qdrant_edge import FacetRequest

        with _engine_errors(self._name):
            answer = self._shard.facet(FacetRequest(path, limit=limit, exact=True))
        return [(hit.value, hit.count) for hit in answer.hits]

    async def check_space(self, points: int) -> None:
        """Refuse to write so many points to a disk that is nearly full."""
        needed = self._reserve_bytes + BYTES_PER_POINT * points
        require_space(self._folder, needed, outcome="What was written before stays.")

    async def upsert(self, points: Sequence[Point]) -> None:
        """Write a batch of points; other tasks, such as searches, run before the next batch."""
        from qdrant_edge import UpdateOperation

        self._update(UpdateOperation.upsert_points([to_point(point, self._name) for point in points]))
        await checkpoint()

    async def clear_digests(self, where: Condition) -> None:
        """Set the digest of these points to the empty string."""
        from qdrant_edge import UpdateOperation

        self._update(UpdateOperation.set_payload_by_filter(compile_condition(where), {"digest": ""}))

    async def delete(self, where: Condition) -> None:
        """Delete these points."""
        from qdrant_edge import UpdateOperation

        self._update(UpdateOperation.delete_points_by_filter(compile_condition(where)))

    async def flush(self) -> None:
        """Force everything written so far to disk."""
        with _engine_errors(self._name):
            self._shard.flush()

    async def store_manifest(self, manifest: Manifest, *, before: Manifest) -> Manifest:
        """Write the manifest beside the shard and index its new metadata fields."""
        for name, kind in manifest.fields.items():
            known = before.fields.get(name)
            if known != kind:
                with _engine_errors(self._name):
                    index_field(self._shard, name, known, kind)
        write_manifest(self._folder / MANIFEST, manifest)
        return manifest

    async def build_index(self, manifest: Manifest, *, on_status: StatusCallback) -> None:
        """Index a copy in another process, then replace the shard with it, so that searches never wait."""
        await self._build_copy(manifest, on_status)
        self._switch_to_copy()

    async def measure_index(self, manifest: Manifest, *, on_status: StatusCallback) -> tuple[IndexMeasurement, int]:
        """Return what the index that `manifest.storage` describes would find and cost, and its bytes on disk.

        The index is built on a copy, which is deleted afterwards.
        """
        await self._build_copy(manifest, on_status)
        await on_status(f"measuring searches with quantization {manifest.storage.quantization}")
        try:
            return await measure_copy(self._folder, manifest)
        finally:
            discard_copy(self._folder)

    def close(self) -> None:
        """Flush and close the shard; later calls raise `NotFound`."""
        shard, self._open_shard = self._shard, None
        with _engine_errors(self._name):
            shard.flush()
            shard.close()

    @property
    def _shard(self) -> EdgeShard:
        if self._open_shard is None:
            raise NotFound(f"Collection {self._name!r} was deleted or closed meanwhile.", hint=Hint.LIST_COLLECTIONS)
        return self._open_shard

    def _update(self, operation: UpdateOperation) -> None:
        with _engine_errors(self._name):
            self._shard.update(operation)

    async def _build_copy(self, manifest: Manifest, on_status: StatusCallback) -> None:
        await self.flush()
        needed = self._reserve_bytes + COPIES_ON_DISK * size_bytes(self._folder / SHARD)
        require_space(self._folder, needed, outcome="The collection is unchanged.")
        await on_status(f"building an index of {manifest.storage.indexed:,} passages")
        await build_indexed_copy(self._folder, manifest)
        if self._open_shard is None:
            discard_copy(self._folder)

    def _switch_to_copy(self) -> None:
        """Put the indexed copy in the shard's place and open it; if that fails, open the old shard again."""
        from qdrant_edge import EdgeShard

        shard, self._open_shard = self._shard, None
        try:
            with _engine_errors(self._name):
                shard.close()
            replace_shard(self._folder)
        except OSError as error:
            raise StoreError(f"The new index of {self._name!r} could not be put in its place: {error}.") from error
        finally:
            discard_copy(self._folder)
            with _engine_errors(self._name):
                self._open_shard = EdgeShard.load(str(self._folder / SHARD))


def _stored(record: Record) -> StoredPoint:
    vectors: Any = record.vector or {}
    return StoredPoint(record.id, record.payload or {}, vectors)


def _uuid(point_id: int | str | UUID) -> UUID:
    return point_id if isinstance(point_id, UUID) else UUID(str(point_id))


@contextmanager
def _engine_errors(collection: str) -> Generator[None]:
    try:
        yield
    except Exception as error:
        if type(error) is not Exception:  # qdrant-edge raises bare Exception; anything else is a fault of ours
            raise
        raise StoreError(
            f"The embedded store failed on collection {collection!r}: {error}.", hint=Hint.FIND_CAUSE
        ) from error
