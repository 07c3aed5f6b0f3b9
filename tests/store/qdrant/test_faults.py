"""A Qdrant server that fails: what is asked again, how long is waited, what is said, and that nothing is lost."""

from collections.abc import AsyncGenerator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from anyio import create_task_group, fail_after
from anyio.to_thread import run_sync

from resift.core.errors import NotFound, Refused, StoreError, StoreUnavailable
from resift.core.retry import RetryPolicy
from resift.core.values import Passage
from resift.core.vectors import Sparse, Vector
from resift.store.manifest import Manifest
from resift.store.protocols import Leg, Point
from resift.store.qdrant.store import QdrantStore
from resift.tests.standins.proxy import Fault, Proxy, killable_server, proxy_to
from resift.tests.standins.qdrant import Serving, serving
from resift.tests.store.stores import connected

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.filterwarnings("ignore:(Payload indexes|Local mode):UserWarning"),
]

QUICK = RetryPolicy(attempts=3, first_pause_s=0.01, longest_pause_s=0.02, failures_to_open=3, open_s=60)
PATIENT = RetryPolicy(attempts=100, first_pause_s=0.05, longest_pause_s=0.2)


def document(name: str, dense: Vector) -> list[Point]:
    """Return a document of two passages."""
    passages = [Passage(name, ordinal, text=f"{name} {ordinal}", title="Title") for ordinal in range(2)]
    return [
        Point(each, f"digest of {name}", passages=2, vectors={"dense": dense, "bm25": Sparse((7,), (1.0,))})
        for each in passages
    ]


@pytest.fixture(scope="session")
def axes() -> list[Vector]:
    return list(np.eye(4, dtype=np.float32))


@pytest.fixture
async def server() -> AsyncGenerator[Serving]:
    async with serving(key="right", read_only_key="reading") as running:
        yield running


@pytest.fixture
async def proxy(server: Serving) -> AsyncGenerator[Proxy]:
    async with proxy_to(lambda: int(server.url.rpartition(":")[2])) as running:
        yield running


@pytest.fixture
async def store(proxy: Proxy) -> AsyncGenerator[QdrantStore]:
    opened = connected(proxy.url, key="right", retry=QUICK)
    yield opened
    await opened.close()


@pytest.mark.parametrize("fault", ["refuse", "lose", "hang", "busy"])
async def test_each_request_survives_a_passing_fault(
    proxy: Proxy, manifest: Manifest, axes: list[Vector], fault: Fault
) -> None:
    store = connected(proxy.url, key="right", retry=QUICK, timeout_s=1 if fault == "hang" else 60)
    failed = set[str]()

    def once(request: str) -> Fault | None:
        """Let the first request of each kind fail."""
        if request in failed or (fault in ("hang", "busy") and failed):  # these cost a second each
            return None
        failed.add(request)
        return fault

    await store.names()  # connected
    proxy.faults = once
    collection = await store.open("c", create=manifest)
    await collection.remember(replace(manifest, fields={"lang": "keyword"}))
    await collection.write(document("a", axes[0]))
    assert await collection.count() == 2
    assert len((await collection.search([Leg("dense", axes[0], limit=5)]))[0]) == 2
    assert (await collection.entries()).keys() == {"a"}
    assert failed
    await store.close()


async def test_server_that_stays_away_is_named_and_the_circuit_says_that_it_is_open(
    store: QdrantStore, proxy: Proxy, manifest: Manifest
) -> None:
    collection = await store.open("c", create=manifest)
    proxy.faults = lambda _: "refuse"
    seen = len(proxy.seen)
    for _ in range(3):
        with pytest.raises(
            StoreUnavailable, match=rf"Qdrant at {proxy.url} does not answer: [^.]*[^.]\. Check that the server"
        ):
            await collection.count()
    assert len(proxy.seen) == seen + 9
    with pytest.raises(StoreUnavailable, match=r"failed 3 times in a row\. Try again in 60 s"):
        await collection.count()
    assert len(proxy.seen) == seen + 9


async def test_failed_write_says_that_earlier_ones_are_stored(
    store: QdrantStore, proxy: Proxy, manifest: Manifest, axes: list[Vector]
) -> None:
    collection = await store.open("c", create=manifest)
    proxy.faults = lambda _: "refuse"
    with pytest.raises(StoreUnavailable, match=r"does not answer: .*\. What it acknowledged before is stored\. Check"):
        await collection.write(document("a", axes[0]))


async def test_refused_keys_are_not_tried_again_nor_shown(server: Serving, proxy: Proxy, manifest: Manifest) -> None:
    for key, grpc_port in (("sesame", 0), ("reading", 0), ("sesame", server.grpc_port)):
        store = connected(proxy.url, key=key, retry=QUICK, grpc_port=grpc_port)
        with pytest.raises(Refused, match=r"refused the key: .*QDRANT_API_KEY") as refused:
            await store.open("c", create=manifest)
        assert "sesame" not in f"{refused.value} {refused.value.__cause__!r} {store.connection.address!r}"
        await store.close()
    assert proxy.count("PUT") == 1  # the reading key got as far as making the collection


async def test_collection_of_somebody_else_is_neither_read_nor_deleted(
    server: Serving, store: QdrantStore, manifest: Manifest
) -> None:
    await server.client.create_collection("theirs", vectors_config={})
    for attempt in (store.open("theirs"), store.open("theirs", create=manifest), store.drop("theirs")):
        with pytest.raises(StoreError, match=r"'theirs' at .* was not made by Resift.*another collection name"):
            await attempt
    assert await store.names() == []
    assert await server.client.collection_exists("theirs")


