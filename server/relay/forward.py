"""Run a command of the terminal inside the engine, where everything is loaded, and print what it prints."""

import json
import os
import sys
from contextlib import suppress
from typing import Any, TextIO

from ..engine.greeting import COMMAND, goes_on_alone
from .connect import Connection, EngineFailed, connect

INTERRUPTED = 130
"""The exit code after Ctrl-C."""

CLEAN_UP_S = 5.0  # that the engine may take to cancel a command and tidy up the terminal

ALONE = "resift: {reason} This command runs in its own process, which has to load everything first."

STYLES = ("NO_COLOR", "FORCE_COLOR", "TERM", "COLORTERM", "TTY_COMPATIBLE", "TTY_INTERACTIVE")
"""The variables that change how Rich writes, besides those of the size."""

LOST = (
    "resift: The engine stopped while it ran this command. What it had acknowledged is kept. Run the command again; if "
    "that fails too, run `resift doctor`."
)


DECLINED = "Nothing was changed."

GOES_ON = "resift: The engine stopped. This command goes on in a process of its own."


def forward(arguments: list[str]) -> int | None:
    """Run a command inside the engine and return its exit code; None if it has to run in this process.

    That is so if no engine runs, if the engine has another version or other settings, or if this terminal is one on
    which the engine cannot write exactly what this process would.
    """
    terminal = _terminal()
    if terminal is None:
        return None
    try:
        engine = connect(COMMAND, command={"arguments": arguments, **terminal})
    except EngineFailed:  # this process finds the same problem, and tells it
        return None
    if engine is None:
        return None
    with engine.channel:
        if not engine.welcome.retry:
            end = _follow(engine)
            if end is None and goes_on_alone(arguments):
                print(GOES_ON, file=sys.stderr)  # noqa: T201 - without Rich, as below
                return None
            return _lost() if end is None else _ask(arguments, end)
    if _has_usable_settings():
        print(ALONE.format(reason=engine.welcome.retry), file=sys.stderr)  # noqa: T201 - without Rich, as below
    return None


def _has_usable_settings() -> bool:
    """Return whether this process can load the settings; if not, it says so itself. Only then is it worth a start."""
    from ...core.errors import ResiftError
    from ...settings.load import load_settings

    try:
        load_settings()
    except ResiftError:
        return False
    return True


def _ask(arguments: list[str], end: dict[str, Any]) -> int | None:
    """Return the exit code of a command; of one that first needs the user's consent, after asking and running it."""
    if "ask" not in end:
        return end["exit"]
    return forward([arguments[0], "--yes", *arguments[1:]]) if agrees(end["ask"]) else end["exit"]


def has_user() -> bool:
    """Return whether somebody is at this terminal who sees a question and can answer it."""
    return all(stream is not None and stream.isatty() for stream in (sys.stdin, sys.stderr))


def agrees(question: str) -> bool:
    """Ask the user, and return whether the answer is yes. The end of the input is a no."""
    print(f"{question} [y/N] ", end="", file=sys.stderr, flush=True)  # noqa: T201 - without Rich, as below
    if sys.stdin.readline().strip().lower() in {"y", "yes"}:
        return True
    print(DECLINED, file=sys.stderr)  # noqa: T201
    return False


def _terminal() -> dict[str, Any] | None:
    """Return what the engine has to know about this terminal, or None if it cannot write there."""
    streams = {name: _stream(getattr(sys, name)) for name in ("stdout", "stderr")}
    if not all(streams.values()):
        return None
    environment = {name: os.environ[name] for name in STYLES if name in os.environ}
    size = {"environment": {**environment, **_size()}, "help_columns": _help_columns()}
    return {**streams, **size, "has_user": has_user()}


def _stream(stream: TextIO | None) -> dict[str, Any] | None:
    if stream is None or (stream.encoding or "").lower().replace("-", "") != "utf8":
        return None
    is_terminal = stream.isatty()
    if is_terminal and sys.platform == "win32":  # older consoles take no escape sequences
        return None
    return {"is_terminal": is_terminal, "errors": stream.errors or "strict"}


def _size() -> dict[str, str]:
    """Return the size of the terminal as variables, as Rich finds it."""
    size = os.terminal_size((0, 0))
    for descriptor in (2, 1, 0):  # the first one that is a terminal counts
        with suppress(OSError):
            size = os.get_terminal_size(descriptor)
    if os.environ.get("TERM", "").lower() in {"dumb", "unknown"}:
        size = os.terminal_size((80, 25))
    found = {"COLUMNS": str(size.columns or 80), "LINES": str(size.lines or 25)}
    return {name: given if (given := os.environ.get(name, "")).isdecimal() else found[name] for name in found}


def _help_columns() -> int:
    """Return the width of help, as Click finds it."""
    columns = os.environ.get("COLUMNS", "")
    found = int(columns) if columns.isdecimal() else 0
    if not found:
        with suppress(OSError):
            found = os.get_terminal_size(1).columns
    return max(min(found or 80, 80) - 2, 50)


def _lost() -> int:
    print(LOST, file=sys.stderr)  # noqa: T201 - without Rich, which takes long to import
    return 1


def _follow(engine: Connection) -> dict[str, Any] | None:
    """Print what the command prints; return how it ended, or None if the engine ended before. Ctrl-C cancels it."""
    import socket

    try:
        return _print_frames(engine)
    except KeyboardInterrupt:
        with suppress(OSError, KeyboardInterrupt):
            engine.channel.settimeout(CLEAN_UP_S)
            engine.channel.shutdown(socket.SHUT_WR)  # the engine cancels the command, and ends a progress bar
            _print_frames(engine)
        return {"exit": INTERRUPTED}


def _print_frames(engine: Connection) -> dict[str, Any] | None:
    """Print what the engine sends until the command ends; return the last frame, or None if the engine ended before."""
    while True:
        *lines, engine.received = engine.received.split(b"\n")
        for line in lines:
            frame = json.loads(line)
            if "exit" in frame:
                return frame
            _print(frame)
        try:
            chunk = engine.channel.recv(2**16)
        except ConnectionError:
            return None
        if not chunk:
            return None
        engine.received += chunk


def _print(frame: dict[str, str]) -> None:
    for name, text in frame.items():
        stream = sys.stdout if name == "stdout" else sys.stderr
        try:
            stream.write(text)
            stream.flush()
        except BrokenPipeError:  # its reader has gone, as `head` does: the command ends as it would have
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, stream.fileno())
            os.close(nowhere)
