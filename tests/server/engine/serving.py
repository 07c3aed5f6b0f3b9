"""An engine that serves its clients from the process of the test, and commands beside it."""

import os
import subprocess
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager, suppress
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

HOLD = """
import sys
from pathlib import Path
from resift.server.relay.maintenance import engine_kept_out
with engine_kept_out(Path(sys.argv[1]), "resift backup", tell=print):
    print("held", flush=True)
    sys.stdin.read()
"""


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


@contextmanager
def maintenance(folder: Path) -> Generator[subprocess.Popen[str]]:
    """Yield a process that has the data in `folder` until its input ends."""
    holder = subprocess.Popen(
        [COMMAND[0], "-c", HOLD, str(folder / "data")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=environment(folder),
    )
    with holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        yield holder


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
