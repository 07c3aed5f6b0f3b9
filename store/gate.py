"""The gate of a store: any number of calls may use it at once, or maintenance alone."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import anyio

from ..core.errors import InvalidInput, StoreBusy, Unavailable

WAIT_S = 30.0  # that a call waits for maintenance to end: clients give up on a call that is silent for a minute

DRAIN_S = 1.0  # that new calls wait for those in flight, so that maintenance gets its turn between short calls

PAUSE_S = 2.0  # between two such attempts: a long call, such as an ingestion, must not stop searches

ENDED = "This instance was closed. Create another one."


class Gate:
    """Counts the calls in flight, and keeps those that use the store out while maintenance holds it."""

    def __init__(self, *, wait_s: float = WAIT_S) -> None:
        self.calls = 0
        """Calls in flight, whether they use the store or not."""
        self.holder = ""
        """What holds the store alone, such as "resift backup"; empty if nothing does."""
        self._users = 0
        self._waiting = 0
        """Maintenance that waits for the store or holds it."""
        self._yielding: set[anyio.CancelScope] = set()
        """The long work that uses the store, each piece in a scope that ends it."""
        self._refusal = ""
        self._has_ended = False
        self._is_closed = False
        self._wait_s = wait_s
        self._changed = anyio.Condition()

    @property
    def is_wanted(self) -> bool:
        """Return whether maintenance holds the store or waits for it."""
        return self._waiting > 0

    @property
    def is_idle(self) -> bool:
        """Return whether no call is in flight, and no maintenance holds the store."""
        return not self.calls and not self.holder

    @asynccontextmanager
    async def call(self) -> AsyncGenerator[None]:
        """Count a call that does not use the store.

        Raises:
            Unavailable: No more calls are taken.
            InvalidInput: The engine was closed by whoever calls it.
        """
        if self._has_ended:
            raise InvalidInput(ENDED)
        if self._refusal:
            raise Unavailable(self._refusal)
        self.calls += 1
        try:
            yield
        finally:
            self.calls -= 1
            await self._notify()

    @asynccontextmanager
    async def shared(self) -> AsyncGenerator[None]:
        """Let a call use the store beside others, as soon as no maintenance holds it.

        Raises:
            StoreBusy: Maintenance did not end in time.
            Unavailable: No more calls are taken.
        """
        async with self.call():
            await self._enter()
            try:
                yield
            finally:
                self._users -= 1  # waiting maintenance learns of it when the call ends

    @asynccontextmanager
    async def yielding(self) -> AsyncGenerator[anyio.CancelScope]:
        """Let long work use the store beside calls until maintenance wants it, which cancels the scope that is yielded.

        The work waits first until no maintenance needs the store, however long that takes. It does not count as a call.
        """
        while self._waiting or self._is_closed:
            async with self._changed:
                await self._changed.wait()
        self._users += 1
        scope = anyio.CancelScope()
        self._yielding.add(scope)
        try:
            with scope:
                yield scope
        finally:
            self._yielding.discard(scope)
            self._users -= 1
            await self._notify()

    @asynccontextmanager
    async def exclusive(self, holder: str) -> AsyncGenerator[None]:
        """Wait until nothing uses the store, and keep everything else out. `holder` is named in messages."""
        self._waiting += 1
        try:
            for scope in self._yielding:
                scope.cancel()
            while True:
                if await self._drained():
                    break
                await anyio.sleep(PAUSE_S)
            self.holder = holder
            try:
                yield
            finally:
                self._is_closed, self.holder = False, ""
        finally:
            self._waiting -= 1
            await self._notify()

    async def released(self) -> None:
        """Wait until no maintenance holds the store or waits for it."""
        async with self._changed:
            while self._waiting:
                await self._changed.wait()

    async def refuse(self, reason: str) -> None:
        """Take no more calls, and wait for those in flight."""
        self._refusal = reason
        async with self._changed:
            while self.calls:
                await self._changed.wait()

    def end(self) -> None:
        """Take no more calls from the program that closes the engine: one would open the store again, for good."""
        self._has_ended = True

    async def _enter(self) -> None:
        if self._is_closed:
            with anyio.move_on_after(self._wait_s):
                async with self._changed:
                    while self._is_closed:
                        await self._changed.wait()
            if self._is_closed:
                raise StoreBusy(
                    f"The collections are being maintained by `{self.holder}`, which has not ended. Try again later."
                )
        self._users += 1

    async def _drained(self) -> bool:
        """Keep new calls out until those in flight have ended, or return False when that takes too long."""
        if self._is_closed:  # by other maintenance
            return False
        self._is_closed, is_drained = True, False
        try:
            with anyio.move_on_after(DRAIN_S):
                async with self._changed:
                    while self._users:
                        await self._changed.wait()
            is_drained = not self._users
        finally:
            if not is_drained:
                self._is_closed = False
                await self._notify()
        return is_drained

    async def _notify(self) -> None:
        with anyio.CancelScope(shield=True):
            async with self._changed:
                self._changed.notify_all()
