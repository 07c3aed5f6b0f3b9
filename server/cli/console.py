"""Output on the terminal: plain lines, warnings, tables, progress bars and JSON."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from contextvars import copy_context
from functools import cache
from threading import Event, Lock, Thread
from time import monotonic
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from ...core.errors import Hint, ResiftError
from ...core.text import printable, printable_json
from ..relay.forward import agrees, has_user
from ..terminal import TERMINAL, Question, Terminal

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions, RenderableType
    from rich.segment import Segment

    from ...ingest.report import Progress as JobProgress

HINTS: Mapping[Hint, str] = {
    Hint.LIST_COLLECTIONS: "Run `resift collections` to see which there are.",
    Hint.LIST_JOBS: "Run `resift jobs` to see which there are.",
    Hint.SHOW_FIELDS: "Run `resift collections NAME` to see the values of its fields.",
    Hint.INGEST: "Run `resift ingest PATH` first.",
    Hint.NAME_DOCUMENTS: "Give --id, --filter, or --everything for the whole collection.",
    Hint.END_JOB: "Run `resift jobs wait {job}` or `resift jobs cancel {job}` first.",
    Hint.DELETE_COLLECTION: "To delete the collection, add --everything.",
    Hint.REPLACE_COLLECTION: "Configure the former encoder, or run `resift delete {collection} --everything` and "
    "ingest the documents again.",
    Hint.ADOPT_AGAIN: "Configure the encoder that made its vectors, and run `resift adopt {collection}` again.",
    Hint.ADOPT: "Run `resift adopt {collection}` to make it searchable.",
    Hint.REPAIR_COLLECTION: "If there is a backup, run `resift restore FILE`. If not, run `resift delete {collection} "
    "--everything` and ingest the documents again.",
    Hint.REPAIR_MANIFEST: "Restore it or delete it.",
    Hint.FIND_CAUSE: "Run `resift doctor` to find the cause.",
    Hint.INSTALL: "Run `{command}` to install it.",
    Hint.FREE_DATA_FOLDER: "Try again when it has ended, or set RESIFT_DATA_DIR to another folder for this command.",
    Hint.STOP_ENGINE: "Run `resift stop` to end it, or set RESIFT_DATA_DIR to another folder for this command.",
}
"""What to do next, in commands and options."""

LINE_EVERY_S = 5.0  # of progress, where there is no terminal

PIPE_WIDTH = 120  # of a table that goes to a file or another program

_OF_CLIENTS: WeakKeyDictionary[Terminal, tuple[Console, Console]] = WeakKeyDictionary()


def stdout() -> Console:
    """Return the console of the command's stdout."""
    terminal = TERMINAL.get()
    return _own_stdout() if terminal is None else _consoles(terminal)[0]


def stderr() -> Console:
    """Return the console of the command's stderr."""
    terminal = TERMINAL.get()
    return _own_stderr() if terminal is None else _consoles(terminal)[1]


def _consoles(terminal: Terminal) -> tuple[Console, Console]:
    """Return the consoles of a client's stdout and stderr."""
    if (known := _OF_CLIENTS.get(terminal)) is None:
        width = None if terminal.stdout.isatty() else PIPE_WIDTH
        options: dict[str, Any] = {"legacy_windows": False, "_environ": terminal.environment}
        console = _console_type()
        known = console(file=terminal.stdout, width=width, **options), console(file=terminal.stderr, **options)
        _OF_CLIENTS[terminal] = known
    return known


@cache
def _console_type() -> type[Console]:
    """Return a console that shows what documents say and obeys none of it: they may hold escape sequences."""
    from rich.console import Console

    class DocumentConsole(Console):
        def render(
            self, renderable: RenderableType, options: ConsoleOptions | None = None
        ) -> Generator[Segment, None, None]:
            """Yield what is to be shown, Rich's own control sequences as they are."""
            for segment in super().render(renderable, options):
                yield segment if segment.control else segment._replace(text=printable(segment.text))

    return DocumentConsole


