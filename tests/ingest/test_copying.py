"""Copying collections between stores: complete, resumable, and compared at the end."""

from collections.abc import AsyncGenerator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from resift.core.errors import IncompatibleCollection, InvalidInput, StoreError
from resift.core.values import Passage
from resift.core.vectors import AnyVector, Multi, Sparse, VectorSpec, standard_vectors
from resift.encoders.bm25 import Bm25Options
from resift.ingest.copying import copy_collection
from resift.store.collection import Collection, Store
from resift.store.edge.store import EdgeStore
from resift.store.filters import AnyOf
from resift.store.manifest import Manifest
from resift.store.protocols import Point
from resift.store.qdrant.store import QdrantStore
from resift.tests.standins.qdrant import serving
from resift.tests.store.stores import connected

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.filterwarnings("ignore:(Payload indexes|Local mode):UserWarning"),
]

MANIFEST = Manifest(
    vectors={
        **standard_vectors("by-hand@1", 4),
        "late": VectorSpec(kind="multi", field="text", model="by-hand@1", dimension=4),
    },
    lexical=Bm25Options(average_length=10),
    chunking="200/40/40",
    fields={"year": "integer", "oem": "boolean"},
)
DOCUMENTS = 200  # several groups


def documents(numbers: range) -> list[Point]:
    made: list[Point] = []
    for number in numbers:
        rng, length = np.random.default_rng(number), 1 + number % 4
        for ordinal in range(length):
            vectors: dict[str, AnyVector] = {"dense": rng.standard_normal(4).astype(np.float32)}
            if number % 7:
                vectors["bm25"] = Sparse((7, 2**31 + number), (1.1, 0.3))
                vectors["late"] = Multi(rng.standard_normal((2, 4)).astype(np.float32))
            passage = Passage(
                document_id=f"d{number:03}",
                ordinal=ordinal,
                text="text ü",
                title="Title",
                heading="A > B",
                source="a.md",
                start_line=3,
                end_line=9,
                metadata={"year": 2.0, "oem": True},
            )
            made.append(Point(passage=passage, digest=f"digest {number}", passages=length, vectors=vectors))
    return made


