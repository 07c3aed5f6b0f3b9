"""Listen on a port and serve the application until told to stop."""

import logging
import math
import os
import socket
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import anyio
import uvicorn

from ...core.errors import Forbidden, InvalidInput
from ...core.tracing import export_spans
from ...factories.engine import Engine
from ...settings.load import Settings
from .application import MCP_PATH, create_app
from .origins import LOOPBACK_NAMES
from .slow_clients import MOST_HEAD_BYTES, connections

if TYPE_CHECKING:
    from starlette.types import ASGIApp

BACKLOG = 256

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Listener:
    """A socket that listens already, so that its failure to do so is told before anything is loaded."""

    socket: socket.socket
    url: str
    """Of MCP."""


def at_address(settings: Settings, *, host: str, port: int | None) -> Settings:
    """Return the settings with another address and port; an empty one, or None, is that of the settings."""
    http = settings.http
    update = {"host": host or http.host, "port": http.port if port is None else port}
    return settings.model_copy(update={"http": http.model_copy(update=update)})


def listen(settings: Settings) -> Listener:
    """Return the socket of the address and port in the settings.

    Raises:
        Forbidden: It would be reachable from other machines without a token.
        InvalidInput: The address is not one of this machine's, or the port is taken.
    """
    http = settings.http
    if _is_open(settings) and http.host.lower() not in LOOPBACK_NAMES:
        raise Forbidden(
            f"Without a token, everybody who reaches {http.host} could read and delete the documents. Run `resift "
            "token NAME` and put the row that it prints into RESIFT_HTTP__TOKENS, or listen on 127.0.0.1."
        )
    try:
        family, *_, address = socket.getaddrinfo(http.host, http.port, type=socket.SOCK_STREAM)[0]
        opened = socket.create_server(address[:2], family=family, backlog=BACKLOG)
    except OSError as error:
        # The text of a failure to bind repeats the address; one of the look-up of a name has no number of the system's.
        reason = error if isinstance(error, socket.gaierror) else os.strerror(error.errno or 0)
        raise InvalidInput(
            f"Cannot listen on {http.host} port {http.port}: {reason}. Choose another with --host and --port, or with "
            "RESIFT_HTTP__HOST and RESIFT_HTTP__PORT."
        ) from error
    opened.setblocking(False)
    host = f"[{http.host}]" if ":" in http.host else http.host
    return Listener(opened, f"http://{host}:{opened.getsockname()[1]}{MCP_PATH}")


def announcement(listener: Listener, settings: Settings, *, workers: int = 1) -> str:
    """Return where MCP and plain HTTP are served, what may be ingested, and who may do what if there are no tokens."""
    several = f" with {workers} workers" if workers > 1 else ""
    root = listener.url.removesuffix(MCP_PATH)
    text = (
        f"Serving MCP at {listener.url}, and plain HTTP at {root}/v1, described at {root}/openapi.json{several}. "
        "Ctrl-C ends it."
    )
    if not settings.read_only:
        folders = ", ".join(str(folder.absolute()) for folder in settings.ingest_roots)
        none = "No files may be ingested by path. To allow folders, set RESIFT_INGEST_ROOTS."
        text += f"\nFiles in these folders may be ingested by path: {folders}." if folders else f"\n{none}"
    if _is_open(settings):
        rights = "search and read" if settings.read_only else "read, add and delete"
        text += f"\nNo tokens: every program on this machine may {rights}."
    return text


def _is_open(settings: Settings) -> bool:
    return not (settings.http.tokens or settings.oauth.issuer)


async def serve_http(engine: Engine, listener: Listener) -> None:
    """Serve until cancelled; then finish the requests in flight, and return. Installs no signal handlers.

    Raises:
        MissingExtra: The environment names a collector of traces, and the extra `otel` is not installed.
    """
    export_spans()
    server = _Server(configure(create_app(engine), engine.settings))
    async with anyio.create_task_group() as group:

        async def serve() -> None:
            with anyio.CancelScope(shield=True):
                await server.serve([listener.socket])
            group.cancel_scope.cancel()

        group.start_soon(serve)
        try:
            await anyio.sleep_forever()
        finally:
            server.should_exit = True


def configure(app: "ASGIApp | str", settings: Settings) -> uvicorn.Config:
    """Return how uvicorn serves the application."""
    return uvicorn.Config(
        app,
        http=connections(settings.http.client_timeout_s),
        h11_max_incomplete_event_size=MOST_HEAD_BYTES,
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        backlog=BACKLOG,
        timeout_graceful_shutdown=math.ceil(settings.serve.stop_timeout_s),
        reset_contextvars=True,
    )


class _Server(uvicorn.Server):
    """A server that leaves the signals to the program in which it runs."""

    @contextmanager
    def capture_signals(self) -> Generator[None]:
        """Capture none."""
        yield
