"""How a Qdrant server is reached, what is said of it, and what a key is found to allow."""

import socket
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace

import pytest
from anyio import create_task_group
from qdrant_client import models

from resift.core.errors import InvalidInput, StoreError
from resift.factories.stores import server_store
from resift.settings.load import load_settings
from resift.store.index_options import IndexOptions
from resift.store.manifest import Manifest, Tuning, dump_manifest
from resift.store.qdrant.connection import Address
from resift.store.qdrant.layout import ClusterLayout, dense_params, sparse_params, vector_changes
from resift.store.qdrant.manifests import METADATA_KEY, load_manifest
from resift.store.qdrant.rights import Rights, rights_at
from resift.tests.standins.qdrant import serving
from resift.tests.store.stores import connected

pytestmark = [pytest.mark.anyio, pytest.mark.filterwarnings("ignore:(Payload indexes|Local mode):UserWarning")]


@pytest.fixture
def silent_port() -> Iterator[int]:
    """A port that refuses connections, and that no other program gets."""
    with closing(socket.socket()) as bound:
        bound.bind(("127.0.0.1", 0))
        yield bound.getsockname()[1]


async def test_rest_is_spoken_where_grpc_does_not_answer(silent_port: int) -> None:
    async with serving() as server:
        for grpc_port, transport in ((silent_port, "REST"), (server.grpc_port, "gRPC"), (0, "REST")):
            store = connected(server.url, grpc_port=grpc_port)
            assert await store.names() == []
            assert (store.connection.transport, store.connection.version) == (transport, "1.20.0")
            await store.close()


async def test_server_that_is_too_old_is_refused() -> None:
    async with serving(version="1.15.5") as server:
        store = connected(server.url)
        with pytest.raises(StoreError, match=r"is 1\.15\.5; Resift needs 1\.16 or newer"):
            await store.names()
        await store.close()


async def test_doctor_finds_out_what_a_key_may_do_without_changing_anything(manifest: Manifest) -> None:
    async with serving(key="right", read_only_key="reading") as server:
        writer, reader = connected(server.url, key="right"), connected(server.url, key="reading")
        await writer.open("ours", create=manifest)
        await server.client.create_collection("theirs", vectors_config={})
        assert await rights_at(writer) == Rights(True, ("ours",), read_only=(), adopted=(), foreign=("theirs",))
        assert await rights_at(reader) == Rights(False, (), read_only=("ours",), adopted=(), foreign=("theirs",))
        left = [each.name for each in (await server.client.get_collections()).collections]
        assert sorted(left) == ["ours", "theirs"]
        await writer.close()
        await reader.close()


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://cluster.example:6333/", "https://cluster.example:6333"),
        ("http://[::1]:6333", "http://[::1]:6333"),
        ("localhost:6333", "http://localhost:6333"),
        ("http://10.0.0.1/qdrant", "http://10.0.0.1/qdrant"),
    ],
)
def test_address_is_shown_without_what_is_secret(url: str, shown: str) -> None:
    address = Address(url, "sesame")
    assert address.shown == shown
    assert "sesame" not in f"{address.shown} {Address('http://h', 'sesame')!r}"


def test_password_in_the_address_is_refused_and_not_shown() -> None:
    with pytest.raises(InvalidInput, match=r"for https://cluster\.example:6333, .* QDRANT_API_KEY") as refused:
        Address("https://user:sesame@cluster.example:6333/")
    assert "sesame" not in str(refused.value)


@pytest.mark.parametrize(
    "url", ["http://localhost:six", "http://h:99999", "http://[::1", "http://", "://x", "ftp://h", "http://a b", "/"]
)
def test_address_that_is_no_url_is_refused_with_an_example(url: str) -> None:
    with pytest.raises(InvalidInput, match=r"QDRANT_URL = .* is not .*\. Write it as http://localhost:6333\."):
        Address(url)


