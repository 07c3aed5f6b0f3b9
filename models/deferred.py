"""A value that takes long to build, such as a model: built once, in a thread, when first asked for."""

from collections.abc import Callable
from typing import Generic, TypeVar

import anyio
from anyio import to_thread

T = TypeVar("T")


class Deferred(Generic[T]):
    """Shares one value between everyone who awaits it."""

    def __init__(self, build: Callable[[], T]) -> None:
        self._build = build
        self._attempt: _Attempt[T] | None = None

    async def get(self) -> T:
        """Return the value, building it first where nobody has yet.

        An exception of the build is raised to everyone who waits for it; whoever asks afterwards tries again.
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
            # The one who was building was cancelled before it began: another round, and someone else builds.

    async def _run(self, attempt: "_Attempt[T]") -> None:
        try:
            attempt.values.append(await to_thread.run_sync(self._build))
        except Exception as error:  # noqa: BLE001 - raised by `get` to all who wait, this caller among them
            attempt.failure = error
        finally:
            if not attempt.values:
                self._attempt = None
            attempt.finished.set()


class _Attempt(Generic[T]):
    def __init__(self) -> None:
        self.finished = anyio.Event()
        self.values: list[T] = []  # empty or one, so that None is a value like any other
        self.failure: Exception | None = None
