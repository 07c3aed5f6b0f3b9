"""Several processes that serve HTTP on one port, over a Qdrant server, which they share."""

import os
import tempfile
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from socket import socket

from fastapi import FastAPI
from prometheus_client.multiprocess import mark_process_dead  # pyright: ignore[reportUnknownVariableType] - it has no types
from uvicorn import Config
from uvicorn.supervisors import Multiprocess

from ...api.background import serving_jobs
from ...core.errors import InvalidInput
from ...core.tracing import export_spans
from ...factories.engine import build_engine, running
from ...settings.load import Settings, load_settings
from ..output import mask_streams
from .application import create_app
from .listening import announcement, configure, listen
from .metrics import SHARED_FOLDER

FACTORY = f"{__name__}:create"


def serve_with_workers(settings: Settings, *, workers: int, announce: Callable[[str], None]) -> None:
    """Serve over HTTP with several processes until this one is told to stop. `announce` is told the URL.

    Raises:
        Forbidden: It would be reachable from other machines without a token.
        InvalidInput: The store is not a server, folders are to be watched, or the address or the port cannot be
            listened on.
    """
    if not settings.qdrant_url:
        raise InvalidInput(
            f"{workers} workers need a Qdrant server: only one process can open the collections of a data folder. Set "
            "QDRANT_URL, or leave --workers out: one process uses several cores as well."
        )
    if settings.serve.watch:
        raise InvalidInput(
            f"{workers} workers do not follow the folders that are ingested, which RESIFT_SERVE__WATCH asks for. Leave "
            "--workers out, or unset RESIFT_SERVE__WATCH."
        )
    listener = listen(settings)
    with listener.socket, tempfile.TemporaryDirectory(prefix="resift-metrics-") as folder:
        # Workers are new processes, which read the settings again.
        os.environ |= {
            "RESIFT_HTTP__HOST": settings.http.host,
            SHARED_FOLDER: folder,
        }
        config = configure(FACTORY, settings)
        config.factory, config.workers = True, workers
        announce(announcement(listener, settings, workers=workers))
        Supervisor(config, sockets=[listener.socket]).run()


class Supervisor(Multiprocess):
    """Starts workers again that have died, and takes what these were working on out of the metrics."""

    def __init__(self, config: Config, sockets: list[socket]) -> None:
        super().__init__(config, sockets)
        self._known = set[int]()

    def keep_subprocess_alive(self) -> None:
        """Look after the workers; uvicorn calls this all the time."""
        self._known |= self._running()
        super().keep_subprocess_alive()
        for pid in self._known - self._running():
            mark_process_dead(pid)
            self._known.discard(pid)

    def _running(self) -> set[int]:
        return {each.pid for each in self.processes if each.pid is not None}


def create() -> FastAPI:
    """Return the application of a worker, with an engine of its own."""
    mask_streams()
    export_spans()
    engine = build_engine(load_settings())
    app = create_app(engine)
    serve = app.router.lifespan_context

    @asynccontextmanager
    async def lifespan(served: FastAPI) -> AsyncGenerator[None]:
        async with running(engine), serve(served), serving_jobs(engine):  # jobs stop before the calls that await them
            yield

    app.router.lifespan_context = lifespan
    return app
