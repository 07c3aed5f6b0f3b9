"""A worker process, as the process that started it sees it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from functools import cache, partial
from typing import TYPE_CHECKING, Any

from ...core.errors import UnreadableFile
from ..parsers.protocols import USUAL_FIELDS, RecordFields
from ..parsing import Part
from .deadlines import Deadlines
from .frames import MAX_NAME_CHARS, read_frame, write_frame
from .limits import Limits, clean_environment

if TYPE_CHECKING:
    from pydantic import TypeAdapter

_CONVERT = "Leave it out, or convert it to plain text."

_SPLIT = "Split the file, leave it out, or convert it to plain text."


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of a file: its parts, the last a problem if it failed, and whether the process can parse another."""

    parts: list[Part]
    is_usable: bool = False
    has_begun: bool = True
    """False if the process was gone before it began, so that another one may be asked."""
    culprit: str = ""
    """The document inside the file that ended the process; empty if that is not known."""
    cause: str = ""
    """What that did, and what to do about it."""


@dataclass(slots=True)
class _Progress:
    """How far the process is with a file, as it says itself. None of it is trusted further than a wrong message."""

    source: str
    inner: str | None = None
    """The file, or the document inside it, that is being parsed; None before it is begun."""
    parser: str = "its parser"
    asked_s: float = 0.0
    """The time that the process has asked for."""
    since: float = field(default_factory=time.monotonic)
    is_spent: bool = False

    def note(self, head: dict[str, Any]) -> None:
        if "begins" in head:
            self.inner = str(head["begins"])
        self.parser = str(head.get("parser", self.parser))
        self.asked_s += max(0.0, float(head.get("seconds", 0.0)))  # in this order, NaN is 0

    @property
    def name(self) -> str:
        return self.source or "The text"

    @property
    def within(self) -> str:
        return "" if self.inner in (None, self.source[:MAX_NAME_CHARS]) else self.inner or ""

    @property
    def place(self) -> str:
        return f" at {self.within}, which is inside it" if self.within else ""


