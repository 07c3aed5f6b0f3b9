"""Where a command prints: on this process's own streams, or on the terminal of a client for whom the engine runs it."""

from __future__ import annotations

import io
import logging
import sys
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from ..core.masking import SECRETS
from .output import MaskedFormatter, MaskedStream

if TYPE_CHECKING:
    from typing import TextIO


@dataclass(frozen=True, slots=True, eq=False, weakref_slot=True, kw_only=True)
class Terminal:
    """The terminal of a client, and the folder that the client is in."""

    stdout: TextIO
    stderr: TextIO
    folder: Path
    environment: Mapping[str, str]
    """The variables that say how to show text, such as NO_COLOR and COLUMNS."""
    help_columns: int
    """The width in which help is written."""
    has_user: bool = False
    """Whether somebody is there who can answer a question."""

    @classmethod
    def of(cls, shown: Mapping[str, Any], folder: Path, send: Callable[[dict[str, Any]], None]) -> Terminal:
        """Return the terminal that a client describes. `send` gets each piece of text that is printed there."""

        def stream(name: str, mask: Callable[[str], str]) -> TextIO:
            described = shown[name]
            raw = _ClientStream(name, send, is_terminal=described["is_terminal"], errors=described["errors"])
            return cast("TextIO", MaskedStream(cast("TextIO", raw), mask))

        return cls(
            stdout=stream("stdout", SECRETS.mask_content),
            stderr=stream("stderr", SECRETS.mask),
            folder=folder,
            environment=shown["environment"],
            help_columns=shown["help_columns"],
            has_user=shown.get("has_user", False),
        )


class Question(Exception):
    """What the user has to agree to. The client asks, and runs the command again with the option `--yes`."""


TERMINAL: ContextVar[Terminal | None] = ContextVar("TERMINAL", default=None)
"""The terminal of the command that the current task or thread runs; None is that of this process."""


def current_folder() -> Path:
    """Return the folder that relative paths of the command start from."""
    terminal = TERMINAL.get()
    return Path.cwd() if terminal is None else terminal.folder


def route_streams(log_level: str) -> None:
    """From now on, send what a client's command prints or logs to that client; the rest stays where it is."""
    for name in ("stdout", "stderr"):
        setattr(sys, name, cast("TextIO", _RoutedStream(name, getattr(sys, name))))
    handler = _TerminalHandler(log_level)
    handler.setFormatter(MaskedFormatter("%(levelname)s %(name)s: %(message)s"))
    logging.getLogger().addHandler(handler)


class _ClientStream(io.TextIOBase):
    """A stream of a client, which encodes as that client does: what it cannot write is an error here too."""

    encoding = "utf-8"  # pyright: ignore[reportAssignmentType, reportIncompatibleVariableOverride] - of all clients

    def __init__(self, name: str, send: Callable[[dict[str, Any]], None], *, is_terminal: bool, errors: str) -> None:
        self._name = name
        self._send = send
        self._is_terminal = is_terminal
        self._errors = errors

    def write(self, text: str, /) -> int:
        """Send a text to the client.

        Raises:
            UnicodeEncodeError: The client could not write it.
        """
        text.encode(self.encoding, self._errors)
        self._send({self._name: text})
        return len(text)

    def isatty(self) -> bool:
        """Return whether the client's stream is a terminal."""
        return self._is_terminal

    def writable(self) -> bool:
        """Return that the stream can be written."""
        return True

    @property
    def errors(self) -> str:  # pyright: ignore[reportIncompatibleVariableOverride]
        """Return how the client writes characters that its encoding lacks."""
        return self._errors


class _RoutedStream(io.TextIOBase):
    """A standard stream of the engine: what a client's command writes goes to that client's stream of the same name."""

    encoding = "utf-8"  # pyright: ignore[reportAssignmentType, reportIncompatibleVariableOverride]

    def __init__(self, name: str, own: TextIO) -> None:
        self._name = name
        self._own = own

    def write(self, text: str, /) -> int:
        """Write a text where the current command prints.

        Raises:
            TypeError: These are bytes, by which click tries whether a stream is binary.
        """
        return self._target.write(text)

    def flush(self) -> None:
        """Write what was kept."""
        self._target.flush()

    def isatty(self) -> bool:
        """Return whether the current command prints on a terminal."""
        return self._target.isatty()

    def fileno(self) -> int:
        """Return the file descriptor of the engine's own stream, for native libraries."""
        return self._own.fileno()

    def writable(self) -> bool:
        """Return that the stream can be written."""
        return True

    @property
    def _target(self) -> TextIO:
        terminal = TERMINAL.get()
        return self._own if terminal is None else getattr(terminal, self._name)


class _TerminalHandler(logging.Handler):
    """Shows what a command logs to the client for whom it runs, as a process of its own would on stderr."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write a record of a command; others are for the engine's log alone."""
        if (terminal := TERMINAL.get()) is not None:
            terminal.stderr.write(f"{self.format(record)}\n")
            terminal.stderr.flush()
