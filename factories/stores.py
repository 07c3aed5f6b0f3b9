"""The store of the settings: embedded, or a Qdrant server."""

from dataclasses import replace
from pathlib import Path

from ..core.retry import CircuitBreaker, RetryPolicy
from ..ingest.jobs.folder import JOBS
from ..ingest.watching.watched import WATCHED, WATCHED_LOCK
from ..settings.load import Settings
from ..settings.location import ENGINE_ADDRESS, ENGINE_LOCK, ENGINE_SOCKET, LOGS
from ..store.collection import Store
from ..store.edge.data_dir import LOCK, OWNER
from ..store.edge.store import COLLECTIONS, EdgeStore
from ..store.feedback_log import FOLDER
from ..store.qdrant.connection import Address, QdrantConnection
from ..store.qdrant.layout import ClusterLayout
from ..store.qdrant.store import QdrantStore


def open_store(settings: Settings) -> Store:
    """Return the store, not yet opened: the server at QDRANT_URL, else the data folder."""
    return server_store(settings) if settings.qdrant_url else embedded_store(settings)


def embedded_store(settings: Settings) -> EdgeStore:
    """Return the store in the data folder."""
    return EdgeStore(settings.data_dir, reserve_bytes=settings.min_free_mb * 2**20)


def server_store(settings: Settings) -> QdrantStore:
    """Return the store on the server at QDRANT_URL."""
    qdrant = settings.qdrant
    address = Address(
        settings.qdrant_url,
        settings.qdrant_api_key.get_secret_value(),
        prefer_grpc=qdrant.prefer_grpc,
        grpc_port=qdrant.grpc_port,
        timeout_s=qdrant.timeout_s,
    )
    layout = ClusterLayout(
        replication_factor=qdrant.replication_factor,
        shard_number=qdrant.shard_number,
        write_consistency_factor=qdrant.write_consistency_factor,
        payload_on_disk=qdrant.payload_on_disk,
    )
    breaker = CircuitBreaker(f"Qdrant at {address.shown}", replace(RetryPolicy(), attempts=qdrant.attempts))
    return QdrantStore(QdrantConnection(address, breaker), layout)


def own_files(settings: Settings) -> tuple[Path, ...]:
    """Return what Resift writes to the data folder, which is never ingested. Other files there are the user's."""
    engine = (ENGINE_LOCK, ENGINE_ADDRESS, ENGINE_SOCKET, LOGS)
    watched = (WATCHED, WATCHED_LOCK)
    return tuple(settings.data_dir / name for name in (COLLECTIONS, FOLDER, JOBS, LOCK, OWNER, *watched, *engine))
