"""An engine in the foreground, which serves HTTP besides the clients of this machine."""

import logging
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial

import anyio
from filelock import Timeout

from ...core.errors import StoreBusy, StoreError
from ...factories.engine import build_engine
from ...settings.load import Settings
from ...store.edge.data_dir import ENGINE
from ..http.listening import Listener, announcement, listen, serve_http
from ..output import log_to_stderr
from ..relay.connect import EngineFailed, connect
from ..relay.maintenance import is_engine_alive
from ..terminal import route_streams
from .address import EngineAddress
from .connections import answer
from .greeting import STOP
from .hub import Hub
from .process import Unusable, holding

RETRY_S = 0.1

logger = logging.getLogger(__name__)


def serve_in_foreground(settings: Settings, *, announce: Callable[[str], None]) -> None:
    """Serve HTTP, and the data folder's clients on this machine, until the process is told to stop.

    An engine that runs already is asked to stop: its clients go on with this one. `announce` is told the URL.

    Raises:
        Forbidden: It would be reachable from other machines without a token.
        InvalidInput: The address or the port cannot be listened on.
        StoreBusy: The engine that runs serves HTTP itself, or does not stop.
        StoreError: The data folder cannot be used.
    """
    if is_engine_alive(settings.data_dir):  # before the port is found taken, which would be the lesser advice
        _refuse_second(settings)
    with (listener := listen(settings)).socket:
        wait_s = settings.serve.stop_timeout_s + 30
        end = time.monotonic() + wait_s
        while not _serve(settings, listener, announce):
            _refuse_second(settings)
            if _stop_running(announce):
                end = time.monotonic() + wait_s
            if time.monotonic() > end:
                raise StoreBusy(f"The engine of the data folder {settings.data_dir} does not stop. Run `resift stop`.")
            time.sleep(RETRY_S)


def _stop_running(announce: Callable[[str], None]) -> bool:
    """Ask the engine that runs to stop, and wait for it; return whether maintenance had to end first."""
    has_waited = False
    with suppress(EngineFailed):
        if (running := connect(STOP)) is not None:
            with running.channel:
                for message in running.messages():
                    announce(f"Waiting for {message['waiting']} ...")
                    has_waited = True
    return has_waited


def _refuse_second(settings: Settings) -> None:
    """Leave an engine alone that serves HTTP: others rely on its address, its tokens and its settings.

    Raises:
        StoreBusy: There is one.
    """
    other = EngineAddress.read(settings.data_dir)
    if other is not None and other.url:
        raise StoreBusy(
            f"Process {other.pid} serves the data folder {settings.data_dir} at {other.url} already. To replace it, "
            "run `resift stop` first; to serve other documents, set RESIFT_DATA_DIR to another folder."
        )


def _serve(settings: Settings, listener: Listener, announce: Callable[[str], None]) -> bool:
    """Serve until told to stop; return False at once if another engine holds the data folder."""
    try:
        with holding(settings.data_dir, url=listener.url) as (listening, address):
            sys.argv[:] = [ENGINE]  # as which other processes name this one in messages
            log_to_stderr(settings.log_level, settings.log_format)
            route_streams(settings.log_level)
            engine = build_engine(settings)
            hub = Hub(engine, address, settings.data_dir, beside=partial(serve_http, engine, listener))
            announce(announcement(listener, settings))
            anyio.run(hub.serve, listening, answer)
            return True
    except Timeout:
        return False
    except Unusable as error:
        raise StoreError(str(error)) from error
    except KeyboardInterrupt:
        sys.exit(130)
