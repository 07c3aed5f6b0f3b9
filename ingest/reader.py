"""Reading a file below the roots into documents: open, parse, name."""

import hashlib
import os
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime
from pathlib import Path

from ..core.dates import written
from ..core.errors import BlankFile, UnreadableFile
from ..core.values import EMPTY, Document, Metadata
from ..store.fields import BUILT_IN_FIELDS, RESERVED_WORDS
from .files.opening import open_file
from .files.roots import Roots
from .parsers.protocols import suffix_of
from .parsing import Parse, Part, failing_alone, parse_file
from .text.junk import junk_by_content
from .text.structure import ParsedDocument

MODIFIED = "modified"

COARSE_TICK_NS = 2_000_000_000

FINE_TICK_NS = 20_000_000  # twice the slowest clock of Linux

_NO_STRUCTURE = ParsedDocument(lines=(), line_numbers=(), sections=())


@dataclass(frozen=True, slots=True)
class FileDocument(Document):
    """A document with the structure that its parser found: one read from a file, or a text that was parsed like one."""

    parsed: ParsedDocument = _NO_STRUCTURE
    format: str = ""
    """The name of its parser."""
    facts: Metadata = field(default_factory=lambda: EMPTY)
    """Metadata about its file. They are stored, but are no part of its version."""


@dataclass(frozen=True, slots=True)
class Unparsed:
    """A document of a file that could not be parsed, and why."""

    source: str
    problem: str
    is_blank: bool = False
    kept: str = ""
    """The id below which stored documents stay: its own, or if nothing tells its name, that of what it lies in."""


@dataclass(frozen=True, slots=True)
class FileContent:
    """What a file holds: its documents, or why there are none, and the file as it was when it was opened."""

    documents: Sequence[FileDocument | Unparsed]
    digest: str
    """The SHA-256 of its bytes."""
    size: int
    modified_ns: int
    """The time of its last change; 0 if that is so recent that another change could have the same time."""
    modified: str
    """That time, however recent, as it is stored in metadata."""
    junk: str = ""
    """What kind of junk the whole file is, or "" if its documents are to be looked at one by one."""


def read_document(path: Path, *, roots: Roots, max_bytes: int) -> FileDocument:
    """Return the document at `path`, as `Roots.admit` returned it; its id is the path.

    Raises:
        PathRefused: The path now leads outside the roots.
        UnreadableFile: The file has no text, has more than `max_bytes`, holds several documents, or cannot be read,
            decoded or parsed.
    """
    found = read_file(path, roots=roots, max_bytes=max_bytes).documents
    if len(found) > 1:
        raise UnreadableFile(f"{path} holds {len(found):,} documents. Use `read_file`.")
    if not found:
        raise BlankFile(f"{path} holds no documents, so there is nothing to search in it. Leave it out.")
    [document] = found
    if isinstance(document, Unparsed):
        raise BlankFile(document.problem) if document.is_blank else UnreadableFile(document.problem)
    return document


def read_file(
    path: Path,
    *,
    roots: Roots,
    max_bytes: int,
    parse: Parse = parse_file,
    known: str = "",
    now_ns: Callable[[], int] = time.time_ns,
) -> FileContent:
    """Return the documents in the file at `path`, as `Roots.admit` returned it; their ids begin with the path.

    If the SHA-256 of its bytes is `known`, the file is not parsed, and no documents are returned.

    Raises:
        PathRefused: The path now leads outside the roots.
        UnreadableFile: The file has more than `max_bytes`, or cannot be read.
        Unavailable: `parse` cannot parse anything now.
    """
    with failing_alone(str(path)):
        data, status = _read_bytes(path, roots, max_bytes)
        digest = hashlib.sha256(data).hexdigest()
        parts = parse(path.as_posix(), data) if digest != known else ()
        modified = modified_fact(status.st_mtime_ns)
        facts = {"path": path.as_posix(), MODIFIED: modified}
        return FileContent(
            documents=list(documents_in(parts, source=path.as_posix(), facts=facts)),
            digest=digest,
            size=status.st_size,
            modified_ns=_settled(status.st_mtime_ns, now_ns()),
            modified=modified,
            junk=junk_by_content(data),
        )


