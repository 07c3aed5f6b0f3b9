"""Serve MCP on stdin and stdout: every request is answered, and nothing but the protocol is written to stdout."""

import logging
import os
import sys
from typing import Any, BinaryIO

import anyio
from anyio import to_thread
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream
from mcp.os.win32.utilities import rebind_std_handle_to_fd
from mcp.server.mcpserver import MCPServer
from mcp.shared.message import SessionMessage
from mcp.types import JSONRPCMessage, JSONRPCResponse
from pydantic_core import to_json

from .guard import content, printable, shown
from .messages import HEAD_CHARACTERS, TAIL_CHARACTERS, Incoming, read_message, refuse_oversize

MAX_LINE_BYTES = 64 * 2**20  # three documents of the largest size that RESIFT_INGEST__MAX_BYTES allows by default

STDIN, STDOUT, STDERR = 0, 1, 2

logger = logging.getLogger(__name__)


async def serve_stdio(server: MCPServer[Any]) -> None:
    """Serve one client until it closes stdin.

    The SDK's own transport drops lines that it cannot parse, and ends when a reply cannot be encoded.
    """
    wire = _Wire(*_open_wire())
    to_server, requests = anyio.create_memory_object_stream[SessionMessage | Exception](0)
    replies, to_client = anyio.create_memory_object_stream[SessionMessage](0)
    served = server._lowlevel_server  # pyright: ignore[reportPrivateUsage] - MCPServer.run takes no streams
    async with anyio.create_task_group() as group:
        group.start_soon(_read, wire, to_server, replies.clone())
        group.start_soon(_write, wire, to_client, group.cancel_scope)
        await served.run(requests, replies, served.create_initialization_options())


class _Wire:
    """Both ends of the wire, with threads of their own: those for tools may all be busy."""

    def __init__(self, source: BinaryIO, sink: BinaryIO) -> None:
        self._source = source
        self._sink = sink
        self._threads = anyio.CapacityLimiter(2)

    async def receive(self) -> Incoming | None:
        return await to_thread.run_sync(_next, self._source, limiter=self._threads)

    async def send(self, message: JSONRPCMessage) -> None:
        await to_thread.run_sync(_send, self._sink, encode(message), limiter=self._threads)


async def _read(
    wire: _Wire,
    to_server: MemoryObjectSendStream[SessionMessage | Exception],
    answers: MemoryObjectSendStream[SessionMessage],
) -> None:
    """Pass on the messages of the client, and answer those that cannot be passed on."""
    try:
        async with to_server, answers:
            while (incoming := await wire.receive()) is not None:
                if isinstance(incoming, tuple):
                    for answer in incoming:
                        await answers.send(SessionMessage(answer))
                else:
                    await to_server.send(SessionMessage(incoming))
    except (anyio.ClosedResourceError, anyio.BrokenResourceError):  # the server has ended
        return


async def _write(
    wire: _Wire, messages: MemoryObjectReceiveStream[SessionMessage], connection: anyio.CancelScope
) -> None:
    """Write the messages of the server; end the connection when the client stops reading."""
    async with messages:
        async for each in messages:
            try:
                await wire.send(each.message)
            except OSError as error:
                logger.warning("The client does not read any more: %s", error)
                connection.cancel()
                return


def encode(message: JSONRPCMessage) -> bytes:
    """Return the line of a message, without secrets and lone surrogates."""
    show = content if isinstance(message, JSONRPCResponse) else shown
    fields = message.model_dump(by_alias=True, exclude_unset=True)
    safe = {name: value if name == "id" else printable(value, show) for name, value in fields.items()}
    return to_json(safe, inf_nan_mode="null") + b"\n"


def _next(source: BinaryIO) -> Incoming | None:
    """Return the message in the next line, or the answers to it; None at the end."""
    line = source.readline(MAX_LINE_BYTES + 1)
    if not line:
        return None
    if len(line) <= MAX_LINE_BYTES or line.endswith(b"\n"):
        return read_message(line)
    head, tail = line[:HEAD_CHARACTERS], line[-TAIL_CHARACTERS:]
    while not tail.endswith(b"\n") and (more := source.readline(2**20)):
        tail = (tail + more)[-TAIL_CHARACTERS:]
    return (refuse_oversize(head.decode("utf-8", "replace"), tail.decode("utf-8", "replace"), MAX_LINE_BYTES),)


def _send(sink: BinaryIO, line: bytes) -> None:
    sink.write(line)
    sink.flush()


def _open_wire() -> tuple[BinaryIO, BinaryIO]:
    """Return stdin and stdout for the protocol alone; all other code reads nothing and writes to stderr."""
    source, sink = os.dup(STDIN), os.dup(STDOUT)  # not inherited
    empty = os.open(os.devnull, os.O_RDONLY)
    os.dup2(empty, STDIN)
    os.close(empty)
    os.dup2(STDERR, STDOUT)
    if sys.platform == "win32":
        rebind_std_handle_to_fd(STDIN)
        rebind_std_handle_to_fd(STDOUT)
    return os.fdopen(source, "rb"), os.fdopen(sink, "wb")
