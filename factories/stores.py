"""The store that the settings ask for: embedded, or at a Qdrant server."""

from dataclasses import replace

from ..core.retry import CircuitBreaker, RetryPolicy
from ..settings.load import Settings
from ..store.collection import Store
from ..store.edge.store import EdgeStore
from ..store.qdrant.connection import Address, QdrantConnection
from ..store.qdrant.layout import ClusterLayout
from ..store.qdrant.store import QdrantStore


def open_store(settings: Settings) -> Store:
    """Return the store, unopened: at the server that QDRANT_URL names, else in the data folder."""
    return server_store(settings) if settings.qdrant_url else embedded_store(settings)


def embedded_store(settings: Settings) -> EdgeStore:
    """Return the store in the data folder."""
    return EdgeStore(settings.data_dir, reserve_bytes=settings.min_free_mb * 2**20)


def server_store(settings: Settings) -> QdrantStore:
    """Return the store at the server that QDRANT_URL names."""
    chosen = settings.qdrant
    address = Address(
        settings.qdrant_url,
        settings.qdrant_api_key.get_secret_value(),
        prefer_grpc=chosen.prefer_grpc,
        grpc_port=chosen.grpc_port,
        timeout_s=chosen.timeout_s,
    )
    layout = ClusterLayout(
        replication_factor=chosen.replication_factor,
        shard_number=chosen.shard_number,
        write_consistency_factor=chosen.write_consistency_factor,
        payload_on_disk=chosen.payload_on_disk,
    )
    breaker = CircuitBreaker(f"Qdrant at {address.shown}", replace(RetryPolicy(), attempts=chosen.attempts))
    return QdrantStore(QdrantConnection(address, breaker), layout)
