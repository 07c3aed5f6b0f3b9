"""Actions at a time: what stops processes that take too long, or that have had nothing to do for long."""

import logging
import threading
import time
from collections.abc import Callable, Hashable
from dataclasses import dataclass

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Deadline:
    at: float
    act: Callable[[], None]


class Deadlines:
    """Calls functions when their time has come, in one thread, which starts when there is something to wait for.

    A thread for each document would cost as much as parsing a short one, and waiting for a pipe with a time-out is not
    possible on Windows.
    """

    def __init__(self) -> None:
        self._deadlines: dict[Hashable, _Deadline] = {}
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        self._awake_at = float("inf")

    def set(self, key: Hashable, seconds: float, act: Callable[[], None]) -> None:
        """Call `act` in so many seconds, instead of what was to be called for the same key."""
        with self._changed:
            at = time.monotonic() + seconds
            self._deadlines[key] = _Deadline(at, act)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="resift-deadlines", daemon=True)
                self._thread.start()
            elif at < self._awake_at:
                self._changed.notify()

    def drop(self, key: Hashable) -> None:
        """Do not call what was to be called for a key; it may be running already."""
        with self._changed:
            self._deadlines.pop(key, None)

    def close(self) -> None:
        """Call nothing any more, and end the thread."""
        with self._changed:
            self._deadlines.clear()
            thread, self._thread = self._thread, None
            self._changed.notify()
        if thread is not None and thread is not threading.current_thread():
            thread.join()

    def _run(self) -> None:
        while due := self._next_due():
            for deadline in due:
                try:
                    deadline.act()
                except Exception:  # the other deadlines hold
                    logger.exception("What was to be done at a deadline failed")

    def _next_due(self) -> list[_Deadline]:
        """Wait for the next time, and return what is due then; nothing after `close`."""
        with self._changed:
            while self._thread is threading.current_thread():
                now = time.monotonic()
                due = [key for key, each in self._deadlines.items() if each.at <= now]
                if due:
                    return [self._deadlines.pop(key) for key in due]
                self._awake_at = min((each.at for each in self._deadlines.values()), default=float("inf"))
                self._changed.wait(None if self._awake_at == float("inf") else self._awake_at - now)
        return []
