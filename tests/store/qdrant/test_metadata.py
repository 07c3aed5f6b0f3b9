"""Metadata of collections that several processes change at once, or that is damaged."""

from collections.abc import AsyncGenerator, Awaitable, Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from qdrant_client import AsyncQdrantClient

from resift.core.errors import DamagedManifest, StoreError
from resift.core.values import Passage
from resift.core.vectors import Sparse
from resift.store.fields import FieldType
from resift.store.manifest import Manifest, dump_manifest
from resift.store.protocols import Point
from resift.store.qdrant.manifests import FIELD_KEY, METADATA_KEY, TUNING_KEY, load_manifest
from resift.store.qdrant.store import QdrantStore
from resift.tests.store.stores import connected

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.filterwarnings("ignore:(Payload indexes|Local mode):UserWarning"),
]


class Interrupted(AsyncQdrantClient):
    """A client in local mode before whose next request of one kind another process does something."""

    def __init__(self, method: str) -> None:
        super().__init__(":memory:")
        self._method = method
        self.meanwhile: Callable[[], Awaitable[Any]] | None = None

    async def _interrupt(self, method: str) -> None:
        if self.meanwhile is not None and method == self._method:
            meanwhile, self.meanwhile = self.meanwhile, None
            await meanwhile()

    async def create_payload_index(self, *args: Any, **kwargs: Any) -> Any:
        await self._interrupt("create_payload_index")
        return await super().create_payload_index(*args, **kwargs)

    async def update_collection(self, *args: Any, **kwargs: Any) -> Any:
        await self._interrupt("update_collection")
        return await super().update_collection(*args, **kwargs)


@pytest.fixture
async def client() -> AsyncGenerator[AsyncQdrantClient]:
    opened = AsyncQdrantClient(":memory:")
    yield opened
    await opened.close()


@pytest.fixture
def store(client: AsyncQdrantClient) -> QdrantStore:
    return connected("http://memory", client=client)


@pytest.mark.parametrize("method", ["create_payload_index", "update_collection"])
@pytest.mark.parametrize(
    ("theirs", "both"),
    [
        ({"beta": "keyword"}, {"alpha": "integer", "beta": "keyword"}),
        ({"alpha": "number"}, {"alpha": "number"}),
        ({"alpha": "keyword"}, {"alpha": "mixed"}),
    ],
)
async def test_fields_that_two_processes_add_at_the_same_moment_are_all_kept(
    manifest: Manifest, method: str, theirs: dict[str, FieldType], both: dict[str, FieldType]
) -> None:
    client = Interrupted(method)
    one, other = connected("http://memory", client=client), connected("http://memory", client=client)
    mine = await one.open("c", create=manifest)
    others = await other.open("c")
    client.meanwhile = lambda: others.remember(replace(manifest, fields=theirs))
    await mine.remember(replace(manifest, fields={"alpha": "integer"}))
    kept = await load_manifest(one.connection, "c")
    assert kept is not None
    assert dict(kept.fields) == dict(mine.manifest.fields) == both
    await client.close()


async def test_fields_are_read_by_earlier_versions_and_from_them(
    client: AsyncQdrantClient, store: QdrantStore, manifest: Manifest
) -> None:
    collection = await store.open("c", create=manifest)
    await collection.remember(replace(manifest, fields={"alpha": "integer"}))
    metadata = (await client.get_collection("c")).config.metadata or {}
    assert '"fields":{"alpha":"integer"}' in metadata[METADATA_KEY]
    older = dump_manifest(replace(manifest, fields={"alpha": "number", "beta": "date"}))
    await client.update_collection("c", metadata={METADATA_KEY: older})
    kept = await load_manifest(store.connection, "c")
    assert kept is not None
    assert dict(kept.fields) == {"alpha": "number", "beta": "date"}


@pytest.mark.parametrize("key", [f"{TUNING_KEY}default", f"{FIELD_KEY}year"])
async def test_damaged_part_of_the_metadata_is_named_with_its_remedy(
    client: AsyncQdrantClient, store: QdrantStore, manifest: Manifest, key: str
) -> None:
    await store.open("c", create=manifest)
    await client.update_collection("c", metadata={key: "{not json"})
    other = connected("http://memory", client=client)
    with pytest.raises(DamagedManifest, match=rf"The metadata '{key}' of collection 'c' .* is damaged: .* null"):
        await other.open("c")
    assert await other.names() == ["c"]
    await client.update_collection("c", metadata={key: None})
    assert (await other.open("c")).manifest == manifest


@pytest.mark.parametrize("content", [5, {"x": 1}, "{not json", '{"vectors": {}}'])
async def test_collection_whose_manifest_is_damaged_can_be_deleted_if_resift_wrote_its_points(
    client: AsyncQdrantClient, store: QdrantStore, manifest: Manifest, content: object
) -> None:
    await _write(await store.open("c", create=manifest))
    await client.update_collection("c", metadata={METADATA_KEY: content})
    other = connected("http://memory", client=client)
    with pytest.raises(DamagedManifest, match="is damaged"):
        await other.open("c")
    await other.drop("c")
    assert not await client.collection_exists("c")


@pytest.mark.parametrize("content", [5, '{"adopted": {"text": "body"}, "vectors": 5}'])
@pytest.mark.parametrize("name", ["theirs", "empty", "adopted"])
async def test_collection_that_others_may_have_made_is_not_deleted_though_its_manifest_is_damaged(
    client: AsyncQdrantClient, store: QdrantStore, manifest: Manifest, name: str, content: object
) -> None:
    collection = await store.open(name, create=manifest)
    if name != "empty":
        await _write(collection)
    if name == "theirs":
        await client.set_payload(name, {"document_id": "z"}, points=[str(Passage("a", 1, text="").point_id(name))])
    if name == "adopted" and content == 5:
        content = {"adopted": {"text": "body"}}
    await client.update_collection(name, metadata={METADATA_KEY: content})
    other = connected("http://memory", client=client)
    with pytest.raises(StoreError, match=rf"was not deleted\. .* DELETE http://memory/collections/{name}"):
        await other.drop(name)
    assert await client.collection_exists(name)


async def _write(collection: Any) -> None:
    """Write a document of two passages."""
    vectors = {"dense": np.eye(4, dtype=np.float32)[0], "bm25": Sparse((7,), (1.0,))}
    passages = [Passage("a", ordinal, text=f"text {ordinal}") for ordinal in range(2)]
    await collection.write([Point(each, "digest", passages=2, vectors=vectors) for each in passages])
