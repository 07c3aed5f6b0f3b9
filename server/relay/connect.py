"""Connect to the engine of the data folder, and start one if there is none."""

import json
import signal
import socket
import sys
import time
from typing import TYPE_CHECKING, Any

from ...settings.location import LOGS, data_dir
from ..engine.address import ANOTHER_RUNS, EngineAddress
from ..engine.greeting import Hello, Welcome

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from subprocess import Popen

START_TIMEOUT_S = 90.0  # a start takes 1 s, and a minute on a machine that is busy with other things

POLL_S = 0.02

WAIT_FOR_OTHER_S = 0.2  # before an engine is started again while another one holds the lock

MOST_CRASHES = 5


class EngineFailed(Exception):
    """The engine does not start; the message is for the user."""


class Connection:
    """A connection to an engine that has welcomed this client."""

    def __init__(self, channel: socket.socket, welcome: Welcome, received: bytes) -> None:
        self.channel = channel
        self.welcome = welcome
        self.received = received
        """What the engine has sent after its welcome."""

    def messages(self) -> "Iterator[dict[str, Any]]":
        """Yield the lines of JSON that the engine sends, until it closes the connection or is killed."""
        received = self.received
        while True:
            *lines, received = received.split(b"\n")
            yield from map(json.loads, lines)
            try:
                chunk = self.channel.recv(2**16)
            except OSError:
                chunk = b""
            if not chunk:
                return
            received += chunk


def connect(wants: str, *, data_folder: "Path | None" = None, **greeting: Any) -> Connection | None:
    """Return a connection to the engine that runs, or None if none does. `greeting` has more fields of `Hello`.

    The engine is that of the data folder in the settings, unless another folder is given.

    Raises:
        EngineFailed: The engine refuses this client.
    """
    folder = data_folder or data_dir()
    if (address := EngineAddress.read(folder)) is None:
        return None
    hello = Hello.of_this_process(wants, token=address.token, **greeting)
    try:
        channel = address.connect()
    except OSError:
        return None
    channel.settimeout(START_TIMEOUT_S)
    try:
        channel.sendall(hello.encode())
        line, received = _first_line(channel)
        welcome = Welcome.decode(line)
    except (OSError, ValueError):  # it has just ended
        channel.close()
        return None
    channel.settimeout(None)
    if welcome.error:
        channel.close()
        raise EngineFailed(welcome.error)
    return Connection(channel, welcome, received)


def connect_or_start(wants: str, *, is_first: bool = True) -> Connection:
    """Return a connection to the engine, which is started if none runs or if the running one makes room for another.

    Raises:
        EngineFailed: No engine can be started.
    """
    starter, end = _Starter(), time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < end:
        found = connect(wants, is_first=is_first)
        if found is not None and not found.welcome.retry:
            return found
        if found is not None:
            found.channel.close()
        starter.ensure_started()
        time.sleep(POLL_S)
    raise EngineFailed(f"The engine did not start within {START_TIMEOUT_S:g} s. Its log is in {data_dir() / LOGS}.")


class _Starter:
    """Starts engines until one runs. Of several that start at once, one gets the lock, and the others leave."""

    def __init__(self) -> None:
        self._process: Popen[bytes] | None = None
        self._crashes = 0
        self._not_before = 0.0

    def ensure_started(self) -> None:
        """Start an engine, unless one that this process started is still starting.

        Raises:
            EngineFailed: The engine cannot run.
        """
        if self._process is not None:
            code = self._process.poll()
            if code is None or time.monotonic() < self._not_before:
                return
            self._check(code)
        self._process = _start()
        self._not_before = time.monotonic() + WAIT_FOR_OTHER_S

    def _check(self, code: int) -> None:
        """Check how the engine ended that this process started last."""
        assert self._process is not None and self._process.stderr is not None  # noqa: PT018, S101
        with self._process.stderr as stderr:
            words = stderr.read().decode("utf-8", "replace").strip()
        if code in (0, ANOTHER_RUNS):
            return
        self._crashes += 1
        if code > 0 or self._crashes > MOST_CRASHES:  # below 0: killed by a signal, perhaps by mistake
            raise EngineFailed(
                words or f"{_how_it_ended(code, times=self._crashes)} Its log is in {data_dir() / LOGS}."
            )


def _how_it_ended(code: int, *, times: int) -> str:
    if code > 0:
        return f"The engine ended with exit code {code}."
    try:
        name = signal.Signals(-code).name
    except ValueError:  # it has no name
        name = f"signal {-code}"
    return f"The engine was killed {times} times while it started, last by {name}. Find out what kills it."


def _start() -> "Popen[bytes]":
    import subprocess

    flags = 0
    if sys.platform == "win32":
        flags = subprocess.CREATE_NEW_PROCESS_GROUP | subprocess.DETACHED_PROCESS
    return subprocess.Popen(
        # -P: the client's folder, where this runs, may hold an `mcp.py`, which must not be imported.
        [sys.executable, "-P", "-m", "resift.server.engine.process"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,  # until the engine writes to a file of its own
        start_new_session=True,
        creationflags=flags,
    )


def _first_line(channel: socket.socket) -> tuple[bytes, bytes]:
    """Return the first line that is received, and what was received after it.

    Raises:
        OSError: The connection ended before.
    """
    received = b""
    while b"\n" not in received:
        chunk = channel.recv(2**16)
        if not chunk:
            raise ConnectionResetError("The engine ended.")
        received += chunk
    line, _, rest = received.partition(b"\n")
    return line, rest