@pytest.fixture(scope="module")
async def source(tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[EdgeStore]:
    """Only for reading."""
    store = EdgeStore(tmp_path_factory.mktemp("source"), reserve_bytes=0)
    collection = await store.open("c", create=replace(MANIFEST, fields={}))
    await collection.remember(MANIFEST)
    await collection.write(documents(range(DOCUMENTS)))
    yield store
    await store.close()


@pytest.fixture(params=["REST", "gRPC"])
async def server(request: pytest.FixtureRequest) -> AsyncGenerator[QdrantStore]:
    async with serving() as running:
        store = connected(running.url, grpc_port=running.grpc_port if request.param == "gRPC" else 0)
        yield store
        await store.close()


@pytest.mark.slow
async def test_collection_moves_to_a_server_and_back(source: EdgeStore, server: QdrantStore, tmp_path: Path) -> None:
    there = await copy_collection(await source.open("c"), server)
    assert (there.documents, there.unchanged, there.passages) == (DOCUMENTS, 0, 500)
    back = EdgeStore(tmp_path / "back", reserve_bytes=0)
    home = await copy_collection(await server.open("c"), back)
    assert (home.documents, home.passages, home.checksum) == (DOCUMENTS, 500, there.checksum)
    original, returned = await source.open("c"), await back.open("c")
    assert returned.manifest == original.manifest
    ids = [point.passage.point_id("c") for point in documents(range(20))]
    assert await returned.fetch(ids) == await original.fetch(ids)
    await back.close()


class Interrupted:
    """A store whose collections fail after some writes, as when the connection ends."""

    is_shared = False

    def __init__(self, store: Store, *, writes: int) -> None:
        self._store = store
        self._writes = writes

    async def open(self, name: str, *, create: Manifest | None = None) -> Collection:
        collection = await self._store.open(name, create=create)
        write, left = collection.write, iter(range(self._writes))

        async def write_while_it_lasts(points: Sequence[Point]) -> None:
            if next(left, None) is None:
                raise StoreError("the connection ended")
            await write(points)

        collection.write = write_while_it_lasts
        return collection

    async def names(self) -> list[str]:
        return await self._store.names()

    async def drop(self, name: str) -> None:
        await self._store.drop(name)

    async def close(self) -> None:
        await self._store.close()


async def test_interrupted_copy_resumes_where_it_stopped(source: EdgeStore, tmp_path: Path) -> None:
    collection = await source.open("c")
    broken = Interrupted(EdgeStore(tmp_path / "target", reserve_bytes=0), writes=1)
    with pytest.raises(StoreError, match="the connection ended"):
        await copy_collection(collection, broken)
    await broken.close()
    target = EdgeStore(tmp_path / "target", reserve_bytes=0)
    copied = await copy_collection(collection, target)
    assert 0 < copied.unchanged < DOCUMENTS
    assert copied.documents + copied.unchanged == DOCUMENTS
    again = await copy_collection(collection, target)
    assert (again.documents, again.checksum) == (0, copied.checksum)
    await target.close()


async def test_documents_that_only_the_target_has_are_kept(source: EdgeStore, tmp_path: Path) -> None:
    target = EdgeStore(tmp_path / "target", reserve_bytes=0)
    theirs = await target.open("c", create=replace(MANIFEST, fields={}))
    await theirs.write([replace(each, passages=1) for each in documents(range(900, 901))])
    await copy_collection(await source.open("c"), target)
    assert len(await theirs.entries()) == DOCUMENTS + 1
    await target.close()


async def test_copy_that_differs_from_its_source_is_an_error(source: EdgeStore, tmp_path: Path) -> None:
    target = EdgeStore(tmp_path / "target", reserve_bytes=0)
    collection = await source.open("c")
    await copy_collection(collection, target)
    copy = await target.open("c")
    passage = replace(documents(range(3, 4))[1].passage, text="other")
    await copy.remove(AnyOf("document_id", ("d003",)))
    await copy.write([replace(documents(range(3, 4))[0]), replace(documents(range(3, 4))[1], passage=passage)])
    with pytest.raises(StoreError, match="differs from its source between documents 'd000' and"):
        await copy_collection(collection, target)
    await target.close()


async def test_target_with_other_vectors_is_refused(source: EdgeStore, tmp_path: Path) -> None:
    target = EdgeStore(tmp_path / "target", reserve_bytes=0)
    await target.open("c", create=replace(MANIFEST, vectors=standard_vectors("other@2", 4)))
    with pytest.raises(IncompatibleCollection, match=r"other vectors: .* of other@2; the source has .* of by-hand@1"):
        await copy_collection(await source.open("c"), target)
    await target.close()


async def test_documents_of_an_evaluation_are_not_mixed_with_others(source: EdgeStore, tmp_path: Path) -> None:
    target = EdgeStore(tmp_path / "target", reserve_bytes=0)
    await target.open("c", create=replace(MANIFEST, evaluation=True))
    with pytest.raises(InvalidInput, match="'c' was made by an evaluation"):
        await copy_collection(await source.open("c"), target)
    await target.close()


async def test_target_keeps_its_own_index_and_widens_its_fields(source: EdgeStore, tmp_path: Path) -> None:
    target = EdgeStore(tmp_path / "target", reserve_bytes=0)
    own = replace(MANIFEST.storage, breadth=64, indexed=7)
    theirs = await target.open("c", create=replace(MANIFEST, fields={}, storage=own))
    await theirs.remember(replace(theirs.manifest, fields={"year": "number"}))
    await copy_collection(await source.open("c"), target)
    assert theirs.manifest.storage == own
    assert theirs.manifest.fields == {"year": "number", "oem": "boolean"}
    await target.close()


async def test_new_copy_knows_that_it_has_no_index_yet(tmp_path: Path) -> None:
    store, target = (EdgeStore(tmp_path / name, reserve_bytes=0) for name in ("source", "target"))
    original = await store.open("c", create=replace(MANIFEST, storage=replace(MANIFEST.storage, indexed=7)))
    await original.write(documents(range(3)))
    await copy_collection(original, target)
    copy = await target.open("c")
    assert copy.manifest.storage.indexed == 0
    assert await copy.facet("oem", limit=5) == [(True, await copy.count())]
    await store.close()
    await target.close()