@cache
def _own_stdout() -> Console:
    """Return the console of this process's stdout.

    When its reader goes away, as `head` does, the rest is dropped and the command ends as it would have.
    """

    class PipeConsole(_console_type()):
        def on_broken_pipe(self) -> None:
            """Drop what follows, here and when Python closes stdout."""
            self.quiet = True
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, sys.stdout.fileno())
            os.close(nowhere)

    return PipeConsole(width=None if sys.stdout.isatty() else PIPE_WIDTH)


@cache
def _own_stderr() -> Console:
    return _console_type()(stderr=True)


def say(text: str, *, style: str | None = None) -> None:
    """Print a line on stdout as it is, without markup or wrapping."""
    stdout().print(text, style=style, highlight=False, soft_wrap=True, markup=False)


def note(text: str, *, style: str | None = None) -> None:
    """Print a line on stderr as it is, without markup or wrapping."""
    stderr().print(text, style=style, highlight=False, soft_wrap=True, markup=False)


def warn(text: str) -> None:
    """Print a warning on stderr."""
    note(f"Warning: {text}", style="yellow")


def print_error(error: ResiftError) -> None:
    """Print an error on stderr, its hint in commands and options."""
    print(f"resift: {printable(error.text(HINTS))}", file=sys.stderr)  # noqa: T201 - even if Rich cannot be imported


def can_ask() -> bool:
    """Return whether somebody is at the command's terminal. In scripts nobody is."""
    terminal = TERMINAL.get()
    return has_user() if terminal is None else terminal.has_user


def confirm(question: str) -> bool:
    """Ask the user, and return whether they agree.

    Raises:
        Question: The command runs inside the engine, and its client has to ask.
    """
    if TERMINAL.get() is not None:
        raise Question(printable(question))
    return agrees(printable(question))


def show(renderable: RenderableType) -> None:
    """Print a table, a rule or a text with markup on stdout."""
    stdout().print(renderable, highlight=False)


def print_json(value: Any) -> None:
    """Print a value as indented JSON, without colours; what a terminal would obey is escaped."""
    from pydantic_core import to_json

    stdout().out(printable_json(to_json(value, indent=2).decode()), highlight=False)


class ProgressLines:
    """Prints how far a job is as lines, one every few seconds, for a log or a pipe. A short job prints none."""

    def __init__(self, label: str, write: Callable[[str], None], *, clock: Callable[[], float] = monotonic) -> None:
        self._label, self._write, self._clock = label, write, clock
        self._start = self._last = clock()
        self._text = ""
        self._lock = Lock()

    async def advance(self, done: float, total: int, message: str) -> None:
        """Note how far the job is."""
        self._text = f": {_status(done, total, message)}"
        self.print_when_due()

    def print_when_due(self) -> None:
        """Print a line if the last one, or the start, was long enough ago."""
        with self._lock:
            now = self._clock()
            if now - self._last >= LINE_EVERY_S:
                self._last = now
                self._write(f"{self._label}{self._text} ({now - self._start:.0f} s)")


@contextmanager
def progress_bar(label: str) -> Generator[JobProgress]:
    """Yield a progress function that draws a bar on stderr, or prints a line there every few seconds."""
    with _bar(label) if stderr().is_terminal else _lines(label) as advance:
        yield advance


@contextmanager
def _bar(label: str) -> Generator[JobProgress]:
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[message]}", markup=False),
    )
    is_own = TERMINAL.get() is None  # then Rich keeps apart the bar and what libraries print
    with Progress(*columns, console=stderr(), transient=True, redirect_stdout=is_own, redirect_stderr=is_own) as bar:
        task = bar.add_task(label, total=None, message="")

        async def advance(done: float, total: int, message: str) -> None:
            bar.update(task, completed=done, total=total or None, message=_status(done, total, message))

        yield advance


@contextmanager
def _lines(label: str) -> Generator[JobProgress]:
    """Print lines from a thread, even while work never yields to the event loop."""
    lines, stop = ProgressLines(label, note), Event()

    def keep_printing() -> None:
        while not stop.wait(1.0):
            lines.print_when_due()

    thread = Thread(target=copy_context().run, args=(keep_printing,), daemon=True)
    thread.start()
    try:
        yield lines.advance
    finally:
        stop.set()
        thread.join()


def _status(done: float, total: int, message: str) -> str:
    return message or (f"{done:,.0f} of {total:,}" if total else "")
