"""Calls run at the same time; their results keep their order, and one failure ends all."""

import anyio
import pytest

from resift.core.concurrency import batched, run_concurrently
from resift.core.errors import ModelError

pytestmark = pytest.mark.anyio


def test_batches_hold_every_item_in_order() -> None:
    assert batched([1, 2, 3, 4, 5], 2) == [[1, 2], [3, 4], [5]]
    assert batched([], 2) == []
    with pytest.raises(ValueError, match="not 0"):
        batched([1], 0)


async def test_results_come_in_the_order_of_the_calls() -> None:
    second_ran = anyio.Event()

    async def first() -> int:
        await second_ran.wait()
        return 1

    async def second() -> int:
        second_ran.set()
        return 2

    with anyio.fail_after(20):
        assert await run_concurrently([first, second]) == [1, 2]


async def test_first_failure_cancels_the_others_and_is_the_one_raised() -> None:
    cancelled: list[bool] = []

    async def hanging() -> int:
        try:
            await anyio.sleep_forever()
        except anyio.get_cancelled_exc_class():
            cancelled.append(True)
            raise
        return 1

    async def failing() -> int:
        raise ModelError("503")

    with anyio.fail_after(20), pytest.raises(ModelError, match="503"):
        await run_concurrently([hanging, failing])
    assert cancelled == [True]
