"""The first line in each direction of a connection to the engine. Clients import this: standard library alone.

A client says who it is and what it wants. The engine welcomes it, or says why it cannot.
"""

import json
import os
from collections.abc import Callable
from typing import Any, NamedTuple, Self, TypeVar

T = TypeVar("T")

MAX_BYTES = 2**20

MCP, COMMAND, STATUS, STOP, LEASE = "mcp", "command", "status", "stop", "lease"
"""What a client can want: serve MCP, run a command of the terminal, tell its state, stop, or leave the store alone."""

WATCH, JOBS, WAIT = "watch", "jobs", "wait"

IN_ENGINE = ("search", "ingest", "collections", JOBS, "delete", "optimize", WATCH)
"""The commands of the terminal that run inside the engine when there is one."""


def goes_on_alone(arguments: list[str]) -> bool:
    """Return whether a command waits for what others do, and goes on in a process of its own when the engine stops."""
    words = [each for each in arguments if not each.startswith("-")]
    return words[:1] == [WATCH] or words[:2] == [JOBS, WAIT]


class Hello(NamedTuple):
    """What a client says first."""

    wants: str
    version: str
    settings: dict[str, str]
    """Checksums of the settings that the client was started with, by name."""
    folder: str
    """Its working directory, if it has one."""
    pid: int
    is_first: bool = True
    """Whether the client was just started; one that connects again does not ask for another engine."""
    token: str = ""
    own: dict[str, str] = {}  # noqa: RUF012 - never changed
    """The settings that it shares with no other client, by name: what it may read and change."""
    command: dict[str, Any] = {}  # noqa: RUF012 - never changed
    """What to run, and on which terminal."""

    @classmethod
    def of_this_process(cls, wants: str, **values: Any) -> Self:
        """Return the greeting of this process."""
        from ... import __version__
        from ...settings.location import checksums, own_settings

        try:
            folder = os.getcwd()  # noqa: PTH109 - pathlib is not needed otherwise
        except FileNotFoundError:  # it was deleted
            folder = ""
        return cls(wants, __version__, checksums(), folder, os.getpid(), own=own_settings(), **values)

    def encode(self) -> bytes:
        """Return the line."""
        return _encode(self._asdict())

    @classmethod
    def decode(cls, line: bytes) -> Self:
        """Return what a client said.

        Raises:
            ValueError: This is not the greeting of a client.
        """
        return _decode(cls, cls._fields, line)


class Welcome(NamedTuple):
    """What the engine answers."""

    pid: int
    version: str
    error: str = ""
    """Why it does not serve the client; nothing follows."""
    retry: str = ""
    """Why another engine has to be started, for which this one makes room at once; nothing follows."""
    notice: str = ""
    """What the user should know, such as settings that differ."""

    def encode(self) -> bytes:
        """Return the line."""
        return _encode(self._asdict())

    @classmethod
    def decode(cls, line: bytes) -> Self:
        """Return what an engine answered.

        Raises:
            ValueError: This is not the answer of an engine.
        """
        return _decode(cls, cls._fields, line)


class Goodbye(NamedTuple):
    """What the engine sends last when it stops, to a client that speaks MCP."""

    lines_read: int
    """How many of the client's lines it has read; the others are for the next engine."""

    def encode(self) -> bytes:
        """Return the line."""
        return _encode({GOODBYE: self.lines_read})


GOODBYE = "resift/goodbye"
"""The key by which the line is recognized; no message of MCP has it."""


def _encode(values: dict[str, Any]) -> bytes:
    return json.dumps(values).encode() + b"\n"


def _decode(kind: Callable[..., T], fields: tuple[str, ...], line: bytes) -> T:
    """Return what a line says; fields that this version does not know are left out."""
    try:
        values = json.loads(line)
        return kind(**{name: values[name] for name in fields if name in values})
    except (KeyError, TypeError) as error:
        raise ValueError(str(error)) from error
