"""Commands of the terminal that run inside the engine, with its models and its store, for a client that prints."""

from __future__ import annotations

import asyncio
import json
import logging
import math
from concurrent.futures import CancelledError
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import anyio
from anyio import to_thread
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream

from ...api.caller import CALLER, Caller
from ..terminal import TERMINAL, Question, Terminal
from .greeting import IN_ENGINE

if TYPE_CHECKING:
    from ...factories.engine import Engine
    from .connected_client import Client
    from .hub import Hub

INTERRUPTED = 130
"""The exit code of a command that Ctrl-C ended."""

logger = logging.getLogger(__name__)


async def run_command(hub: Hub, client: Client) -> None:
    """Run the command that a client was started with, and send what it prints and its exit code.

    When the client sends no more, because of Ctrl-C or because it was killed, the command is cancelled.

    Raises:
        ValueError: It is not one of these commands.
    """
    engine, command, folder = hub.engine, client.hello.command, Path(client.hello.folder)
    end, arguments = {"exit": INTERRUPTED}, [str(each) for each in command["arguments"]]
    if not arguments or arguments[0] not in IN_ENGINE:
        raise ValueError(f"{arguments} do not run inside the engine.")
    printed, to_send = anyio.create_memory_object_stream[dict[str, Any]](math.inf)
    loop = asyncio.get_running_loop()
    # Commands print in their thread, in tasks on the event loop and in threads of Rich: this keeps the order.
    send = partial(_print, loop, printed)
    terminal = Terminal.of(command, folder, send)
    CALLER.set(Caller(name="terminal", roots=client.roots, reads_any_path=True))
    TERMINAL.set(terminal)
    logger.info("`resift %s` for process %d in %s", arguments[0], client.hello.pid, folder)
    async with printed, to_send, anyio.create_task_group() as sending:
        sending.start_soon(_send_all, to_send, client)
        async with anyio.create_task_group() as working:
            working.start_soon(_cancel_with_client, client, working.cancel_scope)
            thread = anyio.CapacityLimiter(1)  # of its own: those for other work may all be busy
            end = await to_thread.run_sync(_run, engine, arguments, terminal, limiter=thread)
            working.cancel_scope.cancel()
        send(end)
        loop.call_soon_threadsafe(printed.close)


def _run(engine: Engine, arguments: list[str], terminal: Terminal) -> dict[str, Any]:
    """Run a command as its own process would, in a thread with a context of its own; return the last frame for it."""
    try:
        return {"exit": _exit_code(engine, arguments, terminal)}
    except Question as question:
        return {"exit": 1, "ask": str(question)}


def _exit_code(engine: Engine, arguments: list[str], terminal: Terminal) -> int:
    """Run a command and return its exit code.

    Raises:
        Question: The user has to agree first.
    """
    from ..cli.app import run
    from ..cli.command import ENGINE

    ENGINE.set(engine)
    try:
        run(arguments, terminal_width=terminal.help_columns)
    except SystemExit as ended:
        return ended.code if isinstance(ended.code, int) else 0
    except CancelledError:
        return INTERRUPTED
    except Question:
        raise
    except Exception:  # the boundary: a command must not end the engine
        logger.exception("`resift %s` failed", arguments[0])
        return 1
    finally:
        terminal.stdout.flush()
        terminal.stderr.flush()
    return 0


def _print(
    loop: asyncio.AbstractEventLoop, printed: MemoryObjectSendStream[dict[str, Any]], frame: dict[str, Any]
) -> None:
    def put() -> None:
        with suppress(anyio.ClosedResourceError, anyio.BrokenResourceError):
            printed.send_nowait(frame)

    with suppress(RuntimeError):  # the engine has ended
        loop.call_soon_threadsafe(put)


async def _send_all(frames: MemoryObjectReceiveStream[dict[str, Any]], client: Client) -> None:
    """Send what is printed until the command ends; drop it when the client is gone."""
    is_gone = False
    async for frame in frames:
        if not is_gone:
            try:
                await client.send(json.dumps(frame).encode() + b"\n")
            except (OSError, anyio.BrokenResourceError, anyio.ClosedResourceError):
                is_gone = True


async def _cancel_with_client(client: Client, command: anyio.CancelScope) -> None:
    while await client.receive():
        pass
    command.cancel()
