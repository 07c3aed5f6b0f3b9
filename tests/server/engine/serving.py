"""An engine that serves its clients from the process of the test, and commands beside it."""

import os
import subprocess
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import anyio
from filelock import FileLock

from resift import __version__
from resift.server.engine.address import listen
from resift.server.engine.connections import answer
from resift.server.engine.hub import Hub
from resift.settings.location import ENGINE_LOCK
from resift.tests.conftest import open_engine
from resift.tests.server.processes import COMMAND, environment


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
            group.start_soon(hub.serve, listening, answer)
            yield hub
            hub.stop("the test is over")


def start(folder: Path, *arguments: str, **variables: str) -> subprocess.Popen[bytes]:
    """Start a command in `folder`, with these variables as its whole environment if any are given."""
    return subprocess.Popen(
        [*COMMAND, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=variables or environment(folder),
        cwd=folder,
    )


def read_to_the_end(terminal: int) -> bytes:
    """Return what is written on a terminal until nobody has it open any more."""
    parts = list[bytes]()
    with suppress(OSError):  # how Linux tells the end
        while part := os.read(terminal, 2**16):
            parts.append(part)
    return b"".join(parts)
