"""The stores that tests hold to one another, and what each of them is."""

import os
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from qdrant_client import AsyncQdrantClient

from resift.core.retry import CircuitBreaker, RetryPolicy
from resift.store.collection import Store
from resift.store.edge.store import EdgeStore
from resift.store.qdrant.connection import Address, QdrantConnection
from resift.store.qdrant.layout import ClusterLayout
from resift.store.qdrant.store import QdrantStore
from resift.tests.standins.qdrant import serving

SERVER = os.environ.get("RESIFT_TEST_QDRANT_URL", "")
NO_SERVER = pytest.mark.skip(reason="no real Qdrant server: RESIFT_TEST_QDRANT_URL is not set")

OTHERS = (
    pytest.param("memory", id="qdrant-client-in-memory"),
    pytest.param("rest", id="stand-in-server-over-REST"),
    pytest.param("grpc", id="stand-in-server-over-gRPC"),
    pytest.param("server", id="real-qdrant-server", marks=() if SERVER else NO_SERVER),
)
"""What is held to the embedded store; the ids say in every report which part ran against what."""
ALL = (pytest.param("edge", id="qdrant-edge"), *OTHERS)


@asynccontextmanager
async def open_store(kind: str, folder: Path) -> AsyncGenerator[Store]:
    """Open an empty store of a kind in `ALL`."""
    if kind == "edge":
        store = EdgeStore(folder / "data", reserve_bytes=0)
        try:
            yield store
        finally:
            await store.close()
        return
    if kind == "memory":
        async with _closing(connected("http://memory", client=AsyncQdrantClient(":memory:"))) as store:
            yield store
        return
    if kind == "server":
        async with _closing(connected(SERVER)) as store:
            for name in await store.names():
                await store.drop(name)
            yield store
        return
    async with (
        serving() as server,
        _closing(connected(server.url, grpc_port=server.grpc_port if kind == "grpc" else 0)) as store,
    ):
        yield store
        assert store.connection.transport == {"rest": "REST", "grpc": "gRPC"}[kind]


def connected(
    url: str,
    *,
    client: AsyncQdrantClient | None = None,
    grpc_port: int = 0,
    key: str = "",
    retry: RetryPolicy | None = None,
    timeout_s: float = 60,
    clock: Callable[[], float] = time.monotonic,
) -> QdrantStore:
    """Return a store at a server, over gRPC where a port is given."""
    address = Address(url, key, prefer_grpc=grpc_port > 0, grpc_port=grpc_port or 6334, timeout_s=timeout_s)
    breaker = CircuitBreaker(url, retry or RetryPolicy(attempts=1), clock=clock)
    return QdrantStore(QdrantConnection(address, breaker, client=client), ClusterLayout())


@asynccontextmanager
async def _closing(store: QdrantStore) -> AsyncGenerator[QdrantStore]:
    try:
        yield store
    finally:
        await store.close()
