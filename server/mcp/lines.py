"""Serve one MCP client that sends and receives lines, over any stream of bytes: every request is answered."""

import logging
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import anyio
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream
from mcp.server.mcpserver import MCPServer
from mcp.shared.message import SessionMessage
from mcp.types import JSONRPCMessage, JSONRPCNotification, JSONRPCRequest, JSONRPCResponse
from pydantic_core import to_json

from .guard import content, printable, shown
from .ids import HEAD_CHARACTERS, TAIL_CHARACTERS, is_id
from .messages import Incoming, read_message, refuse_oversize

MAX_LINE_BYTES = 64 * 2**20  # three documents of the largest size that RESIFT_INGEST__MAX_BYTES allows by default

ENDLESS = "subscriptions/listen"
"""The method whose answer comes when the client ends it."""

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ByteStream:
    """Both directions of a connection."""

    receive: Callable[[], Awaitable[bytes]]
    """Waits for the next bytes; empty at the end."""
    send: Callable[[bytes], Awaitable[None]]
    """Raises OSError or an error of anyio's when the client is gone."""


@contextmanager
def cutting_off_calls(after_s: float) -> Generator[None]:
    """Wait inside for the calls in flight; go on after so many seconds, and log it."""
    with anyio.move_on_after(after_s) as waiting:
        yield
    if waiting.cancelled_caught:
        logger.warning("Calls in flight did not end within %g s and are cut off", after_s)


class LineService:
    """Serves one client over a stream, until the client sends no more and its requests are answered.

    The SDK's own transport drops lines that it cannot parse, and ends when a reply cannot be encoded.
    """

    def __init__(self, server: MCPServer[Any], stream: ByteStream) -> None:
        self.lines_read = 0
        """Lines of the client that the server has seen, or that were answered here."""
        self._server = server._lowlevel_server  # pyright: ignore[reportPrivateUsage] - MCPServer.run takes no streams
        self._stream = stream
        self._reading = anyio.CancelScope()
        self._requests = set[int | str]()
        """Those of the client in flight."""
        self._questions = set[int | str | None]()
        """The requests of the server that the client has not answered."""
        self._changed = anyio.Event()

    @property
    def is_finishing(self) -> bool:
        """Return whether it reads no more."""
        return self._reading.cancel_called

    async def run(self) -> None:
        """Serve the client."""
        to_server, requests = anyio.create_memory_object_stream[SessionMessage | Exception](0)
        replies, to_client = anyio.create_memory_object_stream[SessionMessage](0)
        async with anyio.create_task_group() as group:
            group.start_soon(self._read, to_server, replies.clone())
            group.start_soon(self._write, to_client, group.cancel_scope)
            await self._server.run(requests, replies, self._server.create_initialization_options())

    async def finish(self) -> None:
        """Read no more, and return when the requests in flight are answered. Then `run` has to be cancelled."""
        self._reading.cancel()
        while self._requests:
            await self._changed.wait()

    async def _read(
        self,
        to_server: MemoryObjectSendStream[SessionMessage | Exception],
        answers: MemoryObjectSendStream[SessionMessage],
    ) -> None:
        """Pass on the messages of the client, and answer those that cannot be passed on."""
        try:
            async with to_server, answers:
                with self._reading:
                    async for incoming in incoming_messages(self._stream.receive):
                        if isinstance(incoming, tuple):
                            for answer in incoming:
                                await answers.send(SessionMessage(answer))
                        else:
                            await self._pass_on(incoming, to_server)
                        self.lines_read += 1
                # Closing the streams would cut off the requests in flight.
                if self._reading.cancelled_caught:
                    await anyio.sleep_forever()
                while self._requests and not self._questions:  # which nobody will answer
                    await self._changed.wait()
        except (anyio.ClosedResourceError, anyio.BrokenResourceError):  # the server has ended
            return

    async def _pass_on(
        self, message: JSONRPCMessage, to_server: MemoryObjectSendStream[SessionMessage | Exception]
    ) -> None:
        self._note_incoming(message)  # first: the answer may come at once
        try:
            await to_server.send(SessionMessage(message))
        except anyio.get_cancelled_exc_class():  # the server has not seen it, and will not answer
            if isinstance(message, JSONRPCRequest):
                self._note_end(message.id)
            raise

    async def _write(self, messages: MemoryObjectReceiveStream[SessionMessage], connection: anyio.CancelScope) -> None:
        """Write the messages of the server; end the connection when the client stops reading."""
        async with messages:
            async for each in messages:
                try:
                    await self._stream.send(encode(each.message))
                except (OSError, anyio.BrokenResourceError, anyio.ClosedResourceError) as error:
                    logger.warning("The client does not read any more: %s", error)
                    connection.cancel()
                    return
                self._note_outgoing(each.message)

    def _note_incoming(self, message: JSONRPCMessage) -> None:
        """Note a request, the end of one, or the answer to a question of the server."""
        if isinstance(message, JSONRPCRequest):
            if message.method != ENDLESS:
                self._requests.add(message.id)
        elif not isinstance(message, JSONRPCNotification):
            self._questions.discard(message.id)
        elif message.method == "notifications/cancelled":
            self._note_end((message.params or {}).get("requestId"))

    def _note_outgoing(self, message: JSONRPCMessage) -> None:
        """Note an answer, or a question of the server."""
        if isinstance(message, JSONRPCRequest):
            self._questions.add(message.id)
            self._tell_change()
        elif not isinstance(message, JSONRPCNotification):
            self._note_end(message.id)

    def _note_end(self, request_id: Any) -> None:
        if is_id(request_id):
            self._requests.discard(request_id)
        self._tell_change()

    def _tell_change(self) -> None:
        self._changed.set()
        self._changed = anyio.Event()


def encode(message: JSONRPCMessage) -> bytes:
    """Return the line of a message, without secrets and lone surrogates."""
    show = content if isinstance(message, JSONRPCResponse) else shown
    fields = message.model_dump(by_alias=True, exclude_unset=True)
    safe = {name: value if name == "id" else printable(value, show) for name, value in fields.items()}
    return to_json(safe, inf_nan_mode="null") + b"\n"


async def incoming_messages(receive: Callable[[], Awaitable[bytes]]) -> AsyncGenerator[Incoming]:
    """Yield the message in each line, or the answers to it. Of a line that is too long, only both ends are kept."""
    held, dropped = bytearray(), 0
    while chunk := await receive():
        *lines, rest = chunk.split(b"\n")
        for line in lines:
            held += line
            yield _oversize(held) if dropped + len(held) > MAX_LINE_BYTES else read_message(bytes(held))
            held, dropped = bytearray(), 0
        held += rest
        if len(held) > MAX_LINE_BYTES:
            kept = held[:HEAD_CHARACTERS] + held[-TAIL_CHARACTERS:]
            dropped += len(held) - len(kept)
            held = kept
    if held:
        yield _oversize(held) if dropped + len(held) > MAX_LINE_BYTES else read_message(bytes(held))


def _oversize(line: bytearray) -> Incoming:
    head, tail = bytes(line[:HEAD_CHARACTERS]), bytes(line[-TAIL_CHARACTERS:])
    return (refuse_oversize(head.decode("utf-8", "replace"), tail.decode("utf-8", "replace"), MAX_LINE_BYTES),)
