"""A deferred value is built once, in a thread, and a failure is not for ever."""

import threading

import anyio
import pytest

from resift.models.lazy import Lazy

pytestmark = pytest.mark.anyio


class Flaky:
    """Fails as often as told, then gives a new object each time."""

    def __init__(self, failures: int = 0) -> None:
        self.failures = failures
        self.calls = 0
        self.thread = 0

    def __call__(self) -> object:
        self.calls += 1
        self.thread = threading.get_ident()
        if self.calls <= self.failures:
            raise ValueError(f"failure {self.calls}")
        return object()


async def gather(deferred: Lazy[object], count: int) -> list[object]:
    """Return what each of `count` concurrent waiters got: the value or the exception."""
    got: list[object] = []

    async def wait() -> None:
        try:
            got.append(await deferred.get())
        except ValueError as error:
            got.append(str(error))

    async with anyio.create_task_group() as group:
        for _ in range(count):
            group.start_soon(wait)
    return got


async def test_all_waiters_share_one_value_built_once() -> None:
    build = Flaky()
    got = await gather(Lazy(build), 5)
    assert len(set(map(id, got))) == 1
    assert build.calls == 1


async def test_value_is_built_outside_the_event_loop() -> None:
    build = Flaky()
    await Lazy(build).get()
    assert build.thread != threading.get_ident()


async def test_nothing_is_built_before_it_is_asked_for() -> None:
    build = Flaky()
    deferred = Lazy(build)
    assert build.calls == 0
    await deferred.get()
    assert build.calls == 1


async def test_failure_reaches_all_waiters_and_the_next_call_tries_again() -> None:
    deferred = Lazy(Flaky(failures=1))
    assert await gather(deferred, 3) == ["failure 1"] * 3
    assert type(await deferred.get()) is object


async def test_none_is_a_value_like_any_other() -> None:
    calls: list[int] = []
    deferred = Lazy(lambda: calls.append(1))
    await deferred.get()
    await deferred.get()
    assert calls == [1]


async def test_cancelled_waiter_does_not_take_the_value_from_the_others() -> None:
    may_finish, started = threading.Event(), anyio.Event()

    def build() -> str:
        anyio.from_thread.run_sync(started.set)
        may_finish.wait(10)
        return "value"

    deferred = Lazy(build)
    got: list[str] = []

    async def wait() -> None:
        got.append(await deferred.get())

    async with anyio.create_task_group() as second, anyio.create_task_group() as first:
        first.start_soon(wait)
        await started.wait()
        second.start_soon(wait)
        first.cancel_scope.cancel()
        may_finish.set()
    assert got[-1:] == ["value"]


async def test_builder_cancelled_before_it_began_leaves_the_work_to_the_next() -> None:
    build = Flaky()
    deferred = Lazy(build)
    with anyio.CancelScope() as scope:
        scope.cancel()
        await deferred.get()
    assert build.calls == 0
    assert type(await deferred.get()) is object