class Worker:
    """A process that parses one file at a time. Only `kill` may be called from several threads.

    The thread that parses closes the pipes, so that none is closed while it is read from.

    Raises:
        OSError: The system does not start it.
    """

    def __init__(self, limits: Limits, deadlines: Deadlines, *, record_fields: RecordFields = USUAL_FIELDS) -> None:
        self._limits = limits
        self._deadlines = deadlines
        self._lock = threading.Lock()
        self._current: _Progress | None = None
        self._is_late = False
        self._is_ready = False
        self._files = 0
        self._process = _start(limits, record_fields)
        assert self._process.stdin is not None and self._process.stdout is not None  # noqa: PT018, S101
        self._requests, self._replies = self._process.stdin, self._process.stdout

    @property
    def pid(self) -> int:
        """Return the id of the process."""
        return self._process.pid

    def parse(self, source: str, data: bytes | str, skip: Mapping[str, str] | None = None) -> Answer:
        """Return the documents in a file, and why the process parsed no more. A process that failed is ended.

        Of documents inside the file whose sources are in `skip`, the problem is returned that `skip` has for each.
        """
        progress, parts, cause, is_done = _Progress(source), list[Part](), "", False
        with self._lock:
            self._current = progress
        try:
            self._await_ready(progress)
            for part in self._exchange(progress, data, skip or {}):
                parts.append(part)  # those that came are kept if one fails
            is_done = True
        except UnreadableFile as error:
            cause = str(error)
        except (EOFError, OSError):
            pass
        except (TypeError, ValueError, RecursionError) as error:
            cause = f"{progress.parser} sent what cannot be read ({type(error).__name__}). {_CONVERT}"
        finally:
            is_late = self._finish()
        if is_done:
            self._files += 1
            return Answer(parts, not (is_late or progress.is_spent or self._files >= self._limits.files))
        self.kill()
        culprit = progress.within if is_late or not cause else ""
        cause = self._cause(progress) if is_late or not cause else cause
        how = "was parsed only in part" if parts else "cannot be parsed"
        parts.append(Part(problem=f"{progress.name} {how}: {cause}"))
        return Answer(
            parts, has_begun=progress.inner is not None, culprit=culprit, cause=cause.replace(progress.place, "", 1)
        )

    def kill(self) -> None:
        """End the process and those that it started, and wait for it."""
        with self._lock:
            if self._process.returncode is None:
                _kill_group(self._process)
                self._process.wait()
            if self._current is not None:  # its thread reads, and will be told that the pipe has ended
                return
            for pipe in (self._requests, self._replies):
                with suppress(OSError):  # what was not sent yet
                    pipe.close()

    def _finish(self) -> bool:
        """Let no deadline end the process any more, and return whether one did."""
        self._deadlines.drop(self)
        with self._lock:  # one may be due already
            self._current = None
            return self._is_late

    def _await_ready(self, progress: _Progress) -> None:
        if not self._is_ready:
            self._deadlines.set(self, self._limits.start_seconds, partial(self._end_late, progress))
            frame = read_frame(self._replies, self._limits.reply_bytes)
            if frame is None or "ready" not in frame.head:
                raise ValueError("the process did not say that it is ready")
            self._is_ready = True

    def _exchange(self, progress: _Progress, data: bytes | str, skip: Mapping[str, str]) -> Iterator[Part]:
        """Send a file, and yield its parts as they arrive."""
        body = data.encode("utf-8", "surrogatepass") if isinstance(data, str) else data
        progress.since = time.monotonic()
        self._limit_time(progress, self._limits.seconds_of(len(body)))
        head = {"source": progress.source, "is_text": isinstance(data, str), "skip": dict(skip)}
        write_frame(self._requests, head, body)
        self._requests.flush()
        left = self._limits.reply_bytes
        while frame := read_frame(self._replies, left):
            left -= frame.size
            if "done" in frame.head:
                progress.is_spent = bool(frame.head.get("is_spent"))
                return
            if "part" in frame.head:
                yield _decoded(frame.body)
                continue
            progress.note(frame.head)
            if "seconds" in frame.head:
                self._limit_time(progress, progress.asked_s)
        megabytes = self._limits.reply_bytes / 1_000_000
        raise UnreadableFile(f"it holds more than {megabytes:g} MB of text. Split it.")

    def _limit_time(self, progress: _Progress, seconds: float) -> None:
        end = progress.since + min(seconds, self._limits.most_seconds)
        self._deadlines.set(self, end - time.monotonic(), partial(self._end_late, progress))

    def _end_late(self, progress: _Progress) -> None:
        """End the process, unless it has finished that file meanwhile."""
        with self._lock:
            if self._current is progress and self._process.returncode is None:
                self._is_late = True
                _kill_group(self._process)

    def _cause(self, progress: _Progress) -> str:
        """Return why the process ended, and what to do about it."""
        code = self._process.returncode or 0
        if progress.inner is None:
            how = "did not answer in time" if self._is_late else f"ended with code {code} before it began"
            return f"the process that parses documents {how}. Its messages are in the log, or on the standard error."
        if self._is_late:
            seconds = min(progress.asked_s or self._limits.seconds, self._limits.most_seconds)
            return f"{progress.parser} took more than {seconds:.3g} s{progress.place}. {_SPLIT}"
        if code == -getattr(signal, "SIGKILL", 0):
            return f"the system ended {progress.parser}{progress.place}, perhaps for lack of memory. {_CONVERT}"
        how = f"crashed ({_signal_name(-code)})" if code < 0 else f"ended its process with code {code}"
        return f"{progress.parser} {how}{progress.place}. {_CONVERT}"


def _start(limits: Limits, record_fields: RecordFields) -> subprocess.Popen[bytes]:
    flags = 0
    if sys.platform == "win32":
        flags = subprocess.CREATE_NEW_PROCESS_GROUP | subprocess.CREATE_NO_WINDOW
    # -P: nothing is imported from the folder that this process runs in, which is that of a client.
    options = [json.dumps(asdict(each)) for each in (limits, record_fields)]
    program = [sys.executable, "-P", "-W", "ignore", "-m", f"{__package__}.child", *options]
    return subprocess.Popen(  # noqa: S603  our own program
        program,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=clean_environment(),
        start_new_session=True,
        creationflags=flags,
    )


def _kill_group(process: subprocess.Popen[bytes]) -> None:
    if sys.platform == "win32":
        process.kill()
        return
    with suppress(ProcessLookupError, PermissionError):  # macOS does not let a group be killed that has ended
        os.killpg(process.pid, signal.SIGKILL)  # it leads the group, and its id is taken until it is waited for


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


@cache
def _part_adapter() -> TypeAdapter[Part]:
    from pydantic import TypeAdapter

    return TypeAdapter(Part)


def _decoded(body: bytes) -> Part:
    """Return a part whose types are checked: it may come from a process that its document has taken over."""
    part = _part_adapter().validate_json(body, strict=True)
    return replace(part, text="\n".join(part.parsed.lines)) if part.parsed is not None and not part.text else part
