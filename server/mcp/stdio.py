"""Serve MCP on stdin and stdout in this process; nothing but the protocol is written to stdout."""

import asyncio
import logging
import os
import signal
import sys
from concurrent.futures import CancelledError
from contextlib import redirect_stdout
from pathlib import Path
from threading import Thread
from typing import BinaryIO

import anyio
from anyio import to_thread
from anyio.streams.memory import MemoryObjectSendStream
from mcp.os.win32.utilities import rebind_std_handle_to_fd

from ...api.caller import CALLER, Caller
from ...factories.engine import Engine, running
from ...ingest.files.roots import roots_for_tools
from .assembly import create_server
from .lines import ByteStream, LineService, cutting_off_calls

STDIN, STDOUT, STDERR = 0, 1, 2

CHUNK_BYTES = 2**16

logger = logging.getLogger(__name__)


async def serve_stdio(engine: Engine) -> None:
    """Serve one client until it closes stdin or a signal ends the process, then close the engine."""
    source, sink = _open_wire()
    chunks, received = anyio.create_memory_object_stream[bytes](0)
    # A daemon: nothing interrupts the reading of a pipe, and the end of the process waits for other threads.
    Thread(target=_read_all, args=(source, asyncio.get_running_loop(), chunks), daemon=True).start()
    thread = anyio.CapacityLimiter(1)  # of its own: those for tools may all be busy

    async def send(line: bytes) -> None:
        await to_thread.run_sync(_write_and_flush, sink, line, limiter=thread)

    roots = roots_for_tools(engine.settings.ingest_roots, client_folders=[Path.cwd()])
    CALLER.set(Caller(name="stdio", roots=roots, may_write=not engine.settings.read_only))
    with redirect_stdout(sys.stderr):  # what libraries print
        async with running(engine):
            service = LineService(create_server(engine), ByteStream(received.receive, send))
            async with anyio.create_task_group() as group, chunks, received:
                group.start_soon(_finish_on_signal, service, group.cancel_scope, engine.settings.serve.stop_timeout_s)
                await service.run()
                group.cancel_scope.cancel()


async def _finish_on_signal(service: LineService, serving: anyio.CancelScope, timeout_s: float) -> None:
    """On the first signal, answer the calls in flight, and end; on the second, end at once."""
    if sys.platform == "win32":
        return

    async def finish() -> None:
        with cutting_off_calls(timeout_s):
            await service.finish()
        serving.cancel()

    with anyio.open_signal_receiver(signal.SIGTERM, signal.SIGINT) as signals:
        async with anyio.create_task_group() as group:
            async for received in signals:
                logger.info("Stopping: signal %s", received.name)
                if service.is_finishing:
                    serving.cancel()
                else:
                    group.start_soon(finish)


def _read_all(source: int, loop: asyncio.AbstractEventLoop, chunks: MemoryObjectSendStream[bytes]) -> None:
    """Pass on what comes in until nothing more comes, or until nobody takes it any more."""
    is_open = True
    while is_open:
        try:
            chunk = os.read(source, CHUNK_BYTES)
        except OSError:  # of a terminal that is gone
            chunk = b""
        is_open = bool(chunk)
        passing = chunks.send(chunk)
        try:
            asyncio.run_coroutine_threadsafe(passing, loop).result()
        except (RuntimeError, CancelledError, anyio.BrokenResourceError, anyio.ClosedResourceError):  # the process ends
            passing.close()
            return


def _write_and_flush(sink: BinaryIO, line: bytes) -> None:
    sink.write(line)
    sink.flush()


def _open_wire() -> tuple[int, BinaryIO]:
    """Return stdin and stdout for the protocol alone; all other code reads nothing and writes to stderr."""
    source, sink = os.dup(STDIN), os.dup(STDOUT)  # not inherited
    empty = os.open(os.devnull, os.O_RDONLY)
    os.dup2(empty, STDIN)
    os.close(empty)
    os.dup2(STDERR, STDOUT)
    if sys.platform == "win32":
        rebind_std_handle_to_fd(STDIN)
        rebind_std_handle_to_fd(STDOUT)
    return source, os.fdopen(sink, "wb")
