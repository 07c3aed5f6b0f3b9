"""The threads that run every model of the process, shared fairly between all callers."""

from collections import deque
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager
from time import perf_counter
from typing import Generic, TypeVar, TypeVarTuple

import anyio
from anyio import to_thread

Item = TypeVar("Item")

Result = TypeVar("Result")

Arguments = TypeVarTuple("Arguments")

SLICE_ITEMS = 8  # handing work to a thread costs about 0.1 ms, so several small items go at once

SLICE_S = 0.02  # the longest that a query waits for an ingestion running beside it, plus the time of one item


class WorkerPool:
    """Runs synchronous functions on at most `threads` threads, counted over all calls.

    Short work, such as encoding a query, goes before the slices of long work that wait already: under load, a document
    of one passage would otherwise wait for a slice of every search beside it, at each of its steps.
    """

    def __init__(self, threads: int) -> None:
        self.threads = threads
        self._fair_limit = _FairLimit(threads)
        self._limit: anyio.CapacityLimiter | None = None

    async def run(self, function: Callable[[*Arguments], Result], *arguments: *Arguments) -> Result:
        """Return `function(*arguments)`, computed in a thread."""
        return await self._run(function, *arguments, is_short=True)

    async def map(self, function: Callable[[Item], Result], items: Sequence[Item]) -> list[Result]:
        """Return `function(item)` for every item, in the order of the items.

        Other calls are served, and a cancellation takes effect, after every slice of at most 8 items. The first
        exception that `function` raises stops the rest and reaches the caller unchanged.
        """
        batch = _Batch(function, items)
        try:
            async with anyio.create_task_group() as group:
                for _ in range(min(self.threads, len(items))):
                    group.start_soon(self._finish, batch)
        except ExceptionGroup as failures:
            raise failures.exceptions[0] from None
        return [batch.results[index] for index in range(len(items))]

    async def _finish(self, batch: "_Batch[Item, Result]") -> None:
        while batch.waiting:
            await self._run(batch.run_slice, is_short=batch.is_short)

    async def _run(self, function: Callable[[*Arguments], Result], *arguments: *Arguments, is_short: bool) -> Result:
        async with self._fair_limit.slot(is_short=is_short):
            return await to_thread.run_sync(function, *arguments, limiter=self._limiter())

    def _limiter(self) -> anyio.CapacityLimiter:
        if self._limit is None:  # created here because it belongs to the running event loop
            self._limit = anyio.CapacityLimiter(self.threads)
        return self._limit


class _FairLimit:
    """The threads that are free: short work gets one first, and other work in the order in which it came."""

    def __init__(self, count: int) -> None:
        self._free = count
        self._waiting: tuple[deque[anyio.Event], deque[anyio.Event]] = (deque(), deque())

    @asynccontextmanager
    async def slot(self, *, is_short: bool) -> AsyncGenerator[None]:
        """Wait for a free thread, and release it at the end."""
        await self._take(self._waiting[0 if is_short else 1])
        try:
            yield
        finally:
            self._give_back()

    async def _take(self, queue: deque[anyio.Event]) -> None:
        if self._free:
            self._free -= 1
            return
        granted = anyio.Event()
        queue.append(granted)
        try:
            await granted.wait()
        except BaseException:  # cancelled
            if granted.is_set():
                self._give_back()
            else:
                queue.remove(granted)
            raise

    def _give_back(self) -> None:
        for queue in self._waiting:
            if queue:
                queue.popleft().set()
                return
        self._free += 1


class _Batch(Generic[Item, Result]):
    """The items of one call: those still to be done, and the results so far by index."""

    def __init__(self, function: Callable[[Item], Result], items: Sequence[Item]) -> None:
        self._function = function
        self._items = items
        self.waiting = deque(_longest_first(items))
        self.is_short = len(items) <= SLICE_ITEMS
        self.results: dict[int, Result] = {}

    def run_slice(self) -> None:
        """Process a few items. Several threads may do so at once, since `popleft` is atomic."""
        end = perf_counter() + SLICE_S
        for _ in range(SLICE_ITEMS):
            try:
                index = self.waiting.popleft()
            except IndexError:
                return
            self.results[index] = self._function(self._items[index])
            if perf_counter() >= end:
                return


def _longest_first(items: Sequence[object]) -> list[int]:
    """Return the items' indexes, longest strings first, so that all threads finish at about the same time."""
    lengths = [len(item) if isinstance(item, str) else 0 for item in items]
    return sorted(range(len(items)), key=lambda index: -lengths[index])
