"""An engine that serves its clients from the process of the test."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
from filelock import FileLock

from resift import __version__
from resift.server.engine.address import listen
from resift.server.engine.hub import Hub
from resift.settings.location import ENGINE_LOCK
from resift.tests.conftest import open_engine


@asynccontextmanager
async def served(folder: Path) -> AsyncGenerator[Hub]:
    """Serve the data folder below `folder` from this process."""
    engine, data = open_engine(folder), folder / "data"
    data.mkdir(exist_ok=True)
    with FileLock(data / ENGINE_LOCK, thread_local=False):
        listening, address = listen(data, __version__)
        address.write(data)
        hub = Hub(engine, address, data)
        async with anyio.create_task_group() as group:
            group.start_soon(hub.serve, listening)
            yield hub
            hub.stop("the test is over")
