"""The engine as a server: it accepts clients until it is told to stop, or until nobody has needed it for a while."""

import logging
import signal
import socket
import sys
import time
from collections.abc import Callable, Coroutine, Generator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, TypeAlias

import anyio
from anyio import to_thread
from anyio.abc import SocketListener, SocketStream

from ...api.background import serving_jobs
from ...api.watching import watch_registered
from ...factories.engine import Engine, running
from ...settings.location import checksums, differing
from ..mcp.assembly import create_server
from ..mcp.lines import cutting_off_calls
from .address import EngineAddress
from .connected_client import Client
from .greeting import COMMAND, MCP, Hello, Welcome

WATCH_S = 1.0

STOPPING = "The engine is stopping. Try again in a moment."

FLUSH_S = 0.1  # for the last answers to leave

Beside: TypeAlias = Callable[[], Coroutine[Any, Any, None]]
"""Serves something else, such as HTTP, until it is cancelled."""

Answer: TypeAlias = Callable[["Hub", SocketStream], Coroutine[Any, Any, None]]
"""Serves one connection to its end."""

logger = logging.getLogger(__name__)


class Hub:
    """The engine, its MCP server, and the clients that are connected."""

    def __init__(
        self,
        engine: Engine,
        address: EngineAddress,
        folder: Path,
        *,
        beside: Beside | None = None,
    ) -> None:
        self.engine = engine
        self.address = address
        self.server = create_server(engine)
        self.clients: set[Client] = set()
        self.started = time.monotonic()
        self.folder = folder
        self.beside = beside
        """With it, the engine stays even when nobody is connected."""
        self._settings = checksums()
        self._is_to_be_replaced = False
        self._idle_since = self.started
        self._stop = anyio.Event()

    async def serve(self, listening: socket.socket, answer: Answer) -> None:
        """Serve until told to stop; then finish the calls in flight and close the store."""
        listener = await SocketListener.from_socket(listening)
        logger.info("Started, process %d, version %s", self.address.pid, self.address.version)
        async with running(self.engine), serving_jobs(self.engine), anyio.create_task_group() as connections:
            async with anyio.create_task_group() as accepting:
                accepting.start_soon(self._watch)
                accepting.start_soon(self._await_signals)
                accepting.start_soon(listener.serve, partial(answer, self), connections)
                if self.engine.settings.serve.watch:
                    accepting.start_soon(watch_registered, self.engine, self.engine.services.watched)
                if self.beside is not None:
                    accepting.start_soon(self.beside)
                await self._stop.wait()
                connections.start_soon(self.engine.jobs.suspend)  # before HTTP waits for calls that await jobs
                connections.start_soon(self._cut_off_parsing)
                accepting.cancel_scope.cancel()
            self.address.withdraw(self.folder)
            await listener.aclose()
            await self._finish()
            connections.cancel_scope.cancel()
        logger.info("Stopped")

    async def _finish(self) -> None:
        """Wait for the calls in flight, and take no more."""
        with cutting_off_calls(self.engine.settings.serve.stop_timeout_s):
            async with anyio.create_task_group() as group:
                for client in self.clients:
                    group.start_soon(client.dismiss)
            await self.engine.jobs.suspend()
            # Only now: a call that was read before has to be served, and may not have begun yet.
            await self.engine.gate.refuse(STOPPING)
        await anyio.sleep(FLUSH_S)

    async def _cut_off_parsing(self) -> None:
        """End the processes that still parse when the time of the calls in flight is over: threads wait for them."""
        await anyio.sleep(self.engine.settings.serve.stop_timeout_s)
        await to_thread.run_sync(self.engine.services.parser.close)

    def stop(self, reason: str) -> None:
        """Stop soon: take no more clients and calls, and finish those in flight."""
        if not self._stop.is_set():
            logger.info("Stopping: %s", reason)
            self._stop.set()

    def welcome(self, hello: Hello) -> Welcome:
        """Return the answer to a new client."""
        plain = Welcome(self.address.pid, self.address.version)
        if self._stop.is_set():
            return plain._replace(retry="The engine is stopping.")
        difference = self.difference(hello)
        if hello.wants not in {MCP, COMMAND} or not difference:
            return plain
        if hello.wants == COMMAND:
            return plain._replace(retry=difference)
        if self.beside is not None or not hello.is_first:
            stays = " It serves HTTP too, so it stays until you restart it." if self.beside else ""
            return plain._replace(notice=f"{difference}{stays}")
        is_newer = hello.version != self.address.version
        if self.engine.gate.is_idle and (is_newer or not any(each.hello.wants == MCP for each in self.clients)):
            self.stop(difference)
            return plain._replace(retry=difference)
        self._is_to_be_replaced |= is_newer
        until = "it is idle" if is_newer else "its other clients have left"
        return plain._replace(notice=f"{difference} It serves this client too until {until}.")

    @contextmanager
    def joined(self, client: Client) -> Generator[None]:
        """Count a client as connected."""
        self.clients.add(client)
        try:
            yield
        finally:
            self.clients.discard(client)
            client.left.set()
            self._idle_since = time.monotonic()

    def difference(self, hello: Hello) -> str:
        """Return how this engine differs from what a client was started with; empty if it does not."""
        if hello.version != self.address.version:
            return f"The running engine has version {self.address.version}, and this client {hello.version}."
        if names := differing(hello.settings, self._settings):
            return f"The running engine was started with other settings: {', '.join(names)}."
        return ""

    async def _watch(self) -> None:
        """Stop when nobody has needed the engine for long, or when it is to be replaced and idle."""
        timeout_s = 0 if self.beside else self.engine.settings.serve.idle_timeout_s
        while True:
            await anyio.sleep(WATCH_S)
            is_idle = self.engine.gate.is_idle
            if is_idle and self._is_to_be_replaced:
                self.stop("a client of another version connected")
            elif self.engine.jobs.is_busy:
                self._idle_since = time.monotonic()
            elif is_idle and not self.clients and timeout_s and time.monotonic() - self._idle_since > timeout_s:
                self.stop(f"no client for {timeout_s:g} s")

    async def _await_signals(self) -> None:
        if sys.platform == "win32":
            return
        with anyio.open_signal_receiver(signal.SIGTERM, signal.SIGINT) as signals:
            async for received in signals:
                self.stop(f"signal {received.name}")
