"""A job that this process works on or keeps in its queue."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import anyio
from filelock import BaseFileLock

from ...core.errors import ResiftError
from ..report import IngestReport
from .record import JobRecord, KeptError

Perform: TypeAlias = Callable[["LiveJob"], Awaitable[IngestReport]]
"""Does what a job asks for, from the beginning, and reports to the job; what is stored already is skipped."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What a job is to do: the request and the caller in JSON, as the API writes them."""

    collection: str
    what: str
    """What is ingested, in short."""
    request: Mapping[str, Any]
    caller: Mapping[str, Any]


class LiveJob:
    """A job with its lock, if it is kept in the folder, and what ends it."""

    def __init__(self, record: JobRecord, asked: Asked, lock: BaseFileLock | None = None) -> None:
        self.record = record
        self.asked = asked
        self.lock = lock
        """None as long as it is not kept in the folder."""
        self.saved = record if lock else None
        """What the folder holds."""
        self.progress: tuple[float, int] = (0, 0)
        """How much is done, of how much; of 0 means that it is not known yet."""
        self.scope = anyio.CancelScope()
        self.is_cancelled = False
        """Whether somebody wants it cancelled; otherwise the end of its scope only interrupts it."""
        self.saving = anyio.Lock()
        """Held while it is written into the folder."""
        self.has_left = anyio.Event()
        """Set when this process is done with it: it has ended, or the next engine goes on with it."""
        self._changed = anyio.Event()

    def note(self, **changes: Any) -> None:
        """Change the record, and wake up those who follow it."""
        self.record = replace(self.record, **changes)
        self._changed.set()
        self._changed = anyio.Event()

    def fail(self, error: ResiftError, **changes: Any) -> None:
        """Note why it failed."""
        self.note(error=KeptError.of(error), **changes)

    def report(self, done: float, total: int, message: str, *, documents: int) -> None:
        """Note how far it is, and how many documents it is done with."""
        self.progress = done, total
        permille = min(1000, int(1000 * done / total)) if total else 0
        self.note(permille=permille, message=message, documents=documents)

    def stop(self, *, is_cancelled: bool) -> None:
        """End it at the next point at which its documents are whole; cancelled, or to be resumed later."""
        self.is_cancelled |= is_cancelled
        self.scope.cancel()

    async def changed(self) -> None:
        """Wait for the next change of the record."""
        await self._changed.wait()

    def leave(self) -> None:
        """Let go of it."""
        if self.lock is not None:
            self.lock.release()
        self.has_left.set()
        self._changed.set()
