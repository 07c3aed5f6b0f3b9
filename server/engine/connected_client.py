"""A program that is connected to the engine: what it said first, and what is sent to it."""

import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import anyio
from anyio.abc import SocketStream
from anyio.streams.buffered import BufferedByteReceiveStream
from mcp.server.mcpserver import MCPServer

from ...ingest.files.roots import roots_for_tools
from ...settings.per_client import ClientSettings
from ..mcp.lines import ByteStream, LineService
from .greeting import COMMAND, MCP, Goodbye, Hello, goes_on_alone

CHUNK_BYTES = 2**16

GOODBYE_TIMEOUT_S = 0.5  # for a client that does not read


class Client:
    """A program that is connected to the engine."""

    def __init__(self, hello: Hello, stream: SocketStream, incoming: BufferedByteReceiveStream) -> None:
        """Take what the client said first.

        Raises:
            InvalidInput: One of its own settings is invalid.
        """
        self.hello = hello
        self.settings = ClientSettings.decode(hello.own if hello.wants in {MCP, COMMAND} else {})
        self.since = time.monotonic()
        self.left = anyio.Event()
        self._stream = stream
        self._incoming = incoming
        """What the client sends after its greeting."""
        self._sending = anyio.Lock()
        self._service: LineService | None = None
        self._is_dismissed = False

    @property
    def roots(self) -> tuple[Path, ...]:
        """The folders that the client may read: relative ones in its settings start from its folder."""
        return self._named_roots or self._folders

    @property
    def roots_for_tools(self) -> tuple[Path, ...]:
        """The folders that the tools may read: without settings the client's own, unless it is the system's."""
        return roots_for_tools(self._named_roots, client_folders=self._folders)

    @property
    def _folders(self) -> tuple[Path, ...]:
        return (Path(self.hello.folder),) if self.hello.folder else ()

    @property
    def _named_roots(self) -> tuple[Path, ...]:
        [folder] = self._folders or (Path("/"),)
        return tuple(each if each.parts[:1] == ("~",) else folder / each for each in self.settings.ingest_roots)

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
        if self._is_dismissed:
            await anyio.sleep_forever()  # the engine ends this when the goodbye has left
        self._service = LineService(server, ByteStream(self.receive, self.send))
        await self._service.run()

    async def dismiss(self) -> None:
        """Finish what the client waits for, and tell it how many of its lines were read, before the engine stops."""
        if self.hello.wants == COMMAND:
            if not goes_on_alone(self.hello.command["arguments"]):
                await self.left.wait()
        elif self.hello.wants == MCP:
            self._is_dismissed = True
            try:
                if self._service is not None:
                    await self._service.finish()
            finally:  # also when time is up for the calls in flight: the others are for the next engine
                with anyio.move_on_after(GOODBYE_TIMEOUT_S, shield=True):
                    await self._say_goodbye()

    async def _say_goodbye(self) -> None:
        with suppress(OSError, anyio.BrokenResourceError, anyio.ClosedResourceError):
            await self.send(Goodbye(0 if self._service is None else self._service.lines_read).encode())
