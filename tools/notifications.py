"""Progress notifications: whole numbers, each above the one before, soon after the start and never far apart."""

import time
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar, cast

import anyio
from mcp.server.mcpserver import Context

from ..ingest.report import Progress

T = TypeVar("T")

MIN_INTERVAL_S = 0.5  # more often does not help a reader

MAX_SILENCE_S = 5.0  # some clients give up on a call that is silent for a minute


class Notifications:
    """Passes the progress of a call on to a client."""

    def __init__(
        self,
        send: Callable[[float, float | None, str], Awaitable[None]],
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._send = send
        self._clock = clock
        self._start = self._last = clock()
        self._sent = -1
        self._repeats = 0
        self._now = (0, 0, "")

    async def report(self, done: float, total: int, message: str) -> None:
        """Send a status, unless one was just sent or the numbers have not grown. The first and the last are sent."""
        self._now = (int(done), total, message)
        is_due = self._sent < 0 or self._clock() - self._last >= MIN_INTERVAL_S or 0 < total <= done
        if is_due and self._repeats + int(done) > self._sent:
            await self._notify()

    async def repeat(self) -> None:
        """Send the last status again after a silence, with the seconds so far.

        MCP wants each progress above the one before, so it counts one more, of as many more in all.
        """
        if self._clock() - self._last < MAX_SILENCE_S:
            return
        done, total, message = self._now
        self._repeats = max(self._repeats, self._sent + 1 - done)
        self._now = (done, total, message)
        await self._notify(f" ({self._clock() - self._start:.0f} s)")

    async def _notify(self, suffix: str = "") -> None:
        done, total, message = self._now
        self._sent, self._last = self._repeats + done, self._clock()
        await self._send(self._sent, self._repeats + total if total else None, f"{message}{suffix}")


async def call_with_progress(context: Context[Any, Any], call: Callable[[Progress], Awaitable[T]]) -> T:
    """Return the result of a call, and pass its progress on to the client. What the call raises is raised."""
    notifications = Notifications(context.report_progress)

    async def repeat() -> None:
        while True:
            await anyio.sleep(1.0)
            await notifications.repeat()

    failure: Exception | None = None
    async with anyio.create_task_group() as group:
        group.start_soon(repeat)
        try:
            return await call(notifications.report)
        except Exception as error:  # noqa: BLE001 - raised in the group, it would become a part of an ExceptionGroup
            failure = error
        finally:
            group.cancel_scope.cancel()
    raise cast("Exception", failure)
