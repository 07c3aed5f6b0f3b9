"""The streams between the stages: results keep the order of their items, and the error that ended a stage is told."""

import anyio
import pytest

from resift.ingest.flow.streams import map_in_order, running_stages

pytestmark = pytest.mark.anyio


async def test_results_keep_the_order_of_the_items_whichever_is_ready_first() -> None:
    last_is_done = anyio.Event()

    async def compute(item: int) -> int:
        if item == 2:
            last_is_done.set()
        await last_is_done.wait()
        return item

    send, receive = anyio.create_memory_object_stream[int](10)
    async with send:
        await map_in_order(compute, range(3), send, at_once=3)
    async with receive:
        assert [item async for item in receive] == [0, 1, 2]


async def test_no_more_items_are_begun_than_may_wait() -> None:
    begun: list[int] = []

    async def compute(item: int) -> int:
        begun.append(item)
        return item

    send, receive = anyio.create_memory_object_stream[int](0)
    async with anyio.create_task_group() as group, send, receive:
        group.start_soon(lambda: map_in_order(compute, range(100), send, at_once=3))
        await anyio.wait_all_tasks_blocked()
        assert begun == [0, 1, 2]
        assert await receive.receive() == 0
        await anyio.wait_all_tasks_blocked()
        assert begun == [0, 1, 2, 3]
        group.cancel_scope.cancel()


async def test_error_of_a_stage_is_raised_alone_and_not_the_streams_that_it_closed() -> None:
    send, receive = anyio.create_memory_object_stream[int](0)

    async def first() -> None:
        async with send:
            while True:
                await send.send(1)

    async def second() -> None:
        async with receive:
            await receive.receive()
            raise ValueError("the cause")

    async def both() -> None:
        async with running_stages() as stages:
            stages.start_soon(first)
            stages.start_soon(second)

    with pytest.raises(ValueError, match="the cause"):
        await both()
