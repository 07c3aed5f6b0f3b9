"""Reading a file into a document: decode, parse, name."""

import logging
import os
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ..core.errors import BlankFile, ResiftError, UnreadableFile
from ..core.values import Document
from ..store.fields import BUILT_IN_FIELDS, RESERVED_WORDS
from .decoding import decode
from .opening import open_file
from .parsers.protocols import Content, Parser
from .parsers.registry import installed_parsers
from .parsers.structure import ParsedDocument
from .roots import Roots

logger = logging.getLogger(__name__)

_NO_STRUCTURE = ParsedDocument(lines=(), line_numbers=(), sections=())


@dataclass(frozen=True, slots=True)
class FileDocument(Document):
    """A document read from a file, with the structure that its parser found."""

    parsed: ParsedDocument = _NO_STRUCTURE


@contextmanager
def failing_alone(name: str) -> Generator[None]:
    """Turn any exception from reading or splitting a document into an error that names it, so that only it fails.

    Raises:
        UnreadableFile: Anything but a `ResiftError` was raised.
    """
    try:
        yield
    except ResiftError:
        raise
    except Exception as error:
        logger.debug("%s cannot be read", name, exc_info=True)
        raise UnreadableFile(
            f"{name} cannot be turned into passages: {_cause(error)}. Leave it out, or convert it to plain text."
        ) from error


def _cause(error: Exception) -> str:
    if isinstance(error, RecursionError):
        return "its parts are nested too deeply"
    if isinstance(error, MemoryError):
        return "it needs more memory than is free"
    return f"{type(error).__name__}: {error}"


def read_document(path: Path, *, roots: Roots, max_bytes: int) -> FileDocument:
    """Return the document at `path`, as `Roots.admit` returned it; its id is the path.

    Raises:
        PathRefused: The path now leads outside the roots.
        UnreadableFile: The file has no text, has more than `max_bytes`, or cannot be read, decoded or parsed.
    """
    with failing_alone(str(path)):
        return _read(path, roots, max_bytes)


def _read(path: Path, roots: Roots, max_bytes: int) -> FileDocument:
    source = path.as_posix()
    parser, content = _content(source, _read_bytes(path, roots, max_bytes))
    parsed = parser.parse(content)
    text = "\n".join(parsed.lines) if parser.is_binary else content.text
    if not text.strip():
        raise BlankFile(f"{path} has no text, so there is nothing to search in it. Leave it out.")
    return FileDocument(
        id=source,
        title=parsed.title or path.name,
        text=text,
        source=source,
        metadata={
            name: value for name, value in parsed.metadata.items() if name not in (*BUILT_IN_FIELDS, *RESERVED_WORDS)
        },
        parsed=parsed,
    )


def _content(source: str, data: bytes) -> tuple[Parser, Content]:
    parsers = installed_parsers()
    known = parsers.for_file(source)
    if known is not None and known.is_binary:
        return known, Content(source, data=data)
    text = decode(data, source)
    return parsers.for_text(source, text), Content(source, text=text)


def _read_bytes(path: Path, roots: Roots, max_bytes: int) -> bytes:
    """Return the content of a regular file of at most `max_bytes`."""
    try:
        with open_file(path, roots) as file:
            data = file.read(max_bytes + 1)  # one more, in case the file grows meanwhile
            if len(data) > max_bytes:
                size = os.fstat(file.fileno()).st_size
                raise UnreadableFile(
                    f"{path} has {size:,} bytes; the limit is {max_bytes:,}. Split it, or raise "
                    "RESIFT_INGEST__MAX_BYTES."
                )
            return data
    except OSError as error:
        raise UnreadableFile(f"{path} cannot be read: {error.strerror or error}. Check its permissions.") from error
