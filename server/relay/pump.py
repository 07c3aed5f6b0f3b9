"""Pass lines between a client on stdin and stdout and the engine, and survive the engine's end."""

import os
import signal
import socket
import sys
from collections.abc import Iterator
from contextlib import suppress
from threading import Lock, Thread

from ..engine.greeting import MCP
from .connect import Connection, EngineFailed, connect_or_start
from .conversation import LOST, Conversation

STDIN, STDOUT = 0, 1

CHUNK_BYTES = 2**16

AT_A_TERMINAL = (
    "Waiting for an MCP client on stdin. Clients start this command themselves: `resift clients` prints the "
    "configuration. To serve HTTP, add --http. Ctrl-C ends it."
)

MAX_HELD_BYTES = 65 * 2**20  # of a line without end; the engine refuses lines above 64 MB


def relay() -> int:
    """Serve the client on stdin and stdout until it closes stdin, which ends its calls; return the exit code."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    tell_user()
    return Relay().run()


def tell_user() -> None:
    """Tell a user who has typed the command what it waits for, on stderr: stdout belongs to the protocol."""
    if os.isatty(STDIN):
        _tell(AT_A_TERMINAL)


class Relay:
    """One client, and the engine that serves it now."""

    def __init__(self) -> None:
        self._conversation = Conversation()
        self._engine: Connection | None = None
        self._reader: Thread | None = None
        self._is_first = True
        self._is_ending = False
        """Whether the client has closed stdin."""
        self._sending = Lock()  # taken before the next one where both are
        self._state = Lock()  # of all of the above
        self._writing = Lock()

    def run(self) -> int:
        """Pass lines on until the client closes stdin, and then what is still answered.

        The exit code is 1 if no engine has ever served the client.
        """
        with self._sending, self._state:
            try:
                self._connect()
            except EngineFailed as error:  # told to the client when it asks
                _tell(str(error))
        for line in lines_of(STDIN):
            self._pass_on(line)
        while (reader := self._finish()) is not None:
            reader.join()
        return 1 if self._reader is None else 0

    def _finish(self) -> Thread | None:
        """Tell the engine that nothing follows, and return the thread that waits for its last answers."""
        with self._state:
            self._is_ending = True
            if self._engine is None:
                return None
            with suppress(OSError):
                self._engine.channel.shutdown(socket.SHUT_WR)
            return self._reader

    def _pass_on(self, line: bytes) -> None:
        """Send a line of the client to the engine, which is started if it has ended."""
        with self._sending:
            with self._state:
                if not self._conversation.from_client(line):
                    return
                if self._engine is None:
                    self._reconnect(line)
                    return
                engine = self._engine
            try:
                engine.channel.sendall(line)
            except OSError:  # it has ended, and the thread that reads goes on with another one
                with self._state:
                    self._conversation.not_sent(line)

    def _reconnect(self, line: bytes = b"") -> None:
        """Go on with another engine, or answer that there is none. Sending and the state are locked."""
        try:
            self._connect(line)
        except EngineFailed as error:
            self._answer(self._conversation.give_up(str(error)))

    def _connect(self, line: bytes = b"") -> None:
        engine = connect_or_start(MCP, is_first=self._is_first)
        if engine.welcome.notice and self._is_first:
            _tell(engine.welcome.notice)
        self._is_first = False
        lines = self._conversation.repeated(line)
        with suppress(OSError):  # it has ended again, which the thread that reads learns
            engine.channel.sendall(b"".join(lines))
        self._engine = engine
        self._reader = Thread(target=self._read, args=(engine,), daemon=True)
        self._reader.start()

    def _read(self, engine: Connection) -> None:
        """Pass the lines of an engine on to the client; when it ends, answer what it left."""
        held = engine.received
        while True:
            *lines, held = held.split(b"\n")
            for line in lines:
                with self._state:
                    is_for_client = self._conversation.from_engine(line)
                if is_for_client:
                    self._answer([line + b"\n"])
            try:
                chunk = engine.channel.recv(CHUNK_BYTES)
            except OSError:
                break
            if not chunk:
                break
            held += chunk
        with self._sending, self._state:  # what is being sent has failed first
            engine.channel.close()
            self._engine = None
            self._answer(self._conversation.lose_engine())
            if self._is_ending and not self._conversation.has_unread:
                self._answer(self._conversation.give_up(LOST))
            if self._conversation.is_waiting:
                self._reconnect()

    def _answer(self, lines: list[bytes]) -> None:
        with self._writing:
            try:
                for line in lines:
                    _write(line)
            except OSError:  # the client is gone
                os._exit(0)


def lines_of(source: int) -> Iterator[bytes]:
    """Yield the lines of a file descriptor, with their ends. One that is too long to hold comes in parts."""
    parts, size = list[bytes](), 0
    while chunk := os.read(source, CHUNK_BYTES):
        *lines, rest = chunk.split(b"\n")
        for line in lines:
            yield b"".join([*parts, line, b"\n"])
            parts, size = [], 0
        parts.append(rest)
        size += len(rest)
        if size > MAX_HELD_BYTES:
            yield b"".join(parts)
            parts, size = [], 0
    if any(parts):
        yield b"".join(parts)


def _write(line: bytes) -> None:
    view = memoryview(line)
    while view:
        view = view[os.write(STDOUT, view) :]


def _tell(text: str) -> None:
    print(f"resift: {text}", file=sys.stderr, flush=True)  # noqa: T201 - for the client's log