def test_key_that_others_can_read_on_the_way_is_noticed() -> None:
    open_ones = {url: Address(url, "key").sends_key_openly for url in ("http://h", "https://h", "http://localhost:1")}
    assert open_ones == {"http://h": True, "https://h": False, "http://localhost:1": False}
    assert not Address("http://h").sends_key_openly


def test_settings_lay_collections_out(manifest: Manifest) -> None:
    chosen = {"replication_factor": 2, "shard_number": 6, "write_consistency_factor": 1}
    settings = load_settings(QDRANT_URL="http://h", QDRANT_API_KEY="sesame", qdrant=chosen)
    assert "sesame" not in repr(settings)
    store = server_store(settings)
    assert store.layout == ClusterLayout(2, 6, write_consistency_factor=1, payload_on_disk=True)
    assert store.connection.address.api_key == "sesame"
    dense = dense_params(manifest)
    assert dense.keys() == {"dense", "title"}
    assert all(each.distance == models.Distance.COSINE for each in dense.values())
    for storage, expected in (
        (IndexOptions(), False),
        (IndexOptions(on_disk=True), True),
        (IndexOptions("turbo4"), True),
    ):
        kept = replace(manifest, storage=storage)
        assert {each.on_disk for each in dense_params(kept).values()} == {expected}
        assert {each.on_disk for each in vector_changes(kept).values()} == {expected}
    assert sparse_params(manifest) == {"bm25": models.SparseVectorParams(modifier=models.Modifier.IDF)}


async def test_storage_that_another_engine_changed_meanwhile_stays(manifest: Manifest) -> None:
    async with serving() as server:
        one, other = connected(server.url), connected(server.url)
        ours, theirs = await one.open("c", create=manifest), await other.open("c")
        storage = replace(manifest.storage, breadth=64)
        await theirs.remember(replace(theirs.manifest, storage=storage))
        await ours.remember(replace(ours.manifest, fields={"year": "integer"}))
        assert ours.manifest == replace(manifest, storage=storage, fields={"year": "integer"})
        await one.close()
        await other.close()


async def test_two_engines_that_tune_other_rerankers_at_once_keep_both(manifest: Manifest) -> None:
    first = Tuning(
        {"fused": 0.25, "rerank": 0.75}, 30, calibration=None, questions=100, gain=0.05, created="2026-07-01"
    )
    later, settings = replace(first, depth=20), replace(manifest, tuning={"older": first})
    async with serving() as server:
        one, other = connected(server.url), connected(server.url)
        ours, theirs = await one.open("c", create=settings), await other.open("c")
        async with create_task_group() as group:
            for collection, name in ((ours, "small"), (theirs, "large")):
                tuned = replace(collection.manifest, tuning={**collection.manifest.tuning, name: later})
                group.start_soon(collection.remember, tuned)
        kept = await load_manifest(one.connection, "c")
        assert kept == replace(manifest, tuning={"older": first, "small": later, "large": later})
        third = connected(server.url)
        seen = await third.open("c")
        await seen.remember(replace(seen.manifest, tuning={"large": later}))
        kept = await load_manifest(other.connection, "c")
        assert kept == replace(manifest, tuning={"large": later})
        await third.close()
        await one.close()
        await other.close()


async def test_tuning_that_lay_in_the_manifest_is_kept_when_more_is_tuned(manifest: Manifest) -> None:
    tuning = Tuning(
        {"fused": 0.25, "rerank": 0.75}, 30, calibration=None, questions=100, gain=0.05, created="2026-07-01"
    )
    async with serving() as server:
        store = connected(server.url)
        await store.open("c", create=manifest)
        older = {METADATA_KEY: dump_manifest(replace(manifest, tuning={"older": tuning}))}
        await server.client.update_collection("c", metadata=older)
        collection = await connected(server.url).open("c")
        await collection.remember(replace(collection.manifest, tuning={**collection.manifest.tuning, "new": tuning}))
        kept = await load_manifest(store.connection, "c")
        assert kept is not None
        assert kept.tuning == {"older": tuning, "new": tuning}
        await store.close()
