"""What an engine that stops tells the clients that speak MCP: how many of their lines it has read."""

import json
from collections.abc import Callable, Coroutine
from types import SimpleNamespace
from typing import Any, cast

import anyio
import pytest

from resift.server.engine.connected_client import Client
from resift.server.engine.greeting import COMMAND, GOODBYE, MCP, Hello, goes_on_alone

pytestmark = pytest.mark.anyio

TIMEOUT_S = 60


class Wire:
    """What is sent to a client."""

    def __init__(self) -> None:
        self.lines: list[bytes] = []

    async def send(self, line: bytes) -> None:
        await anyio.lowlevel.checkpoint()
        self.lines.append(line)

    @property
    def last(self) -> dict[str, Any]:
        return json.loads(self.lines[-1])


def client(wire: Wire, *, finish: Callable[[], Coroutine[Any, Any, None]] | None = None, wants: str = MCP) -> Client:
    """Return a client, served if there is a way to finish what it waits for; the engine has read 7 of its lines."""
    hello = Hello(wants=wants, version="1", settings={}, folder="/", pid=1, command={})
    made = Client(hello, cast("Any", wire), incoming=cast("Any", None))
    if finish is not None:
        made._service = cast("Any", SimpleNamespace(lines_read=7, finish=finish))  # pyright: ignore[reportPrivateUsage]
    return made


async def test_goodbye_is_said_although_a_call_in_flight_has_run_out_of_time() -> None:
    wire = Wire()
    with anyio.move_on_after(0.01):
        await client(wire, finish=anyio.sleep_forever).dismiss()
    assert wire.last == {GOODBYE: 7}


async def test_goodbye_to_a_client_that_joins_while_the_engine_stops_says_that_nothing_was_read() -> None:
    wire = Wire()
    late = client(wire)
    with anyio.fail_after(TIMEOUT_S):
        async with anyio.create_task_group() as group:
            group.start_soon(late.send, b"welcome")
            await anyio.wait_all_tasks_blocked()
            await late.dismiss()
            group.start_soon(late.serve, cast("Any", None))
            await anyio.wait_all_tasks_blocked()  # it keeps the connection and serves nothing
            group.cancel_scope.cancel()
    assert wire.lines[0] == b"welcome"
    assert wire.last == {GOODBYE: 0}


@pytest.mark.parametrize(
    ("arguments", "alone"),
    [
        (["watch", "docs"], True),
        (["jobs", "wait", "x"], True),
        (["jobs", "--json", "wait", "x"], True),
        (["jobs", "cancel", "wait"], False),
        (["ingest", "wait"], False),
        ([], False),
    ],
)
def test_commands_that_wait_for_others_go_on_alone(arguments: list[str], alone: bool) -> None:
    assert goes_on_alone(arguments) == alone


async def test_stop_waits_for_a_command_that_does_not_go_on_alone() -> None:
    command, ended = client(Wire(), wants=COMMAND), anyio.Event()
    command.hello.command["arguments"] = ["ingest", "docs"]

    async def dismiss() -> None:
        await command.dismiss()
        ended.set()

    with anyio.fail_after(TIMEOUT_S):
        async with anyio.create_task_group() as group:
            group.start_soon(dismiss)
            await anyio.wait_all_tasks_blocked()
            assert not ended.is_set()
            command.left.set()
    assert ended.is_set()
