"""The worker pool keeps order, limit and fairness; it stops when cancelled and raises what a function raised."""

import threading
import time
from itertools import groupby

import anyio
import pytest

from resift.models.worker_pool import SLICE_ITEMS, WorkerPool

pytestmark = pytest.mark.anyio


async def test_results_come_in_the_order_of_the_items() -> None:
    texts = ["a" * (number * 7 % 50) for number in range(50)]
    assert await WorkerPool(3).map(len, texts) == [len(text) for text in texts]


async def test_no_items_give_no_results() -> None:
    assert await WorkerPool(2).map(len, []) == []


async def test_long_texts_go_first() -> None:
    seen: list[str] = []
    await WorkerPool(1).map(seen.append, ["a", "ccc", "bb"])
    assert seen == ["ccc", "bb", "a"]


async def test_other_items_go_in_their_order() -> None:
    seen: list[int] = []
    await WorkerPool(1).map(seen.append, [3, 1, 2])
    assert seen == [3, 1, 2]


async def test_no_more_threads_than_allowed_over_all_calls() -> None:
    workers, running, most, lock = WorkerPool(2), 0, 0, threading.Lock()

    def busy(_: int) -> None:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        time.sleep(0.002)
        with lock:
            running -= 1

    async with anyio.create_task_group() as group:
        for _ in range(4):
            group.start_soon(workers.map, busy, range(20))
    assert most == 2


async def test_function_runs_outside_the_event_loop() -> None:
    assert await WorkerPool(1).run(threading.get_ident) != threading.get_ident()


async def test_arguments_are_handed_on() -> None:
    assert await WorkerPool(1).run(divmod, 7, 3) == (2, 1)


async def test_exception_comes_as_it_is_and_stops_the_rest() -> None:
    done: list[int] = []

    def fail_at_three(number: int) -> None:
        if number == 3:
            raise KeyError(number)
        done.append(number)

    with pytest.raises(KeyError, match="3"):
        await WorkerPool(1).map(fail_at_three, range(1000))
    assert done == [0, 1, 2]


async def test_cancellation_takes_effect_between_slices() -> None:
    done: list[int] = []
    with anyio.CancelScope() as scope:

        def work(number: int) -> None:
            done.append(number)
            anyio.from_thread.run_sync(scope.cancel)

        await WorkerPool(1).map(work, range(1000))
    assert scope.cancelled_caught
    assert 1 <= len(done) <= SLICE_ITEMS


async def test_short_call_gets_its_turn_during_a_long_one() -> None:
    workers, done = WorkerPool(1), list[int]()
    started = anyio.Event()

    def work(number: int) -> None:
        if number == 0:
            anyio.from_thread.run_sync(started.set)
        done.append(number)

    async with anyio.create_task_group() as group:
        group.start_soon(workers.map, work, range(1000))
        await started.wait()
        assert await workers.run(len, done) < 1000


def test_one_object_serves_one_event_loop_after_another() -> None:
    workers = WorkerPool(2)
    assert [anyio.run(workers.map, len, ["a", "bb"]) for _ in range(2)] == [[1, 2], [1, 2]]


async def test_short_work_goes_before_long_work_that_waits_and_long_work_in_its_order() -> None:
    workers, done, begin = WorkerPool(1), list[str](), threading.Event()

    def note(name: str) -> None:
        begin.wait()
        done.append(name)

    long_work = [["first"] * (SLICE_ITEMS + 1), ["second"] * (SLICE_ITEMS + 1)]
    async with anyio.create_task_group() as group:
        for names in long_work:
            group.start_soon(workers.map, note, names)
            await anyio.wait_all_tasks_blocked()
        group.start_soon(workers.map, note, ["short"] * SLICE_ITEMS)
        await anyio.wait_all_tasks_blocked()
        group.start_soon(workers.run, note, "single")
        await anyio.wait_all_tasks_blocked()
        begin.set()
    runs = [name for name, _ in groupby(done)]
    assert runs == ["first", "short", "single", "second", "first", "second"]


async def test_work_that_is_cancelled_while_it_waits_keeps_no_thread() -> None:
    workers, release = WorkerPool(1), threading.Event()
    async with anyio.create_task_group() as group:
        group.start_soon(workers.run, release.wait)
        await anyio.wait_all_tasks_blocked()
        with anyio.move_on_after(0.01) as waiting:
            await workers.run(len, "never")
        assert waiting.cancelled_caught
        release.set()
    assert await workers.run(len, "next") == 4
