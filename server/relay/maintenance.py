"""Have the data folder alone: the engine lets go of it when no call is in flight, and takes it back afterwards."""

import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path

from ...settings.location import ENGINE_LOCK
from ..engine.greeting import LEASE
from .connect import Connection, EngineFailed, connect

POLL_S = 0.05

TELL_AFTER_S = 2.0


@contextmanager
def engine_kept_out(data_folder: Path, holder: str, *, tell: Callable[[str], None]) -> Generator[None]:
    """Keep the engine of a data folder, if one runs, from using its store until the end of the block.

    `holder` is what the engine's clients are told, such as "resift backup"; `tell` gets what this waits for. When this
    process is killed, the engine notices and goes on.
    """
    lease = _lease(data_folder, holder, tell)
    try:
        yield
    finally:
        if lease is not None:
            lease.channel.close()


def is_engine_alive(data_folder: Path) -> bool:
    """Return whether an engine holds the lock of the data folder, even one that does not listen any more."""
    from filelock import FileLock, Timeout

    if not (data_folder / ENGINE_LOCK).exists():
        return False
    try:
        with FileLock(data_folder / ENGINE_LOCK, timeout=0):
            return False
    except Timeout:
        return True


def _lease(data_folder: Path, holder: str, tell: Callable[[str], None]) -> Connection | None:
    """Return the connection that keeps the engine out, or None if no engine runs."""
    started, told = time.monotonic(), False
    while True:
        try:
            engine = connect(LEASE, data_folder=data_folder, command={"holder": holder})
        except EngineFailed:  # one that cannot serve anybody, and ends
            return None
        if engine is not None and not engine.welcome.retry and _is_lent(engine, tell):
            return engine
        if engine is not None:
            engine.channel.close()
        if engine is None and not is_engine_alive(data_folder):
            return None
        if not told and time.monotonic() - started > TELL_AFTER_S:
            told = True
            tell("Waiting for the engine to start or stop ...")
        time.sleep(POLL_S)


def _is_lent(engine: Connection, tell: Callable[[str], None]) -> bool:
    """Wait until the engine has let go of its store; return False if it ended before."""
    for message in engine.messages():
        if "waiting" not in message:
            return True
        tell(f"Waiting for {message['waiting']} ...")
    return False
