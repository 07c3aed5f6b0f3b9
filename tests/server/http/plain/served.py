"""A real server of the application on this machine, for clients that speak HTTP only."""

import logging
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from anyio.from_thread import start_blocking_portal

from resift.factories.engine import build_engine
from resift.server.http.application import MCP_PATH
from resift.server.http.listening import listen, serve_http
from resift.settings.load import load_settings


@contextmanager
def served(folder: Path, *, http: dict[str, Any] | None = None, **settings: Any) -> Generator[str]:
    """Serve a data directory on a free port of the loopback, in a thread, and yield the root of its URLs."""
    given = {"port": 0, **(http or {})}
    chosen = load_settings(data_dir=folder / "data", http=given, **settings)
    listener, engine = listen(chosen), build_engine(chosen)
    logging.getLogger("uvicorn.error").setLevel(logging.WARNING)
    with listener.socket, start_blocking_portal() as portal:
        serving = portal.start_task_soon(serve_http, engine, listener)
        try:
            yield listener.url.removesuffix(MCP_PATH)
        finally:
            serving.cancel()
            portal.call(engine.close)