def _settled(modified_ns: int, now_ns: int) -> int:
    """Return the time of a change if any later one must have another time, and else 0.

    File systems count in ticks of a clock, some in whole seconds, and one in two seconds.
    """
    tick_ns = COARSE_TICK_NS if modified_ns % 1_000_000_000 == 0 else FINE_TICK_NS
    return modified_ns if now_ns - modified_ns > tick_ns else 0


def with_structure(document: Document, parse: Parse = parse_file) -> FileDocument:
    """Return a document with its structure: a text that was passed is parsed as its source or its look suggests.

    Its title and metadata stay as the caller gave them.

    Raises:
        UnreadableFile: It cannot be parsed.
    """
    if isinstance(document, FileDocument):
        return document
    part = parse(document.source, document.text)[0]
    if part.parsed is None:
        raise BlankFile(part.problem) if part.is_blank else UnreadableFile(part.problem)
    given = {each.name: getattr(document, each.name) for each in fields(Document)}
    return FileDocument(**given, parsed=part.parsed, format=part.format)


def documents_in(
    parts: Sequence[Part], *, source: str, facts: Metadata, id_: str = ""
) -> Iterator[FileDocument | Unparsed]:
    """Yield the documents in a file at `source`, with facts about the file; their ids begin with its id or source.

    The facts are no part of what makes a document a new version, so a file that is only touched is unchanged.
    """
    for part in parts:
        inner = f"/{part.name}" if part.name else ""
        parsed = part.parsed
        if parsed is None:
            kept = f"{id_ or source}{inner.rpartition('/')[0] if part.is_unnamed else inner}"
            yield Unparsed(f"{source}{inner}", part.problem, is_blank=part.is_blank, kept=kept)
            continue
        metadata = {
            name: value for name, value in parsed.metadata.items() if name not in (*BUILT_IN_FIELDS, *RESERVED_WORDS)
        }
        pages = {"pages": max(parsed.page_numbers)} if parsed.page_numbers else {}
        yield FileDocument(
            id=f"{id_ or source}{inner}",
            title=parsed.title or f"{source}{inner}".rstrip("/").rpartition("/")[2],
            text=part.text,
            source=f"{source}{inner}",
            metadata=metadata,
            parsed=parsed,
            format=part.format,
            facts={**facts, "format": _format_of(part.format, f"{source}{inner}"), **pages},
        )


def _format_of(parser: str, source: str) -> str:
    """Return the format as users name it: the name of the parser, and of Office files their suffix."""
    return suffix_of(source).removeprefix(".") if parser == "office" else parser


def modified_fact(modified_ns: int) -> str:
    """Return the time of a file's last change as it is stored in metadata."""
    return written(datetime.fromtimestamp(modified_ns // 1_000_000_000, UTC))


def _read_bytes(path: Path, roots: Roots, max_bytes: int) -> tuple[bytes, os.stat_result]:
    """Return the content of a regular file of at most `max_bytes`, and its status before it was read."""
    try:
        with open_file(path, roots) as file:
            status = os.fstat(file.fileno())
            data = file.read(max_bytes + 1)  # one more, in case the file grows meanwhile
            if len(data) > max_bytes:
                size = os.fstat(file.fileno()).st_size
                raise UnreadableFile(
                    f"{path} has {size:,} bytes; the limit is {max_bytes:,}. Split it, or raise "
                    "RESIFT_INGEST__MAX_BYTES."
                )
            return data, status
    except OSError as error:
        raise UnreadableFile(f"{path} cannot be read: {error.strerror or error}. Check its permissions.") from error
