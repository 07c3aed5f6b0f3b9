"""Retry calls that fail temporarily, with growing, jittered pauses, and stop calling a service that keeps failing."""

import random
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from itertools import count
from math import ceil, inf
from typing import TypeVar

import anyio

from .errors import ModelError, ResiftError, Unavailable

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How often to try, how long to wait in between, and when to stop calling for a while."""

    attempts: int = 4
    first_pause_s: float = 0.2
    longest_pause_s: float = 5.0
    failures_to_open: int = 3
    """How many calls in a row must fail, retries included, before the circuit opens."""
    open_s: float = 10.0
    """How long an open circuit refuses calls before it lets one through."""
    longest_retry_after_s: float = 30.0
    """A service that asks for a longer wait than this counts as failed."""


class OutOfTime(ModelError):
    """The caller's time ended before a model answered, which says nothing about the model."""


class CircuitBreaker:
    """Calls one service. While its circuit is open, calls fail at once instead of waiting in vain."""

    def __init__(
        self,
        name: str,
        policy: RetryPolicy,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = anyio.sleep,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._name = name
        self._policy = policy
        self._clock = clock
        self._sleep = sleep
        self._chance = chance
        self._failures = 0
        self._open_until = 0.0
        self._last: Unavailable | None = None
        self._probe: anyio.Event | None = None

    def apart(self, part: str) -> "CircuitBreaker":
        """Return a circuit of its own for a part of the same service, such as "Collection 'c'"."""
        name = f"{part} of {self._name}"
        return CircuitBreaker(name, self._policy, clock=self._clock, sleep=self._sleep, chance=self._chance)

    def now(self) -> float:
        """Return the time of its clock, from which deadlines are reckoned."""
        return self._clock()

    def check(self) -> None:
        """Raise what a call would raise at once because the circuit is open.

        Raises:
            Unavailable: The last failure's error class.
        """
        if self._last is None or self._failures < self._policy.failures_to_open:
            return
        left_s = self._open_until - self._clock()
        if left_s > 0:
            raise type(self._last)(
                f"{self._name} failed {self._failures} times in a row. Try again in {ceil(left_s)} s. "
                f"The last failure: {self._last}"
            ) from self._last

    async def call(self, attempt: Callable[[], Awaitable[T]], *, deadline: float = inf) -> T:
        """Return the result of `attempt`, which is repeated while it raises `Unavailable`.

        No repetition begins after `deadline`, by the clock.

        Raises:
            Unavailable: The last attempt's error, or one of the same class at once while the circuit is open.
            OutOfTime: The caller's time ended, and no attempt before had failed. This does not count as a failure.
        """
        probe = await self._admit()
        try:
            return await self._repeat(attempt, deadline, probe)
        finally:
            self._end(probe)

    async def _repeat(self, attempt: Callable[[], Awaitable[T]], deadline: float, probe: anyio.Event | None) -> T:
        failure: Unavailable | None = None
        for number in count(1):
            try:
                answer = await attempt()
            except OutOfTime:
                if failure is None:
                    raise
                self._failures += 1
                self._open(failure)
                raise failure from None
            except Unavailable as error:
                failure = error
                if probe is not None:  # those that wait for it are refused while it is tried again
                    self._open(error)
                    self._end(probe)
                pause = max(error.retry_after_s, self._pause(number))
                too_long = error.retry_after_s > self._policy.longest_retry_after_s
                if too_long or number >= self._policy.attempts or self._clock() + pause > deadline:
                    self._failures += 1
                    self._open(error)
                    raise
            except ResiftError:  # the service answered, if only with a refusal
                self._failures = 0
                raise
            else:
                self._failures = 0
                return answer
            await self._sleep(pause)
        raise AssertionError("counting never ends")

    async def _admit(self) -> anyio.Event | None:
        """Let the call through, after the outcome of another one if that is the first after a pause.

        The first one gets the event to set when its outcome is known. If it is cancelled, the next takes its place.
        """
        while self._last is not None and self._failures >= self._policy.failures_to_open:
            self.check()
            if self._probe is None:
                self._probe = anyio.Event()
                return self._probe
            await self._probe.wait()
        return None

    def _open(self, error: Unavailable) -> None:
        self._last, self._open_until = error, self._clock() + self._policy.open_s

    def _end(self, probe: anyio.Event | None) -> None:
        if probe is not None and self._probe is probe:
            self._probe = None
            probe.set()

    def _pause(self, number: int) -> float:
        """Return between half and all of a doubling pause, so that calls which failed together spread out."""
        whole = min(self._policy.longest_pause_s, self._policy.first_pause_s * 2 ** (number - 1))
        return whole * (0.5 + self._chance() / 2)
