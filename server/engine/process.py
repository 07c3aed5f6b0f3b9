"""The engine's process: it takes its lock and listens before it imports anything heavy, so that clients need not wait.

Run as `python -m resift.server.engine.process`, which `resift serve` does.
"""

import os
import sys
from contextlib import suppress
from pathlib import Path

from filelock import FileLock, Timeout

from ... import __version__
from ...settings.location import ENGINE_LOCK, LOGS, data_dir
from .address import listen

OUTPUT = "engine-output.log"

ANOTHER_RUNS = 75
"""The exit code when the data folder has an engine already."""


def main() -> int:
    """Serve the data folder of the settings until told to stop; return the exit code."""
    folder = data_dir()
    lock = FileLock(folder / ENGINE_LOCK, thread_local=False)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock.acquire(timeout=0)
    except Timeout:
        return ANOTHER_RUNS
    except OSError as error:
        return _fail(f"The data folder {folder} cannot be used: {error.strerror}. Set RESIFT_DATA_DIR to another.")
    try:
        listening, address = listen(folder, __version__)
    except OSError as error:
        return _fail(f"No engine can listen for the data folder {folder}: {error}.")
    try:
        address.write(folder)
        _redirect_output(folder / LOGS)
        from .hub import serve_until_stopped  # imports the MCP SDK, which takes most of a start

        return serve_until_stopped(listening, address, folder)
    finally:
        address.withdraw(folder)
        with suppress(OSError):
            listening.close()
        lock.release()


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