async def test_collection_that_is_gone_is_not_found(server: Serving, store: QdrantStore, manifest: Manifest) -> None:
    collection = await store.open("c", create=manifest)
    await server.client.delete_collection("c")
    with pytest.raises(NotFound, match="List the collections"):
        await collection.count()


async def test_fields_that_another_engine_learned_stay(
    server: Serving, store: QdrantStore, proxy: Proxy, manifest: Manifest
) -> None:
    mine = await store.open("c", create=manifest)
    other_store = connected(server.url, key="right")
    theirs = await other_store.open("c")
    await theirs.remember(replace(manifest, fields={"year": "integer", "lang": "keyword"}))
    await mine.remember(replace(manifest, fields={"year": "number"}))
    assert dict(mine.manifest.fields) == {"year": "number", "lang": "keyword"}
    await other_store.close()


async def test_collection_that_the_server_cannot_read_does_not_hide_the_others(
    server: Serving, store: QdrantStore, proxy: Proxy, manifest: Manifest
) -> None:
    await store.open("c", create=manifest)
    await server.client.create_collection("theirs", vectors_config={})
    proxy.faults = lambda request: "fail" if request == "GET /collections/theirs" else None
    assert await store.all_names() == {"c": True, "theirs": None}
    assert await store.names() == ["c", "theirs"]
    with pytest.raises(StoreError, match="failed: 500"):
        await connected(proxy.url, key="right").open("theirs")
    with pytest.raises(NotFound, match=r"Did you mean 'c'\?|Known: c, theirs"):
        await store.open("d")
    seen = len(proxy.seen)
    await store.connection.check()
    assert proxy.seen[seen:] == ["GET /collections"]


async def test_searches_of_a_collection_that_fails_do_not_keep_the_server_from_being_ready(
    server: Serving, store: QdrantStore, proxy: Proxy, manifest: Manifest
) -> None:
    await store.open("c", create=manifest)
    await server.client.create_collection("theirs", vectors_config={})
    proxy.faults = lambda request: "refuse" if request == "GET /collections/theirs" else None

    async def fail() -> None:
        with pytest.raises(StoreUnavailable):
            await store.open("theirs")

    async with create_task_group() as group:
        for _ in range(3):
            group.start_soon(fail)
    await store.connection.check()
    assert await store.names() == ["c", "theirs"]


async def test_reading_is_repeated_once_after_a_time_out_and_writing_more_often(
    proxy: Proxy, manifest: Manifest, axes: list[Vector]
) -> None:
    failed = list[str]()
    store = connected(proxy.url, key="right", retry=QUICK, timeout_s=1, clock=lambda: len(failed))
    collection = await store.open("c", create=manifest)

    def fail(request: str) -> Fault | None:
        if "/points" not in request:
            return None
        failed.append(request)  # which takes a second of the clock
        return "refuse"

    proxy.faults = fail
    with pytest.raises(StoreUnavailable):
        await collection.count()
    assert failed == ["POST /collections/c/points/count"] * 2
    failed.clear()
    with pytest.raises(StoreUnavailable):
        await collection.write(document("a", axes[0]))
    assert len(failed) == QUICK.attempts
    await store.close()


async def test_failed_searches_open_the_circuit_of_their_collection_and_of_no_other(
    store: QdrantStore, proxy: Proxy, manifest: Manifest
) -> None:
    collection, other = await store.open("c", create=manifest), await store.open("d", create=manifest)
    proxy.faults = lambda request: "refuse" if "/collections/c/points" in request else None
    for _ in range(3):
        with pytest.raises(StoreUnavailable, match="does not answer"):
            await collection.count()
        assert await store.names() == ["c", "d"]
    seen = len(proxy.seen)
    with pytest.raises(StoreUnavailable, match=r"Collection 'c' of .* failed 3 times in a row"):
        await collection.count()
    assert len(proxy.seen) == seen
    assert await other.count() == 0
    await store.connection.check()


@pytest.mark.slow
async def test_killed_server_loses_nothing_it_acknowledged_and_writing_goes_on_when_it_is_back(
    tmp_path: Path, manifest: Manifest, axes: list[Vector]
) -> None:
    async with killable_server(tmp_path) as (server, proxy):
        store = connected(proxy.url, retry=PATIENT)
        collection = await store.open("c", create=manifest)
        for number in range(5):
            await collection.write(document(f"before {number}", axes[number % 4]))

        server.kill()
        killed_at = len(proxy.seen)
        async with create_task_group() as group:
            group.start_soon(collection.write, document("meanwhile", axes[0]))
            with fail_after(60):
                await proxy.wait_for(killed_at + 3)  # the same request, again and again
            await run_sync(server.start)
        entries = await collection.entries()
        assert entries.keys() == {"meanwhile", *(f"before {number}" for number in range(5))}
        assert await collection.count() == 12

        server.kill()
        impatient = connected(proxy.url, retry=QUICK)
        with pytest.raises(StoreUnavailable, match="does not answer"):
            await impatient.names()
        await run_sync(server.start)
        again = await impatient.open("c")
        assert len((await again.search([Leg("dense", axes[0], limit=20)]))[0]) == 12
        await impatient.close()
        await store.close()
