"""One collection in the embedded store."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast
from uuid import UUID

from anyio.lowlevel import checkpoint

from ...core.errors import Hint, NotFound, StoreError
from ...core.values import Passage
from ...core.vectors import AnyVector, read_vector, spec_of
from ..conditions import index_path
from ..filters import FIRST_PASSAGES, All, AnyOf, Condition
from ..index_options import IndexOptions
from ..indexing import Trial
from ..manifest import MANIFEST, Manifest, write_manifest
from ..points import ENTRY_KEYS, batches, from_payload, marks_of, older_than, point_of, points_in, to_entry, to_passage
from ..protocols import Entry, Leg, Point, Say, check_points
from .config import shard_config
from .copy import SHARD, build_copy, drop_leftovers, replace_shard, try_copy
from .data_dir import require_space, size_bytes
from .payload_index import index_field, index_ledger, index_words
from .wire import compile_condition, to_point, to_queries

if TYPE_CHECKING:
    from qdrant_edge import EdgeShard, Filter, Record, UpdateOperation


COPIES_ON_DISK = 3  # of a shard while it is indexed: itself, its copy, and the index that replaces the copy's parts

PAGE = 1000  # records per scroll

BYTES_PER_POINT = 8192  # two vectors of 384 floats, the text, its BM25 terms, and as much again in the log


class EdgeCollection:
    """A shard and its manifest; see the protocols in `store` for what the methods promise."""

    def __init__(self, name: str, folder: Path, manifest: Manifest, shard: EdgeShard, *, reserve_bytes: int) -> None:
        self.name = name
        self.manifest = manifest
        self._folder = folder
        self._open_shard: EdgeShard | None = shard
        self._reserve_bytes = reserve_bytes

    @classmethod
    def load(cls, name: str, folder: Path, manifest: Manifest, *, reserve_bytes: int) -> EdgeCollection:
        """Open the shard in `folder`, making it when there is none yet."""
        from qdrant_edge import EdgeShard

        path = folder / SHARD
        drop_leftovers(folder)
        with _engine_errors(name):
            if (path / "edge_config.json").exists():
                return cls(name, folder, manifest, EdgeShard.load(str(path)), reserve_bytes=reserve_bytes)
            require_space(folder, reserve_bytes, outcome="Nothing was written.")
            path.mkdir(exist_ok=True)
            shard = EdgeShard.create(str(path), shard_config(manifest))
            index_ledger(shard)
        return cls(name, folder, manifest, shard, reserve_bytes=reserve_bytes)

    async def search(self, legs: Sequence[Leg], *, where: Condition | None = None) -> list[list[tuple[UUID, float]]]:
        """Run the legs as one batch."""
        from qdrant_edge import QueryBatchRequest

        condition = None if where is None else compile_condition(where)
        with _engine_errors(self.name):
            if where is not None:
                index_words(self._shard, where)
            queries = to_queries(self._shard, legs, condition, where, self.manifest.storage)
            answers = self._shard.query_batch(QueryBatchRequest(queries))
        return [[(_uuid(point.id), point.score) for point in answer] for answer in answers]

    async def fetch(self, ids: Sequence[UUID]) -> dict[UUID, Passage]:
        """Return the passages that exist among `ids`."""
        with _engine_errors(self.name):
            records = self._shard.retrieve(list(ids), with_payload=True, with_vector=False)
        return {_uuid(record.id): to_passage(record.payload or {}) for record in records}

    async def fetch_vectors(self, ids: Sequence[UUID], name: str) -> dict[UUID, AnyVector]:
        """Return the named vector of those points among `ids` that have it.

        Raises:
            InvalidInput: When the collection has no vector of that name.
        """
        spec = spec_of(self.manifest.vectors, name)
        with _engine_errors(self.name):
            records = self._shard.retrieve(list(ids), with_payload=False, with_vector=[name])
        found = {_uuid(record.id): cast("dict[str, Any]", record.vector or {}) for record in records}
        return {key: read_vector(vectors[name], spec.kind) for key, vectors in found.items() if name in vectors}

    async def read(self, document_ids: Sequence[str]) -> list[Point]:
        """Return every passage of these documents with its vectors, in no order."""
        specs = self.manifest.vectors
        condition = compile_condition(AnyOf("document_id", tuple(document_ids)))
        found: list[Point] = []
        for record in self._scroll(condition, keys=None):
            stored = cast("dict[str, Any]", record.vector or {})
            vectors = {name: read_vector(each, specs[name].kind) for name, each in stored.items()}
            found.append(from_payload(record.payload or {}, vectors))
        return found

    async def count(self, where: Condition | None = None) -> int:
        """Return the number of passages."""
        from qdrant_edge import CountRequest

        with _engine_errors(self.name):
            return self._shard.count(CountRequest(filter=None if where is None else compile_condition(where)))

    async def facet(self, field: str, *, limit: int) -> list[tuple[str | int | bool, int]]:
        """Return the commonest values of a keyword, integer or boolean field; nothing for other types."""
        from qdrant_edge import FacetRequest

        known = self.manifest.fields.get(field)
        if known not in ("keyword", "integer", "boolean"):
            return []
        path = index_path(field, known)
        with _engine_errors(self.name):
            answer = self._shard.facet(FacetRequest(path, limit=limit, exact=True))
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
        if document_ids is None:
            return dict(self._scroll_entries(None))
        found: dict[str, Entry] = {}
        for start in range(0, len(document_ids), PAGE):
            wanted = AnyOf("document_id", tuple(document_ids[start : start + PAGE]))
            found.update(self._scroll_entries(wanted))
        return found

    async def write(self, points: Sequence[Point]) -> None:
        """Write whole documents; the first passage of each goes in last, as the mark that it is complete.

        Until then the mark of an older version has no digest, so that no version counts as held unchanged.
        """
        from qdrant_edge import UpdateOperation

        if not points:
            return
        check_points(points, self.manifest.vectors)
        needed = self._reserve_bytes + BYTES_PER_POINT * len(points)
        require_space(self._folder, needed, outcome="What was written before stays.")
        marks = [point for point in points if point.passage.ordinal == 0]
        others = [point for point in points if point.passage.ordinal != 0]
        held = compile_condition(marks_of(points))
        self._update(UpdateOperation.set_payload_by_filter(held, {"digest": ""}))
        await self._upsert(others)
        self._update(UpdateOperation.delete_points_by_filter(compile_condition(older_than(points))))
        await self._upsert(marks)

    async def remove(self, where: Condition) -> int:
        """Remove the passages that meet the condition; return how many."""
        from qdrant_edge import UpdateOperation

        count = await self.count(where)
        if count:
            self._update(UpdateOperation.delete_points_by_filter(compile_condition(where)))
        return count

    async def remember(self, manifest: Manifest) -> None:
        """Keep a new manifest, and index the metadata fields it names."""
        for name, kind in manifest.fields.items():
            before = self.manifest.fields.get(name)
            if before != kind:
                with _engine_errors(self.name):
                    index_field(self._shard, name, before, kind)
        if manifest != self.manifest:
            write_manifest(self._folder / MANIFEST, manifest)
            self.manifest = manifest

    async def optimize(self, storage: IndexOptions, *, say: Say) -> None:
        """Index a copy in another process and then change over, so that searches never wait for it."""
        wanted = await self._index_copy(storage, say)
        self._change_over()
        await self.remember(wanted)

    async def try_storage(self, storage: IndexOptions, *, say: Say) -> tuple[Trial, int]:
        """Return how the collection would do with this index, and the bytes on disk; it stays as it is."""
        wanted = await self._index_copy(storage, say)
        await say(f"asking with quantization {storage.quantization}")
        try:
            return await try_copy(self._folder, wanted)
        finally:
            drop_leftovers(self._folder)

    async def _index_copy(self, storage: IndexOptions, say: Say) -> Manifest:
        passages = await self.count()
        wanted = replace(self.manifest, storage=replace(storage, indexed=passages))
        await self.flush()
        needed = self._reserve_bytes + COPIES_ON_DISK * size_bytes(self._folder / SHARD)
        require_space(self._folder, needed, outcome="The collection is as it was.")
        await say(f"building an index of {passages:,} passages")
        await build_copy(self._folder, wanted)
        if self._open_shard is None:
            drop_leftovers(self._folder)
        return wanted

    def _change_over(self) -> None:
        """Open the copy in the shard's place; where that fails, the shard that lies there."""
        from qdrant_edge import EdgeShard

        shard, self._open_shard = self._shard, None
        try:
            with _engine_errors(self.name):
                shard.close()
            replace_shard(self._folder)
        except OSError as error:
            raise StoreError(f"The new index of {self.name!r} could not be put in its place: {error}.") from error
        finally:
            drop_leftovers(self._folder)
            with _engine_errors(self.name):
                self._open_shard = EdgeShard.load(str(self._folder / SHARD))

    async def flush(self) -> None:
        """Bring everything written to the disk itself."""
        with _engine_errors(self.name):
            self._shard.flush()

    def close(self) -> None:
        """Flush and close the shard; whoever still holds the collection is told so."""
        shard, self._open_shard = self._shard, None
        with _engine_errors(self.name):
            shard.flush()
            shard.close()

    @property
    def _shard(self) -> EdgeShard:
        if self._open_shard is None:
            raise NotFound(f"Collection {self.name!r} was deleted or closed meanwhile.", hint=Hint.LIST_COLLECTIONS)
        return self._open_shard

    async def _upsert(self, points: Sequence[Point]) -> None:
        from qdrant_edge import UpdateOperation

        for batch in batches(points):
            self._update(UpdateOperation.upsert_points([to_point(point, self.name) for point in batch]))
            await checkpoint()  # searches go on between the batches

    def _update(self, operation: UpdateOperation) -> None:
        with _engine_errors(self.name):
            self._shard.update(operation)

    def _scroll_entries(self, wanted: Condition | None) -> Iterator[tuple[str, Entry]]:
        condition = compile_condition(All((FIRST_PASSAGES, wanted) if wanted else (FIRST_PASSAGES,)))
        for record in self._scroll(condition, keys=ENTRY_KEYS):
            payload: dict[str, Any] = record.payload or {}
            yield payload["document_id"], to_entry(payload)

    def _scroll(self, condition: Filter, *, keys: list[str] | None) -> Iterator[Record]:
        """Yield records with these keys of their payload; without keys, whole and with their vectors."""
        from qdrant_edge import PayloadSelector, ScrollRequest

        payload, offset = True if keys is None else PayloadSelector.Include(keys), None
        while True:
            request = ScrollRequest(
                offset=offset, limit=PAGE, filter=condition, with_payload=payload, with_vector=keys is None
            )
            with _engine_errors(self.name):
                records, offset = self._shard.scroll(request)
            yield from records
            if offset is None:
                return


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
