"""Streams between the stages: results in the order of their items, and one error for all stages."""

from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from typing import TypeVar, cast

import anyio
from anyio.abc import TaskGroup
from anyio.streams.memory import MemoryObjectSendStream

Item = TypeVar("Item")

Result = TypeVar("Result")


async def map_in_order(
    function: Callable[[Item], Awaitable[Result]],
    items: Iterable[Item],
    send: MemoryObjectSendStream[Result],
    *,
    at_once: int,
) -> None:
    """Send `function(item)` for every item, in the order of the items.

    At most `at_once` results are being computed or wait until those before them are sent.
    """
    free = anyio.Semaphore(at_once)

    async def compute(item: Item, before: anyio.Event, after: anyio.Event) -> None:
        result = await function(item)
        await before.wait()
        await send.send(result)
        after.set()
        free.release()

    async with anyio.create_task_group() as group:
        before = anyio.Event()
        before.set()
        for item in items:
            await free.acquire()
            after = anyio.Event()
            group.start_soon(compute, item, before, after)
            before = after


@asynccontextmanager
async def running_stages() -> AsyncGenerator[TaskGroup]:
    """Yield a task group for stages that are joined by streams. The error of one ends all, and is raised alone."""
    try:
        async with anyio.create_task_group() as group:
            yield group
    except ExceptionGroup as errors:
        raise _cause(errors) from None


def _cause(errors: ExceptionGroup[Exception]) -> Exception:
    """Return the error that ended the stages, and not one of those because of streams that it closed."""
    found = list(_leaves(errors))
    broken = (anyio.BrokenResourceError, anyio.ClosedResourceError, anyio.EndOfStream)
    return next((error for error in found if not isinstance(error, broken)), found[0])


def _leaves(errors: ExceptionGroup[Exception]) -> list[Exception]:
    found: list[Exception] = []
    for each in errors.exceptions:
        if isinstance(each, ExceptionGroup):
            found += _leaves(cast("ExceptionGroup[Exception]", each))
        else:
            found.append(each)
    return found
