"""Wait for several answers at once."""

from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

import anyio

from ..core.errors import ModelError

T = TypeVar("T")


async def together(questions: Sequence[Callable[[], Awaitable[T]]]) -> list[T]:
    """Return the answers in the order of the questions; when one fails, the others are cancelled.

    Raises:
        ModelError: The first failure.
    """
    answers: dict[int, T] = {}
    failures: list[ModelError] = []

    async def answer(place: int) -> None:
        try:
            answers[place] = await questions[place]()
        except ModelError as error:
            failures.append(error)
            group.cancel_scope.cancel()

    async with anyio.create_task_group() as group:
        for place in range(len(questions)):
            group.start_soon(answer, place)
    if failures:
        raise failures[0]
    return [answers[place] for place in range(len(questions))]
