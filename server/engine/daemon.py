"""An engine in the background, which the first client starts and which ends when nobody needs it any more."""

import gc
import logging
import socket
import sys
import time
from contextlib import suppress
from pathlib import Path

import anyio

from ...core.errors import ResiftError
from ...factories.engine import build_engine
from ...settings.load import load_settings
from ...settings.location import LOGS, checksums, differing, drop_own_settings
from ...store.edge.data_dir import ENGINE
from ...tools.boundary import HINTS
from ..output import log_to_files
from ..terminal import route_streams
from .address import EngineAddress
from .connections import answer
from .greeting import MAX_BYTES, Hello, Welcome
from .hub import Hub

REFUSING_S = 3.0  # that clients are told why the engine cannot start, so that they do not start it over and over

logger = logging.getLogger(__name__)


def serve_until_stopped(listening: socket.socket, address: EngineAddress, folder: Path) -> int:
    """Serve the clients that connect; return the exit code of the process."""
    sys.argv[:] = [ENGINE]  # as which other processes name this one in messages
    try:
        drop_own_settings()
        settings = load_settings()
        log_to_files(folder / LOGS, settings.log_level)
        route_streams(settings.log_level)
        hub = Hub(build_engine(settings), address, folder)
    except ResiftError as error:
        _refuse_all(listening, address, error.text(HINTS))
        return 1
    gc.freeze()  # what a start made stays; later collections need not look at it
    gc.enable()
    anyio.run(hub.serve, listening, answer)
    return 0


def _refuse_all(listening: socket.socket, address: EngineAddress, problem: str) -> None:
    """Tell the clients that have the same settings why the engine cannot start. Others start one of their own."""
    logger.error("%s", problem)
    end, own = time.monotonic() + REFUSING_S, checksums()
    while (left := end - time.monotonic()) > 0:
        listening.settimeout(left)
        with suppress(OSError, ValueError):
            connection, _ = listening.accept()
            with connection:
                connection.settimeout(left)
                if differing(Hello.decode(connection.recv(MAX_BYTES)).settings, own):
                    return
                connection.sendall(Welcome(address.pid, address.version, error=problem).encode())
