"""Add BM25 vectors to the points of an adopted collection, on request: the only change that Resift makes to them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TypeAlias

from ....core.errors import StoreError
from ....core.vectors import BM25, TEXT_FIELD, VectorSpec
from ....encoders.bm25 import Bm25Encoder
from ...collection import all_pages
from ...field_mapping import FieldMapping
from ...manifest import Manifest
from ..connection import QdrantConnection
from ..manifests import save_manifest
from ..wire import scroll_page, to_engine

if TYPE_CHECKING:
    from qdrant_client.models import Filter, PointVectors, Record


KEYWORDS = "resift-bm25"
"""The name of these vectors in the collection."""

BATCH = 256  # points per request

OLDEST = "1.18"  # the first version of Qdrant that can add a vector to an existing collection

Progress: TypeAlias = Callable[[float, int, str], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Added:
    """Points that got a vector now, points that have one, and points without words."""

    now: int
    points: int
    without_words: int


async def add_keywords(
    connection: QdrantConnection,
    name: str,
    manifest: Manifest,
    adopted: FieldMapping,
    *,
    anew: bool = False,
    progress: Progress,
) -> Added:
    """Add a BM25 vector to every point that has none, and record the vector in the manifest.

    Vectors that the manifest does not list may have been made from other texts, so they are deleted first; with `anew`
    all are. After an interruption, or after points were added, a second call continues with the points that have none.

    Raises:
        StoreError: The server is too old to add a vector to an existing collection.
    """
    await _make_vector(connection, name)
    if anew or adopted.vectors.get(BM25) != KEYWORDS:
        manifest = await _cleared(connection, name, manifest, adopted)
    bm25, missing = Bm25Encoder(manifest.lexical), _without()
    total = (await connection.ask_points(name, lambda client: client.count(name, count_filter=missing))).count
    done = now = 0
    batch: list[PointVectors] = []
    pages = all_pages(lambda at: scroll_page(connection, name, missing, limit=BATCH, offset=at, payload=True))
    async for record in pages:
        done += 1
        if (point := _vectors_of(record, adopted, bm25)) is not None:
            batch.append(point)
        if len(batch) == BATCH:
            now += await _write(connection, name, batch)
            batch = []
            await progress(done, total, f"{done:,} of {total:,} points")
    now += await _write(connection, name, batch)
    await progress(done, total, f"{done:,} of {total:,} points")
    left = (await connection.ask_points(name, lambda client: client.count(name, count_filter=missing))).count
    points = (await connection.ask_points(name, lambda client: client.count(name))).count
    spec = VectorSpec("sparse", TEXT_FIELD, model=BM25, idf=True)
    complete = replace(manifest, vectors={**manifest.vectors, BM25: spec})
    await save_manifest(connection, name, complete, over=manifest)
    return Added(now, points - left, left)


async def _cleared(connection: QdrantConnection, name: str, manifest: Manifest, adopted: FieldMapping) -> Manifest:
    """Delete existing BM25 vectors; return the stored manifest, which now marks the vectors as being added."""
    from qdrant_client.models import Filter, HasVectorCondition

    having = Filter(must=[HasVectorCondition(has_vector=KEYWORDS)])
    await connection.ask_points(
        name, lambda client: client.delete_vectors(name, [KEYWORDS], having, wait=True), writes=True
    )
    others = {key: spec for key, spec in manifest.vectors.items() if key != BM25}
    begun = replace(manifest, vectors=others, adopted=replace(adopted, vectors={**adopted.vectors, BM25: KEYWORDS}))
    await save_manifest(connection, name, begun, over=manifest)
    return begun


async def _make_vector(connection: QdrantConnection, name: str) -> None:
    from qdrant_client.models import Modifier, SparseVectorConfig, SparseVectorNameConfig

    info = await connection.ask(lambda client: client.get_collection(name))
    if KEYWORDS in (info.config.params.sparse_vectors or {}):
        return
    config = SparseVectorNameConfig(sparse=SparseVectorConfig(modifier=Modifier.IDF))
    if connection.version and _number(connection.version) < _number(OLDEST):
        raise StoreError(
            f"Qdrant {connection.version} cannot add vectors to an existing collection; this needs {OLDEST}. Update "
            "Qdrant, or ingest the documents into a new collection."
        )
    await connection.ask(lambda client: client.create_vector_name(name, KEYWORDS, config))


def _number(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".")[:2] if part.isdecimal())


def _without() -> Filter:
    from qdrant_client.models import Filter, HasVectorCondition

    return Filter(must_not=[HasVectorCondition(has_vector=KEYWORDS)])


def _vectors_of(record: Record, adopted: FieldMapping, bm25: Bm25Encoder) -> PointVectors | None:
    from qdrant_client.models import PointVectors

    sparse = bm25.document(adopted.passage(record.id, record.payload or {}).content)
    if not sparse.indices:
        return None
    vector: Any = {KEYWORDS: to_engine(sparse)}
    return PointVectors(id=record.id, vector=vector)


async def _write(connection: QdrantConnection, name: str, batch: Sequence[PointVectors]) -> int:
    if batch:
        await connection.ask_points(name, lambda client: client.update_vectors(name, batch, wait=True), writes=True)
    return len(batch)
