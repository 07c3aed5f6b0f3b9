"""The embedded engine: one qdrant-edge shard in a folder of its own."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import UUID

from anyio.lowlevel import checkpoint

from ...core.errors import DamagedCollection, Hint, NotFound, ResiftError, StoreError
from ..filters import Condition
from ..index_options import IndexOptions
from ..indexing import IndexMeasurement
from ..manifest import MANIFEST, Manifest, write_manifest
from ..protocols import Leg, Page, Point, StatusCallback, StoredPoint
from .config import shard_config
from .copy import build_indexed_copy, discard_copy, measure_copy, replace_shard
from .disk_space import FIELD_INDEX_BYTES, FLUSH_BYTES, INDEXED_VALUE_BYTES, MARGIN_BYTES, DiskSpace, size_bytes
from .faults import engine_errors
from .payload_index import index_document_fields, index_field, index_words, words_without_index
from .seal import SHARD, UNFINISHED, break_seal, check_seal, is_sealed, remove_for_good, seal
from .wire import compile_condition, to_point, to_queries

if TYPE_CHECKING:
    from qdrant_edge import EdgeShard, Record, UpdateOperation


logger = logging.getLogger(__name__)

COPIES_ON_DISK = 3  # of a shard while it is indexed: the shard, its copy, and the index that replaces parts of the copy

PAGE_SIZE = 1000  # records per scroll


class EdgeEngine:
    """An open shard. What qdrant-edge raises becomes a `StoreError`, and a shard that panicked is not used again."""

    def __init__(self, name: str, folder: Path, shard: EdgeShard, *, space: DiskSpace) -> None:
        self._name = name
        self._folder = folder
        self._open_shard: EdgeShard | None = shard
        self._failure: ResiftError | None = None
        self._space = space

    @classmethod
    def load(cls, name: str, folder: Path, manifest: Manifest, *, space: DiskSpace) -> EdgeEngine:
        """Open the shard in `folder`, or make it if the folder is marked as unfinished.

        Raises:
            DamagedCollection: The shard is missing, its files were changed while it was closed, or it does not open.
            StoreError: Too little disk space is free to open it, or the system refuses it.
        """
        discard_copy(folder)
        if (folder / UNFINISHED).exists():
            space.require_to_create(folder)
            return cls(name, folder, _new_shard(name, folder, manifest), space=space)
        check_seal(name, folder)
        space.require_to_open(folder / SHARD, replays_log=not is_sealed(folder))
        break_seal(folder)
        return cls(name, folder, _open(name, folder), space=space)

    @property
    def is_usable(self) -> bool:
        """Return whether the shard is open and has not failed."""
        return self._open_shard is not None

    async def search(
        self, legs: Sequence[Leg], *, where: Condition | None, options: IndexOptions
    ) -> list[list[tuple[UUID, float]]]:
        """Run the legs as one batch; return (point id, score) for each leg, best first."""
        from qdrant_edge import QueryBatchRequest

        condition = None if where is None else compile_condition(where)
        with self._using() as shard:
            if where is not None:
                self._index_words(shard, where)
            queries = to_queries(shard, legs, condition, options)
            answers = shard.query_batch(QueryBatchRequest(queries))
        return [[(_uuid(point.id), point.score) for point in answer] for answer in answers]

    async def retrieve(self, ids: Sequence[UUID], *, vectors: Sequence[str] = ()) -> list[StoredPoint]:
        """Return the points that exist among `ids`: these vectors of theirs, or their payload if none is named."""
        with self._using() as shard:
            found = shard.retrieve(list(ids), with_payload=not vectors, with_vector=list(vectors) or False)
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
        with self._using() as shard:
            records, following = shard.scroll(request)
        return [_stored(record) for record in records], following

    async def count(self, where: Condition | None) -> int:
        """Return the number of points."""
        from qdrant_edge import CountRequest

        with self._using() as shard:
            return shard.count(CountRequest(filter=None if where is None else compile_condition(where)))

    async def facet(self, path: str, *, limit: int) -> list[tuple[str | int | bool, int]]:
        """Return the most common values at an indexed payload path with their counts."""
        from qdrant_edge import FacetRequest

        with self._using() as shard:
            answer = shard.facet(FacetRequest(path, limit=limit, exact=True))
        return [(hit.value, hit.count) for hit in answer.hits]

    async def check_space(self, points: Sequence[Point]) -> None:
        """Refuse to write these points to a disk that is nearly full."""
        self._space.require_to_write(self._folder, points)

    async def upsert(self, points: Sequence[Point]) -> None:
        """Write a batch of points; other tasks, such as searches, run before the next batch."""
        from qdrant_edge import UpdateOperation

        self._update(UpdateOperation.upsert_points([to_point(point, self._name) for point in points]))
        await checkpoint()

    async def set_payload(self, where: Condition, values: Mapping[str, Any]) -> None:
        """Set these payload keys of these points, and leave the others as they are."""
        from qdrant_edge import UpdateOperation

        self._update(UpdateOperation.set_payload_by_filter(compile_condition(where), dict(values)))

    async def delete(self, where: Condition) -> None:
        """Delete these points."""
        from qdrant_edge import UpdateOperation

        self._update(UpdateOperation.delete_points_by_filter(compile_condition(where)))

    async def flush(self) -> None:
        """Force everything written so far to disk."""
        outcome = "What was written is in the log, which is safe unless the power fails."
        self._space.require(self._folder, FLUSH_BYTES, outcome=outcome)
        with self._using() as shard:
            shard.flush()

    async def store_manifest(self, manifest: Manifest, *, before: Manifest) -> Manifest:
        """Write the manifest beside the shard and index its new metadata fields."""
        changed = [name for name, kind in manifest.fields.items() if before.fields.get(name) != kind]
        if changed:
            per_field = FIELD_INDEX_BYTES + INDEXED_VALUE_BYTES * await self.count(None)
            needed = MARGIN_BYTES + len(changed) * per_field
            self._space.require(self._folder, needed, outcome="No metadata field was indexed.")
        for name in changed:
            with self._using() as shard:
                index_field(shard, name, before.fields.get(name), manifest.fields[name])
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
        """Flush and close the shard; later calls raise `NotFound`.

        Raises:
            StoreError: The shard could not be flushed. It is closed anyway, and its log has what was written.
        """
        shard, self._open_shard = self._open_shard, None
        if shard is None:
            return
        with engine_errors(self._name):
            try:
                shard.flush()
            finally:
                shard.close()
        seal(self._folder)

    def discard(self) -> None:
        """Close the shard of a collection that is being deleted."""
        shard, self._open_shard = self._open_shard, None
        if shard is not None:
            with suppress(StoreError), engine_errors(self._name):
                shard.close()

    @property
    def _shard(self) -> EdgeShard:
        if self._failure is not None:
            raise self._failure
        if self._open_shard is None:
            raise NotFound(f"Collection {self._name!r} was deleted or closed meanwhile.", hint=Hint.LIST_COLLECTIONS)
        return self._open_shard

    @contextmanager
    def _using(self) -> Generator[EdgeShard]:
        """Yield the open shard. If it panics its locks are unusable, so it is dropped, and the next call opens it."""
        shard = self._shard
        try:
            with engine_errors(self._name):
                yield shard
        except DamagedCollection as error:
            self._open_shard, self._failure = None, error
            raise

    def _update(self, operation: UpdateOperation) -> None:
        self._space.require(self._folder, MARGIN_BYTES, outcome="The collection is unchanged.")
        with self._using() as shard:
            shard.update(operation)

    def _index_words(self, shard: EdgeShard, where: Condition) -> None:
        """Index the words that a condition searches, if there is room; without the index, searches take longer."""
        paths = words_without_index(shard, where)
        needed = len(paths) * (FIELD_INDEX_BYTES + INDEXED_VALUE_BYTES * shard.info().points_count) if paths else 0
        if paths and self._space.free(self._folder) < MARGIN_BYTES + needed:
            logger.warning(
                "Words of %r are searched without an index: %d MB are needed for it", self._name, needed >> 20
            )
        else:
            index_words(shard, paths)

    async def _build_copy(self, manifest: Manifest, on_status: StatusCallback) -> None:
        await self.flush()
        needed = self._space.reserve_bytes + MARGIN_BYTES + COPIES_ON_DISK * size_bytes(self._folder / SHARD)
        self._space.require(self._folder, needed, outcome="The collection is unchanged.")
        self._space.require_to_open(self._folder / SHARD, replays_log=False)
        await on_status(f"building an index of {manifest.storage.indexed:,} passages")
        await build_indexed_copy(self._folder, manifest)
        if self._open_shard is None:
            discard_copy(self._folder)

    def _switch_to_copy(self) -> None:
        """Put the indexed copy in the shard's place and open it; if that fails, open the old shard again."""
        shard, self._open_shard = self._shard, None
        try:
            with engine_errors(self._name):
                shard.close()
            replace_shard(self._folder)
        except OSError as error:
            raise StoreError(f"The new index of {self._name!r} could not be put in its place: {error}.") from error
        finally:
            discard_copy(self._folder)
            self._open_shard = _open(self._name, self._folder)


def _new_shard(name: str, folder: Path, manifest: Manifest) -> EdgeShard:
    """Make the shard of a folder that is marked as unfinished, in place of what an interrupted attempt left."""
    from qdrant_edge import EdgeShard

    path = folder / SHARD
    shutil.rmtree(path, ignore_errors=True)
    with engine_errors(name):
        path.mkdir()
        shard = EdgeShard.create(str(path), shard_config(manifest))
        index_document_fields(shard)
    remove_for_good(folder / UNFINISHED)
    return shard


def _open(name: str, folder: Path) -> EdgeShard:
    from qdrant_edge import EdgeShard

    with engine_errors(name, opens=True):
        return EdgeShard.load(str(folder / SHARD))


def _stored(record: Record) -> StoredPoint:
    vectors: Any = record.vector or {}
    return StoredPoint(record.id, record.payload or {}, vectors)


def _uuid(point_id: int | str | UUID) -> UUID:
    return point_id if isinstance(point_id, UUID) else UUID(str(point_id))
