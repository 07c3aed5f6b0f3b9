"""A proxy on loopback that breaks connections on command, in front of a server that may be killed and started again."""

import asyncio
import signal
import subprocess
import sys
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager, closing, suppress
from pathlib import Path
from typing import Literal, TypeAlias

import anyio
from anyio.to_thread import run_sync

Fault: TypeAlias = Literal["refuse", "lose", "hang", "busy", "fail"]
"""Close without a word; pass it on and lose its answer; never answer; say 429, and to come back in 1 s; say 500."""
BUSY = b"HTTP/1.1 429 Too Many Requests\r\nRetry-After: 1\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}"
FAILED = b"HTTP/1.1 500 Internal Server Error\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}"


class Proxy:
    """Passes requests on, one a connection, and notes them as "METHOD path"; `faults` says what happens to each."""

    def __init__(self, target: Callable[[], int]) -> None:
        self.target = target
        self.port = 0
        self.seen: list[str] = []
        self.faults: Callable[[str], Fault | None] = lambda _: None
        self.changed = anyio.Event()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def count(self, beginning: str) -> int:
        """Return how many requests began so."""
        return sum(each.startswith(beginning) for each in self.seen)

    async def wait_for(self, requests: int) -> None:
        """Wait until so many requests have come in all."""
        while len(self.seen) < requests:
            self.changed = anyio.Event()
            await self.changed.wait()

    async def pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        # One of the two may go away; the other is told so by the closed connection.
        with closing(writer), suppress(OSError, asyncio.IncompleteReadError):
            await self._pass_on(reader, writer)

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        request = b" ".join(head.split(b" ", 2)[:2]).decode()
        fault = self.faults(request)
        self.seen.append(request)
        self.changed.set()
        if fault in ("busy", "fail"):
            writer.write(BUSY if fault == "busy" else FAILED)
            await writer.drain()
        if fault == "hang":
            await reader.read(-1)
        if fault in ("busy", "fail", "hang", "refuse"):
            return
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self.target())
        with closing(far_writer):
            far_writer.write(head.replace(b"\r\n", b"\r\nConnection: close\r\n", 1))
            sending = asyncio.ensure_future(_copy(reader, far_writer))
            answer = await far_reader.read(-1)
            sending.cancel()
            if fault != "lose":
                writer.write(answer)
                await writer.drain()


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while chunk := await reader.read(2**16):
        writer.write(chunk)
        await writer.drain()


@asynccontextmanager
async def proxy_to(target: Callable[[], int]) -> AsyncGenerator[Proxy]:
    """Run a proxy in front of a port, which may change."""
    proxy = Proxy(target)
    server = await asyncio.start_server(proxy.pass_on, "127.0.0.1", 0)
    proxy.port = server.sockets[0].getsockname()[1]
    try:
        yield proxy
    finally:
        server.close()


class Killable:
    """A stand-in for a Qdrant server in a process of its own, over REST, that keeps its points in a folder.

    Each start takes another free port: while the server is down, anybody may take the one that it had.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.port = 0
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, or start it again, and wait until it listens."""
        command = [sys.executable, "-m", "resift.tests.standins.qdrant", str(self._folder)]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE)
        assert self._process.stdout is not None
        self.port = int(self._process.stdout.readline())

    def kill(self) -> None:
        """End it at once, as a crash would."""
        if self._process is not None:
            self._process.send_signal(signal.SIGKILL)
            self._process.wait()
            assert self._process.stdout is not None
            self._process.stdout.close()
            self._process = None


@asynccontextmanager
async def killable_server(folder: Path) -> AsyncGenerator[tuple[Killable, Proxy]]:
    """Run a server that can be killed, and the proxy through which it is asked."""
    server = Killable(folder)
    await run_sync(server.start)
    try:
        async with proxy_to(lambda: server.port) as proxy:
            yield server, proxy
    finally:
        server.kill()
