"""The engine's process: it takes its lock and listens before it imports anything heavy, so that clients need not wait.

Run as `python -m resift.server.engine.process`, which `resift serve` does.
"""

import gc
import os
import signal
import socket
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from ... import __version__
from ...settings.location import ENGINE_LOCK, LOGS, data_dir
from .address import ANOTHER_RUNS, EngineAddress, listen

OUTPUT = "engine-output.log"


def main() -> int:
    """Serve the data folder of the settings until told to stop; return the exit code."""
    folder = data_dir()
    signal.signal(signal.SIGTERM, _leave)  # until the hub awaits signals
    try:
        with holding(folder) as (listening, address):
            _redirect_output(folder / LOGS)
            gc.disable()  # of what is imported nothing is garbage; looking for some takes a tenth of the start
            from .daemon import serve_until_stopped  # imports the MCP SDK, which takes most of a start

            return serve_until_stopped(listening, address, folder)
    except Timeout:
        return ANOTHER_RUNS
    except Unusable as error:
        return _fail(str(error))


class Unusable(Exception):
    """The data folder, or a socket for it, cannot be used; the message is for the user."""


@contextmanager
def holding(folder: Path, *, url: str = "") -> Generator[tuple[socket.socket, EngineAddress]]:
    """Hold the lock of a data folder, and yield a socket that listens and is published to this user's clients.

    `url` is where the engine serves HTTP, if it does.

    Raises:
        Timeout: The folder has an engine already.
        Unusable: The folder cannot be written, or the socket cannot be made.
    """
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        held = FileLock(folder / ENGINE_LOCK, thread_local=False).acquire(timeout=0)
    except Timeout:
        raise
    except OSError as error:
        problem = f"The data folder {folder} cannot be used: {error.strerror}. Set RESIFT_DATA_DIR to another."
        raise Unusable(problem) from error
    with held:
        try:
            listening, address = listen(folder, __version__)
        except OSError as error:
            raise Unusable(f"No engine can listen for the data folder {folder}: {error}.") from error
        with listening:
            address = address._replace(url=url)
            address.write(folder)
            try:
                yield listening, address
            finally:
                address.withdraw(folder)


def _leave(*_: object) -> None:
    """End in order: a client that is waiting starts another engine."""
    sys.exit(0)


def _fail(problem: str) -> int:
    print(problem, file=sys.stderr)  # noqa: T201 - the client that started this process reads it
    return 1


def _redirect_output(logs: Path) -> None:
    """Write what this process prints to a file: Python's last words, and those of native libraries."""
    logs.mkdir(exist_ok=True)
    output = os.open(logs / OUTPUT, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    empty = os.open(os.devnull, os.O_RDONLY)
    for source, target in ((empty, 0), (output, 1), (output, 2)):
        os.dup2(source, target)
    os.close(output)
    os.close(empty)


if __name__ == "__main__":
    sys.exit(main())
