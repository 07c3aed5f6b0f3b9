"""Services that fail for a moment: how often they are asked, how long is waited, and when asking ends."""

from collections.abc import Awaitable

import anyio
import anyio.lowlevel
import pytest

from resift.core.concurrency import run_concurrently
from resift.core.errors import InvalidInput, StoreUnavailable, Unavailable
from resift.core.retry import CircuitBreaker, RetryPolicy

pytestmark = pytest.mark.anyio


class Service:
    """Fails as often as it is told, then answers; counts how often it was asked."""

    def __init__(self, *, failures: int, error: Exception | None = None) -> None:
        self.failures = failures
        self.error = error or StoreUnavailable("the service is away")
        self.asked = 0

    async def __call__(self) -> str:
        self.asked += 1
        if self.asked <= self.failures:
            raise self.error
        return "answer"


class Time:
    """A clock that moves only when somebody sleeps."""

    def __init__(self) -> None:
        self.now = 100.0
        self.pauses: list[float] = []

    async def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.now += seconds


def line(time: Time, *, chance: float = 1.0, retry: RetryPolicy | None = None) -> CircuitBreaker:
    return CircuitBreaker(
        "Store", retry or RetryPolicy(), clock=lambda: time.now, sleep=time.sleep, chance=lambda: chance
    )  # fmt: skip


async def test_passing_failures_are_overcome_with_growing_pauses() -> None:
    time, service = Time(), Service(failures=3)
    assert await line(time).call(service) == "answer"
    assert (service.asked, time.pauses) == (4, [0.2, 0.4, 0.8])


async def test_pauses_are_jittered_between_half_and_all_and_have_an_upper_limit() -> None:
    time = Time()
    retry = RetryPolicy(attempts=8, longest_pause_s=2.0)
    await line(time, chance=0.0, retry=retry).call(Service(failures=7))
    assert time.pauses == [0.1, 0.2, 0.4, 0.8, 1.0, 1.0, 1.0]


async def test_service_that_says_when_to_come_back_is_left_alone_until_then() -> None:
    time = Time()
    await line(time).call(Service(failures=1, error=Unavailable("too many requests", retry_after_s=3.0)))
    assert time.pauses == [3.0]


async def test_service_that_wants_to_be_left_alone_for_long_has_failed() -> None:
    time, service = Time(), Service(failures=1, error=Unavailable("too many requests", retry_after_s=3600.0))
    with pytest.raises(Unavailable, match="too many requests"):
        await line(time).call(service)
    assert (service.asked, time.pauses) == (1, [])


async def test_nothing_is_tried_again_after_the_deadline() -> None:
    time, service = Time(), Service(failures=9)
    with pytest.raises(StoreUnavailable, match="the service is away"):
        await line(time).call(service, deadline=100.5)
    assert (service.asked, time.pauses) == (2, [0.2]), "a pause of 0.4 s would end after the deadline"


async def test_failure_that_will_not_pass_is_raised_at_once() -> None:
    time, service = Time(), Service(failures=1, error=InvalidInput("no such thing"))
    with pytest.raises(InvalidInput, match="no such thing"):
        await line(time).call(service)
    assert (service.asked, time.pauses) == (1, [])


async def test_circuit_opens_says_so_and_closes_after_its_rest() -> None:
    time, service = Time(), Service(failures=12)
    way = line(time)
    for _ in range(3):
        with pytest.raises(StoreUnavailable, match=r"^the service is away$"):
            await way.call(service)
    assert service.asked == 12
    time.pauses.clear()
    with pytest.raises(
        StoreUnavailable, match=r"Store failed 3 times in a row\. Try again in 10 s.*the service is away"
    ):
        await way.call(service)
    assert (service.asked, time.pauses) == (12, [])

    time.now += 10
    assert await way.call(service) == "answer"
    assert await way.call(service) == "answer"


async def test_call_that_fails_after_the_rest_opens_the_circuit_again() -> None:
    time, service = Time(), Service(failures=16)
    way = line(time)
    for _ in range(3):
        with pytest.raises(StoreUnavailable):
            await way.call(service)
    time.now += 10
    with pytest.raises(StoreUnavailable, match=r"^the service is away$"):
        await way.call(service)
    with pytest.raises(StoreUnavailable, match="Store failed 4 times in a row"):
        await way.call(service)
    assert service.asked == 16


async def after_the_rest(time: Time) -> CircuitBreaker:
    way = line(time)
    for _ in range(3):
        with pytest.raises(StoreUnavailable):
            await way.call(Service(failures=4))
    time.now += 10
    return way


async def test_calls_after_the_rest_wait_for_the_outcome_of_the_first() -> None:
    way, service, answered = await after_the_rest(Time()), Service(failures=0), anyio.Event()

    async def slow() -> str:
        await service()
        await answered.wait()
        return "answer"

    answers: list[str] = []
    async with anyio.create_task_group() as calls:
        for _ in range(3):
            calls.start_soon(lambda: _collect(answers, way.call(slow)))
        await anyio.wait_all_tasks_blocked()
        assert service.asked == 1
        answered.set()
    assert (service.asked, answers) == (3, ["answer"] * 3)


async def test_batches_of_one_call_close_the_circuit_after_an_outage() -> None:
    way, service = await after_the_rest(Time()), Service(failures=0)

    async def ask() -> str:
        await anyio.lowlevel.checkpoint()
        return await service()

    for _ in range(2):
        assert await run_concurrently([lambda: way.call(ask)] * 2) == ["answer", "answer"]


async def test_waiting_calls_are_refused_when_the_first_fails_and_not_after_its_retries() -> None:
    time = Time()
    way, refused, service = await after_the_rest(time), anyio.Event(), Service(failures=1)

    async def fails_until_the_other_is_refused() -> str:
        if service.asked:
            await refused.wait()
        else:
            await anyio.wait_all_tasks_blocked()
        return await service()

    async def second() -> None:
        with pytest.raises(StoreUnavailable, match="Store failed 3 times in a row"):
            await way.call(service)
        refused.set()

    async with anyio.create_task_group() as calls:
        calls.start_soon(way.call, fails_until_the_other_is_refused)
        calls.start_soon(second)
    assert service.asked == 2
    assert await way.call(service) == "answer"


async def test_cancelled_first_call_leaves_its_place_to_the_next() -> None:
    way = await after_the_rest(Time())
    with anyio.CancelScope() as scope:

        async def cancelled() -> str:
            scope.cancel()
            await anyio.sleep_forever()
            return "never"

        await way.call(cancelled)
    assert scope.cancelled_caught
    assert await way.call(Service(failures=0)) == "answer"


async def test_remaining_rest_is_rounded_up() -> None:
    time = Time()
    way = await after_the_rest(time)
    time.now -= 0.2
    with pytest.raises(StoreUnavailable, match=r"Try again in 1 s\."):
        await way.call(Service(failures=0))


async def _collect(answers: list[str], answer: Awaitable[str]) -> None:
    answers.append(await answer)


async def test_answer_in_between_keeps_the_circuit_closed() -> None:
    time = Time()
    way = line(time)
    for _ in range(5):
        with pytest.raises(StoreUnavailable):
            await way.call(Service(failures=4))
        assert await way.call(Service(failures=0)) == "answer"
