"""What this process writes for people, on stderr, on stdout and as a log: every line of it without secrets."""

import faulthandler
import io
import json
import logging
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, cast

from ..core.masking import SECRETS
from ..core.text import printable

if TYPE_CHECKING:
    from typing import TextIO


class MaskedStream(io.TextIOBase):
    """A text stream that masks secrets, line by line. What has no line end yet is written when it is flushed."""

    def __init__(self, stream: "TextIO", mask: Callable[[str], str]) -> None:
        self._stream = stream
        self._mask = mask
        self._held = ""

    def write(self, text: str, /) -> int:
        """Write the complete lines, and keep the rest.

        Raises:
            TypeError: These are bytes, by which click tries whether a stream is binary.
        """
        if not isinstance(text, str):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise TypeError(f"write() takes a text, not {type(text).__name__}")
        lines, end, rest = f"{self._held}{text}".rpartition("\n")
        self._held = rest
        if end:
            self._stream.write(self._mask(f"{lines}\n"))
        return len(text)

    def flush(self) -> None:
        """Write what was kept."""
        held, self._held = self._held, ""
        if held:
            self._stream.write(self._mask(held))
        self._stream.flush()

    def isatty(self) -> bool:
        """Return whether the stream is a terminal."""
        return self._stream.isatty()

    def fileno(self) -> int:
        """Return the file descriptor."""
        return self._stream.fileno()

    def writable(self) -> bool:
        """Return that the stream can be written."""
        return True

    @property
    def encoding(self) -> str:  # pyright: ignore[reportIncompatibleVariableOverride]
        """Return the encoding of the stream."""
        return self._stream.encoding

    @property
    def errors(self) -> str | None:  # pyright: ignore[reportIncompatibleVariableOverride]
        """Return how characters are written that the encoding lacks."""
        return self._stream.errors

    @property
    def buffer(self) -> BinaryIO:
        """Return the binary stream below, for bytes: they are not masked."""
        return self._stream.buffer

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


class MaskedFormatter(logging.Formatter):
    """Formats log records, tracebacks included, without secrets and without what a terminal would obey."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the text of a record."""
        return SECRETS.mask(printable(super().format(record)))


def mask_streams() -> None:
    """Mask all that is written to stdout and stderr from now on, whoever writes it: tracebacks and warnings too.

    Commands print what documents say on stdout, so only secrets that cannot be ordinary words are masked there.
    """
    for name, mask in (("stdout", SECRETS.mask_content), ("stderr", SECRETS.mask)):
        stream = getattr(sys, name)
        if stream is not None and not isinstance(stream, MaskedStream):
            setattr(sys, name, cast("TextIO", MaskedStream(stream, mask)))


class JsonFormatter(MaskedFormatter):
    """Formats log records as JSON, one object per line; `extra={"fields": {...}}` of a record is part of it."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line of a record."""
        moment = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        line: dict[str, Any] = {
            "time": moment,
            "level": record.levelname,
            "logger": record.name,
            "message": SECRETS.mask(record.getMessage()),
        }
        if record.exc_info:
            line["exception"] = SECRETS.mask(self.formatException(record.exc_info))
        return json.dumps({**line, **getattr(record, "fields", {})}, ensure_ascii=False, default=str)


FORMATS: dict[str, type[MaskedFormatter]] = {"text": MaskedFormatter, "json": JsonFormatter}


def log_to_stderr(level: str, style: str = "text") -> None:
    """Log to stderr, unless the program that runs this has set up logging itself. `style` is "text" or "json"."""
    handler = logging.StreamHandler()
    handler.setFormatter(FORMATS[style]("%(levelname)s %(name)s: %(message)s"))
    logging.basicConfig(level=level, handlers=[handler])


def log_no_arguments(level: str) -> None:
    """Keep the MCP SDK from logging why tools fail, which quotes what was asked, unless debugging is asked for."""
    logging.getLogger("mcp.server.mcpserver.server").setLevel("DEBUG" if level == "DEBUG" else "WARNING")


LOG_FILE, OLD_LOG_FILES, LOG_BYTES = "engine.log", 3, 2**20


def log_to_files(folder: Path, level: str) -> None:
    """Log to a file in the folder, which is moved aside when it is full, and crashes of native code to stderr."""
    folder.mkdir(exist_ok=True)
    handler = RotatingFileHandler(
        folder / LOG_FILE, maxBytes=LOG_BYTES, backupCount=OLD_LOG_FILES, encoding="utf-8", delay=True
    )
    handler.setFormatter(MaskedFormatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    logging.basicConfig(level=level, handlers=[handler], force=True)
    logging.getLogger("resift").setLevel("DEBUG" if level == "DEBUG" else "INFO")  # starts, stops and clients
    faulthandler.enable(sys.stderr)
