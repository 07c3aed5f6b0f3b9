"""One engine over each store, for tests of whole searches: the ids in test reports name the store."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from resift.core.values import Document
from resift.factories.engine import Engine, build_engine
from resift.ingest.job import Job
from resift.settings.load import load_settings
from resift.tests.standins.qdrant import serving

STORES = (pytest.param("edge", id="qdrant-edge"), pytest.param("grpc", id="stand-in-server-over-gRPC"))


@asynccontextmanager
async def engine_on(
    store: str, folder: Path, documents: Sequence[Document], *, collection: str = "default", **settings: Any
) -> AsyncGenerator[Engine]:
    """Open an engine over a store in `STORES`, with the documents in a collection."""
    async with AsyncExitStack() as stack:
        if store == "grpc":
            server = await stack.enter_async_context(serving())
            settings = {**settings, "QDRANT_URL": server.url, "qdrant": {"grpc_port": server.grpc_port}}
        engine = build_engine(load_settings(data_dir=folder, **settings), roots=[folder])
        stack.push_async_callback(engine.close)
        report = await engine.services.ingestor.ingest(Job(collection, documents, total=len(documents)))
        assert report.added == len(documents), report.failures
        yield engine
