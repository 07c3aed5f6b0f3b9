"""Serve MCP on stdin and stdout in this process; nothing but the protocol is written to stdout."""

import os
import sys
from contextlib import redirect_stdout
from pathlib import Path
from typing import BinaryIO

import anyio
from anyio import to_thread
from mcp.os.win32.utilities import rebind_std_handle_to_fd

from ...api.caller import CALLER, Caller
from ...factories.engine import Engine, running
from ...ingest.files.roots import folders_of_client
from .assembly import create_server
from .lines import ByteStream, LineService

STDIN, STDOUT, STDERR = 0, 1, 2

CHUNK_BYTES = 2**16


async def serve_stdio(engine: Engine) -> None:
    """Serve one client until it closes stdin, then close the engine."""
    source, sink = _open_wire()
    threads = anyio.CapacityLimiter(2)  # of its own: those for tools may all be busy

    async def receive() -> bytes:
        return await to_thread.run_sync(os.read, source, CHUNK_BYTES, limiter=threads)

    async def send(line: bytes) -> None:
        await to_thread.run_sync(_write_and_flush, sink, line, limiter=threads)

    roots = engine.settings.ingest_roots or folders_of_client(Path.cwd())
    CALLER.set(Caller(name="stdio", roots=roots))
    with redirect_stdout(sys.stderr):  # what libraries print
        async with running(engine):
            await LineService(create_server(engine), ByteStream(receive, send)).run()


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
