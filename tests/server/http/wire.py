"""A real HTTP server on a port of this machine, and a client that sends bytes as they are."""

import socket
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import anyio
import h11
from anyio.abc import SocketStream

from resift.factories.engine import Engine
from resift.server.http.listening import at_address, listen, serve_http

WAIT_S = 60.0


@asynccontextmanager
async def served(engine: Engine, *, buffer_bytes: int = 0) -> AsyncGenerator[str]:
    """Serve an engine on a free port, and yield the URL of the server. It is stopped at the end."""
    listener = listen(at_address(engine.settings, host="", port=0))
    if buffer_bytes:
        listener.socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, buffer_bytes)
    async with anyio.create_task_group() as group:
        group.start_soon(serve_http, engine, listener)
        yield listener.url.removesuffix("/mcp")
        group.cancel_scope.cancel()


@asynccontextmanager
async def connected(url: str) -> AsyncGenerator[SocketStream]:
    async with await anyio.connect_tcp(*_address(url)) as stream:
        yield stream


@asynccontextmanager
async def connected_with(url: str, first: bytes) -> AsyncGenerator[SocketStream]:
    """Connect to a server of this process, which finds the first bytes there as soon as it accepts the connection."""
    connection = socket.create_connection(_address(url))
    connection.sendall(first)
    async with await SocketStream.from_socket(connection) as stream:
        yield stream


def _address(url: str) -> tuple[str, int]:
    host, _, port = url.removeprefix("http://").partition(":")
    return host, int(port)


async def answer_on(stream: SocketStream) -> tuple[int, dict[str, str], bytes]:
    """Return status, headers and body of the next answer."""
    connection = h11.Connection(h11.CLIENT)
    connection.send(h11.Request(method="GET", target="/", headers=[("host", "x")]))
    connection.send(h11.EndOfMessage())
    head: h11.Response | None = None
    body = b""
    with anyio.fail_after(WAIT_S):
        while True:
            event: Any = connection.next_event()
            if event is h11.NEED_DATA:
                try:
                    connection.receive_data(await stream.receive())
                except anyio.EndOfStream:
                    connection.receive_data(b"")
            elif isinstance(event, h11.Response):
                head = event
            elif isinstance(event, h11.Data):
                body += event.data
            else:
                assert head is not None, event
                return head.status_code, {name.decode(): value.decode() for name, value in head.headers}, body


async def assert_closed(stream: SocketStream) -> None:
    """Check that the server closes the connection, and sends nothing more."""
    with anyio.fail_after(WAIT_S):
        try:
            rest = await stream.receive()
        except (anyio.EndOfStream, anyio.BrokenResourceError):
            return
    raise AssertionError(rest)
