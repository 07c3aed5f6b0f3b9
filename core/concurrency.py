"""Run calls at the same time, and cut what a model reads into batches."""

from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

import anyio

from .errors import ResiftError

T = TypeVar("T")


def batched(items: Sequence[T], size: int) -> list[Sequence[T]]:
    """Return the items in batches of `size`; the last may be smaller.

    Raises:
        ValueError: `size` is below 1.
    """
    if size < 1:
        raise ValueError(f"A batch holds at least one item, not {size}.")
    return [items[start : start + size] for start in range(0, len(items), size)]


async def run_concurrently(calls: Sequence[Callable[[], Awaitable[T]]]) -> list[T]:
    """Return the results in the order of the calls. When one fails, the others are cancelled.

    Raises:
        ResiftError: The first failure.
    """
    results: dict[int, T] = {}
    failures: list[ResiftError] = []

    async def run(place: int) -> None:
        try:
            results[place] = await calls[place]()
        except ResiftError as error:
            failures.append(error)
            group.cancel_scope.cancel()

    async with anyio.create_task_group() as group:
        for place in range(len(calls)):
            group.start_soon(run, place)
    if failures:
        raise failures[0]
    return [results[place] for place in range(len(calls))]
