"""Asking what may fail for a moment: again after growing, jittered pauses, and a circuit that opens and says so."""

import random
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from itertools import count
from typing import TypeVar

import anyio

from .errors import ResiftError, Unavailable

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How often is asked, how long is waited in between, and when asking ends for a while."""

    attempts: int = 4
    first_pause_s: float = 0.2
    longest_pause_s: float = 5.0
    failed_calls: int = 3
    """Calls in a row that failed to the end before the circuit opens."""
    rest_s: float = 10.0
    """How long an open circuit refuses calls; then one is let through."""
    longest_retry_after_s: float = 30.0
    """A service that asks to be left alone for longer has failed."""


class CircuitBreaker:
    """The way to one service. While its circuit is open, calls fail at once instead of waiting in vain."""

    def __init__(
        self,
        name: str,
        retry: RetryPolicy,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = anyio.sleep,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._name = name
        self._patience = retry
        self._clock = clock
        self._sleep = sleep
        self._chance = chance
        self._failed_calls = 0
        self._open_until = 0.0
        self._last: Unavailable | None = None

    async def call(self, attempt: Callable[[], Awaitable[T]]) -> T:
        """Return what an attempt returns; it is made again while it raises `Unavailable`.

        Raises:
            Unavailable: Of the kind the attempts raised: the last one's, or, at once, while the circuit is open.
        """
        self._refuse_while_open()
        for number in count(1):
            try:
                answer = await attempt()
            except Unavailable as error:
                too_long = error.retry_after_s > self._patience.longest_retry_after_s
                if too_long or number >= self._patience.attempts:
                    self._failed_calls += 1
                    self._last, self._open_until = error, self._clock() + self._patience.rest_s
                    raise
                pause = max(error.retry_after_s, self._pause(number))
            except ResiftError:  # an answer too
                self._failed_calls = 0
                raise
            else:
                self._failed_calls = 0
                return answer
            await self._sleep(pause)
        raise AssertionError("counting never ends")

    def _refuse_while_open(self) -> None:
        if self._last is None or self._failed_calls < self._patience.failed_calls:
            return
        rest_s = self._open_until - self._clock()
        if rest_s <= 0:  # this call is let through; others wait for what becomes of it
            self._open_until = self._clock() + self._patience.rest_s
        else:
            raise type(self._last)(
                f"{self._name} failed {self._failed_calls} times in a row and is asked again in {rest_s:.0f} s at the "
                f"earliest. The last failure: {self._last}"
            ) from self._last

    def _pause(self, number: int) -> float:
        """Return between half and all of a pause that doubles: who failed together must not come back together."""
        whole = min(self._patience.longest_pause_s, self._patience.first_pause_s * 2 ** (number - 1))
        return whole * (0.5 + self._chance() / 2)
