"""A value that is slow to build, such as a model: built once, in a thread, when it is first needed."""

from collections.abc import Callable
from typing import Generic, TypeVar

import anyio
from anyio import to_thread

T = TypeVar("T")


class Lazy(Generic[T]):
    """Builds a value at the first request and shares it with every later one."""

    def __init__(self, build: Callable[[], T]) -> None:
        self._build = build
        self._attempt: _Attempt[T] | None = None

    async def get(self) -> T:
        """Return the value, building it first if that has not been done.

        If the build fails, its exception is raised in every task that is waiting; the next call tries again.
        """
        while True:
            attempt = self._attempt
            if attempt is None:
                attempt = self._attempt = _Attempt()
                await self._run(attempt)
            await attempt.finished.wait()
            if attempt.values:
                return attempt.values[0]
            if attempt.failure is not None:
                raise attempt.failure
            # The task that was to build was cancelled before it began: try again in this one.

    async def _run(self, attempt: "_Attempt[T]") -> None:
        try:
            attempt.values.append(await to_thread.run_sync(self._build))
        except Exception as error:  # noqa: BLE001 - raised by `get` in every waiting task, including this one
            attempt.failure = error
        finally:
            if not attempt.values:
                self._attempt = None
            attempt.finished.set()


class _Attempt(Generic[T]):
    def __init__(self) -> None:
        self.finished = anyio.Event()
        self.values: list[T] = []  # at most one; a list, so that None can be the value
        self.failure: Exception | None = None
