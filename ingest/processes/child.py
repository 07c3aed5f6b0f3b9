"""The program of a worker process: it parses what it is sent, and reports how it goes."""

import json
import os
import signal
import sys
from collections.abc import Iterable, Mapping
from contextlib import suppress
from datetime import date
from pathlib import Path
from typing import Any, BinaryIO, cast

from ...core.errors import UnreadableFile
from ..parsers.protocols import RecordFields
from ..parsers.registry import installed_parsers
from ..parsing import Part, iterate_parts
from .frames import MAX_NAME_CHARS, Frame, read_frame, write_frame
from .limits import Limits

_GRACE_S = 5.0  # after which a process ends itself that nobody has stopped: whoever started it was killed

_MOST_RESIDENT_BYTES = 512 * 2**20  # what a process may hold and still get another document


class _Reply:
    """Tells the process that asked what is being parsed, and ends this one if nobody else does."""

    def __init__(self, stream: BinaryIO, limits: Limits, skip: Mapping[str, str]) -> None:
        self._stream = stream
        self._skip = skip
        self._limits = limits
        self._seconds = 0.0

    def begins(self, source: str, size: int) -> None:
        """Report that a file, or a document inside it, is begun, which gives it time.

        Raises:
            UnreadableFile: It has ended another process before.
        """
        if problem := self._skip.get(source[:MAX_NAME_CHARS]):
            raise UnreadableFile(problem)
        self._tell({"begins": source[:MAX_NAME_CHARS], "seconds": self._limits.seconds_of(size)})

    def parses(self, parser: str) -> None:
        """Report which parser gets it."""
        self._tell({"parser": parser})

    def more_time(self, seconds: float) -> None:
        """Ask for more time."""
        self._tell({"seconds": float(seconds)})

    def part(self, part: Part) -> None:
        """Send a document, or why there is none."""
        try:
            body = _encoded(part)
        except (TypeError, ValueError, RecursionError) as error:
            reason = f"{part.name or 'It'} has metadata that cannot be stored: {error}. Leave it out or correct it."
            body = _encoded(Part(part.name, problem=reason))
        write_frame(self._stream, {"part": True}, body)
        self._stream.flush()  # it is kept, even if what follows crashes

    def done(self) -> None:
        """Report that all parts are sent."""
        self._tell({"done": True, "is_spent": _is_spent()})
        _end_in(0)

    def _tell(self, head: dict[str, Any]) -> None:
        if "seconds" in head:
            self._seconds = min(self._seconds + head["seconds"], self._limits.most_seconds)
            _end_in(self._seconds + _GRACE_S)
        write_frame(self._stream, head)
        self._stream.flush()  # before what may crash


def main() -> None:
    """Parse until the process that started this one closes the pipe."""
    requests, replies = _streams()
    limits, record_fields = Limits(**json.loads(sys.argv[1])), RecordFields(**json.loads(sys.argv[2]))
    _limit(limits.memory_bytes)
    installed_parsers()
    write_frame(replies, {"ready": True})
    replies.flush()
    try:
        while (frame := read_frame(requests, sys.maxsize, most_head_bytes=sys.maxsize)) is not None:
            _serve(frame, _Reply(replies, limits, frame.head["skip"]), record_fields)
    except (EOFError, BrokenPipeError):
        os._exit(0)  # nothing is worth waiting for
    except SystemExit as end:  # of a parser: the pipes must not close before the exit code is known
        os._exit(end.code if isinstance(end.code, int) else 1)


def _serve(frame: Frame, reply: _Reply, record_fields: RecordFields) -> None:
    data = frame.body.decode("utf-8", "surrogatepass") if frame.head["is_text"] else frame.body
    for part in iterate_parts(frame.head["source"], data, watch=reply, record_fields=record_fields):
        reply.part(part)
    reply.done()


def _streams() -> tuple[BinaryIO, BinaryIO]:
    """Return the pipes to the process that started this one. Whatever a parser prints goes to the standard error."""
    requests, replies = os.dup(0), os.dup(1)  # not inherited by the programs that parsers run
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)
    sys.stdout = sys.stderr
    return os.fdopen(requests, "rb"), os.fdopen(replies, "wb")


def _limit(memory_bytes: int) -> None:
    """Limit the memory of this process, where the system can. It leaves no core dump, and is killed before others."""
    if sys.platform == "win32":
        return
    import resource

    for kind, limit in ((resource.RLIMIT_AS, memory_bytes), (resource.RLIMIT_CORE, 0)):
        _, most = resource.getrlimit(kind)
        lower = limit if most == resource.RLIM_INFINITY else min(limit, most)
        with suppress(OSError, ValueError):  # macOS refuses what is less than it has reserved
            resource.setrlimit(kind, (lower, lower))
    with suppress(OSError):  # other systems than Linux
        Path("/proc/self/oom_score_adj").write_text("1000")


def _end_in(seconds: float) -> None:
    """Let the system end this process then, even if a parser never returns; 0 lets it live."""
    if sys.platform != "win32":
        signal.setitimer(signal.ITIMER_REAL, seconds)


def _is_spent() -> bool:
    """Return whether this process holds so much memory that another had better parse the next document."""
    try:
        pages = Path("/proc/self/statm").read_bytes().split()[1]
    except OSError:
        return False
    return int(pages) * os.sysconf("SC_PAGE_SIZE") > _MOST_RESIDENT_BYTES


def _encoded(part: Part) -> bytes:
    """Return a part as JSON. Its text is left out if the lines say the same."""
    fields = _fields(part)
    if part.parsed is not None and part.text == "\n".join(part.parsed.lines):
        fields["text"] = ""
    encoded = json.dumps(fields, default=_plain, ensure_ascii=False)
    return encoded.encode("utf-8", "replace")


def _plain(value: Any) -> Any:
    """Return what JSON has for a value that it does not know."""
    if hasattr(value, "__dataclass_fields__"):
        return _fields(value)
    if isinstance(value, Mapping):
        return dict(cast("Mapping[str, Any]", value))
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Iterable):  # a range, a set
        return list(cast("Iterable[Any]", value))
    raise TypeError(f"{type(value).__name__} is not a type of JSON")


def _fields(value: Any) -> dict[str, Any]:
    return {name: getattr(value, name) for name in value.__dataclass_fields__}


if __name__ == "__main__":
    main()
