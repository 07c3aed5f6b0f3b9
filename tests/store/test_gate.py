"""The gate lets calls use the store together, and maintenance alone."""

import anyio
import pytest

from resift.core.errors import StoreBusy
from resift.store.gate import Gate

pytestmark = pytest.mark.anyio


async def _use(gate: Gate, log: list[str], name: str) -> None:
    async with gate.shared():
        log.append(name)


async def test_calls_in_flight_are_counted_until_they_end() -> None:
    gate = Gate()
    async with gate.shared(), gate.call():
        assert gate.calls == 2
    assert gate.calls == 0


async def test_maintenance_waits_for_the_calls_in_flight_and_later_calls_wait_for_it() -> None:
    gate, log, release = Gate(), list[str](), anyio.Event()

    async def long_call() -> None:
        async with gate.shared():
            await release.wait()
            log.append("call")

    async def maintain() -> None:
        async with gate.exclusive("resift backup"):
            log.append("maintenance")
            group.start_soon(_use, gate, log, "later")
            await anyio.wait_all_tasks_blocked()
            assert gate.holder == "resift backup"
            log.append("maintained")

    async with anyio.create_task_group() as group:
        group.start_soon(long_call)
        await anyio.wait_all_tasks_blocked()
        group.start_soon(maintain)
        await anyio.wait_all_tasks_blocked()
        release.set()
    assert log == ["call", "maintenance", "maintained", "later"]


async def test_call_that_waits_too_long_for_maintenance_is_told_what_holds_the_store() -> None:
    gate = Gate(wait_s=0.01)
    async with gate.exclusive("resift backup"):
        with pytest.raises(StoreBusy, match="maintained by `resift backup`"):
            async with gate.shared():
                pass
        async with gate.call():
            assert gate.calls == 1
    await _use(gate, log := list[str](), "after")
    assert log == ["after"]


async def test_store_is_released_when_maintenance_that_still_waits_for_a_call_has_ended_too() -> None:
    gate, log = Gate(), list[str]()

    async def maintain() -> None:
        async with gate.exclusive("resift backup"):
            log.append("maintained")

    async def wait() -> None:
        await gate.released()
        log.append("released")

    async with anyio.create_task_group() as group, gate.shared():
        group.start_soon(maintain)
        await anyio.wait_all_tasks_blocked()
        assert (gate.is_wanted, gate.holder) == (True, "")
        group.start_soon(wait)
        await anyio.wait_all_tasks_blocked()
        assert log == []
    assert log == ["maintained", "released"]
    assert not gate.is_wanted


async def test_maintenance_that_gives_up_waiting_leaves_the_gate_open() -> None:
    gate = Gate()
    async with gate.shared():
        with anyio.move_on_after(0.01) as waiting:
            async with gate.exclusive("resift tune"):
                raise AssertionError("a call is in flight")
        assert waiting.cancelled_caught
        await _use(gate, log := list[str](), "beside")
    assert log == ["beside"]
