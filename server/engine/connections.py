"""One connection to the engine: greet the client, and do what it wants."""

from __future__ import annotations

import hmac
import logging
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import anyio
from anyio.abc import SocketAttribute, SocketStream
from anyio.streams.buffered import BufferedByteReceiveStream
from mcp.server.mcpserver import MCPServer

from ...api.caller import CALLER, Caller
from ..mcp.lines import ByteStream, LineService
from .address import HAS_UNIX_SOCKETS, is_same_user
from .commands import run_command
from .greeting import COMMAND, LEASE, MAX_BYTES, MCP, STATUS, STOP, WATCH, Goodbye, Hello
from .leases import lend_store
from .state import tell_state

if TYPE_CHECKING:
    from .hub import Hub

GREETING_TIMEOUT_S = 10.0

CHUNK_BYTES = 2**16

logger = logging.getLogger(__name__)


class Client:
    """A program that is connected to the engine."""

    def __init__(self, hello: Hello, stream: SocketStream, incoming: BufferedByteReceiveStream) -> None:
        self.hello = hello
        self.since = time.monotonic()
        self.left = anyio.Event()
        self._stream = stream
        self._incoming = incoming
        """What the client sends after its greeting."""
        self._sending = anyio.Lock()
        self._service: LineService | None = None

    def roots(self, ingest_roots: Sequence[Path]) -> tuple[Path, ...]:
        """Return the folders that the client may read: relative ones in the settings start from its folder."""
        folders = (Path(self.hello.folder),) if self.hello.folder else ()
        named = tuple(
            each if each.parts[:1] == ("~",) else folder / each
            for each in ingest_roots
            for folder in folders or (Path("/"),)
        )
        return named or folders

    async def receive(self) -> bytes:
        """Return the next bytes, empty at the end."""
        try:
            return await self._incoming.receive(CHUNK_BYTES)
        except (anyio.EndOfStream, anyio.BrokenResourceError):
            return b""

    async def send(self, line: bytes) -> None:
        """Send a line."""
        async with self._sending:
            await self._stream.send(line)

    async def serve(self, server: MCPServer[Any]) -> None:
        """Serve MCP until the client sends no more."""
        self._service = LineService(server, ByteStream(self.receive, self.send))
        await self._service.run()

    async def dismiss(self) -> None:
        """Finish what the client waits for, and tell it how many of its lines were read, before the engine stops."""
        if self.hello.wants == COMMAND:
            if self.hello.command["arguments"][:1] != [WATCH]:  # which never ends, and goes on without the engine
                await self.left.wait()
        elif self._service is not None:
            await self._service.finish()
            with suppress(OSError, anyio.BrokenResourceError, anyio.ClosedResourceError):
                await self.send(Goodbye(self._service.lines_read).encode())


async def answer(hub: Hub, stream: SocketStream) -> None:
    """Serve one connection to its end. What goes wrong costs this connection only."""
    async with stream:
        try:
            if (client := await _greeted(hub, stream)) is None:
                return
            welcome = hub.welcome(client.hello)
            await stream.send(welcome.encode())
            if not (welcome.error or welcome.retry):
                with hub.joined(client):
                    await HANDLERS[client.hello.wants](hub, client)
        except (OSError, ValueError, KeyError, TimeoutError, anyio.BrokenResourceError, anyio.EndOfStream) as error:
            logger.info("A connection ended: %r", error)
        except anyio.DelimiterNotFound:
            logger.warning("A connection did not begin with a greeting")
        except Exception:  # the boundary: one client's failure must not end the others
            logger.exception("A connection failed")


async def _greeted(hub: Hub, stream: SocketStream) -> Client | None:
    """Return the client that a greeting announces, or None if it may not connect."""
    if HAS_UNIX_SOCKETS and not is_same_user(stream.extra_attributes[SocketAttribute.raw_socket]()):
        logger.warning("A process of another user was refused")
        return None
    incoming = BufferedByteReceiveStream(stream)
    with anyio.fail_after(GREETING_TIMEOUT_S):
        hello = Hello.decode(await incoming.receive_until(b"\n", MAX_BYTES))
    if not hmac.compare_digest(hello.token.encode(), hub.address.token.encode()):
        logger.warning("A connection with a wrong token was refused")
        return None
    return Client(hello, stream, incoming=incoming)


async def _serve_mcp(hub: Hub, client: Client) -> None:
    CALLER.set(Caller(name="stdio", roots=client.roots(hub.engine.settings.ingest_roots)))
    logger.info("Client %d in %s", client.hello.pid, client.hello.folder)
    await client.serve(hub.server)


async def _stop(hub: Hub, client: Client) -> None:
    """Stop the engine, and keep the connection until it has stopped."""
    hub.stop(f"process {client.hello.pid} asked for it")
    await anyio.sleep_forever()


HANDLERS: Mapping[str, Callable[[Hub, Client], Awaitable[None]]] = {
    MCP: _serve_mcp,
    STATUS: tell_state,
    STOP: _stop,
    LEASE: lend_store,
    COMMAND: run_command,
}
"""By what a client can want."""
