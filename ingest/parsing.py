"""From the bytes of a file to the documents in it: decode, choose the parser, parse."""

import logging
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from itertools import chain
from typing import Protocol, TypeAlias

from ..core.errors import BlankFile, ResiftError, UnreadableFile
from .packed.zip_members import Budget
from .parsers.protocols import USUAL_FIELDS, Container, Content, InnerDocument, Parser, RecordFields
from .parsers.registry import cause_of, has_parser, installed_parsers, label_of
from .text.decoding import SAMPLE_BYTES, decode, looks_like_text, normalise
from .text.encoded import without_encoded
from .text.structure import ParsedDocument, with_composed_characters

MAX_DEPTH = 3  # archives inside archives

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Part:
    """A document of a file as it was parsed, or why it could not be parsed."""

    name: str = ""
    """Its path inside the file; empty if the file is one document."""
    format: str = ""
    """The name of its parser."""
    text: str = ""
    parsed: ParsedDocument | None = None
    problem: str = ""
    """Why it was not parsed; empty if it was."""
    is_blank: bool = False
    """Whether the problem is only that it has no text."""
    is_unnamed: bool = False
    """Whether its name only tells where it stands, because what it is called cannot be read."""


Parse: TypeAlias = Callable[[str, bytes | str], Sequence[Part]]
"""Parses a file or a text, given its source: here as `parse_file` does, or in a process of its own."""


class DocumentParser(Protocol):
    """Parses files and texts, several at once. Any number of threads may use it."""

    @property
    def max_workers(self) -> int:
        """Return how many it parses at once; more calls wait."""
        ...

    @property
    def record_fields(self) -> RecordFields:
        """Return how it takes the fields of records to be called."""
        ...

    def parse(self, source: str, data: bytes | str) -> Sequence[Part]:
        """Return what `parse_file` returns, or a problem if the document took too much. Blocks its thread."""
        ...

    def close(self) -> None:
        """End what it started."""
        ...


class InlineParser:
    """Parses in the thread of its caller. A document that crashes, hangs or swells takes the process with it."""

    max_workers = 1

    def __init__(self, record_fields: RecordFields = USUAL_FIELDS) -> None:
        self.record_fields = record_fields
        """How it takes the fields of records to be called."""

    def parse(self, source: str, data: bytes | str) -> Sequence[Part]:
        """Return what `parse_file` returns."""
        return parse_file(source, data, record_fields=self.record_fields)

    def close(self) -> None:
        """Do nothing: nothing was started."""


class Watch(Protocol):
    """Is told what is being parsed, while it is."""

    def begins(self, source: str, size: int) -> None:
        """Note that a file, or a document inside it, of so many bytes is begun."""
        ...

    def parses(self, parser: str) -> None:
        """Note which parser gets it."""
        ...

    def more_time(self, seconds: float) -> None:
        """Note that the parser needs so many seconds more."""
        ...


class Unwatched:
    """Notes nothing."""

    def begins(self, source: str, size: int) -> None:
        """Ignore it."""

    def parses(self, parser: str) -> None:
        """Ignore it."""

    def more_time(self, seconds: float) -> None:
        """Ignore it."""


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
            f"{name} cannot be turned into passages: {cause_of(error)}. Leave it out, or convert it to plain text."
        ) from error


def parse_file(source: str, data: bytes | str, *, record_fields: RecordFields = USUAL_FIELDS) -> list[Part]:
    """Return the documents in a file: one, or those of an archive, a mailbox or a table. Nothing is raised.

    `source` is the path or URI of the file; its suffix tells the format. A text that did not come from a file is one
    document, in the format of its source if that is a text format, or else in the one that it looks like.
    """
    return list(iterate_parts(source, data, watch=Unwatched(), record_fields=record_fields))


def iterate_parts(
    source: str, data: bytes | str, *, watch: Watch, record_fields: RecordFields = USUAL_FIELDS
) -> Iterator[Part]:
    """Yield what `parse_file` returns, and tell `watch` what is being parsed."""
    return _parts(_File(source, data, budget=Budget.of(len(data)), record_fields=record_fields), watch)


@dataclass(frozen=True, slots=True)
class _File:
    """A file or a text that is to be parsed, or a document inside a file."""

    source: str
    data: bytes | str
    name: str = ""
    """Its path inside the outermost file."""
    depth: int = 0
    budget: Budget = field(default_factory=lambda: Budget(0))
    """What all archives in the outermost file may unpack to."""
    record_fields: RecordFields = USUAL_FIELDS


def _parts(file: _File, watch: Watch) -> Iterator[Part]:
    try:
        with failing_alone(file.source or "The text"):
            watch.begins(file.source, len(file.data))
            parser, content, note = _content(file, watch)
            watch.parses(label_of(parser))
            if isinstance(parser, Container):
                parts = _members(parser, content, file=file, watch=watch)
            else:
                parts = iter([_parsed(parser, content, file.name)])
            yield from _noted(parts, note)
    except ResiftError as error:
        yield Part(file.name, problem=str(error), is_blank=isinstance(error, BlankFile))


def _noted(parts: Iterator[Part], note: str) -> Iterator[Part]:
    """Yield the parts, the first that was parsed with a note on how the file was read."""
    for part in parts:
        if note and part.parsed is not None:
            yield replace(part, parsed=replace(part.parsed, notes=(note, *part.parsed.notes)))
            note = ""
        else:
            yield part


def _members(container: Container, content: Content, *, file: _File, watch: Watch) -> Iterator[Part]:
    if file.depth >= MAX_DEPTH:
        raise UnreadableFile(f"{content.source} lies in more than {MAX_DEPTH} archives. Unpack the outer ones.")
    members = container.split(content)
    if first := next(members, None):
        found = (
            part for member in chain([first], members) for part in _member(member, container, file=file, watch=watch)
        )
        # It is told with the first document, but it is about the whole file.
        yield from _noted(found, first.note and f"{content.source}: {first.note}")


def _member(member: InnerDocument, container: Container, *, file: _File, watch: Watch) -> Iterator[Part]:
    # A mail itself has no name inside its file.
    inner, source = ("/".join(filter(None, (outer, member.name))) for outer in (file.name, file.source))
    if member.problem:
        yield Part(inner, problem=member.problem, is_unnamed=member.is_unnamed)
    elif member.is_optional and not _is_readable(member):
        logger.debug("Left out: %s", source)
    elif member.parsed is None:
        file.budget.spend(len(member.data))
        yield from _parts(replace(file, source=source, data=member.data, name=inner, depth=file.depth + 1), watch)
    else:
        part = Part(inner, format=_name_of(container), text="\n".join(member.parsed.lines), parsed=member.parsed)
        yield _checked(part, source)


def _is_readable(member: InnerDocument) -> bool:
    return has_parser(member.name) or looks_like_text(member.data[:SAMPLE_BYTES])


def _parsed(parser: Parser, content: Content, name: str) -> Part:
    parsed = parser.parse(content)
    text = "\n".join(parsed.lines) if parser.is_binary else content.text
    return _checked(Part(name, format=_name_of(parser), text=text, parsed=parsed), content.source)


def _checked(part: Part, source: str) -> Part:
    """Return the part with composed characters and marks for encoded data, or with a problem if it has no text."""
    if part.parsed is None or not part.text.strip():
        problem = f"{source or 'The text'} has no text, so there is nothing to search in it. Leave it out."
        return Part(part.name, problem=problem, is_blank=True)
    return replace(part, parsed=without_encoded(with_composed_characters(part.parsed)))


def _name_of(parser: Parser | Container) -> str:
    return next((name for name, each in installed_parsers().by_name.items() if each is parser), "")


def _content(file: _File, watch: Watch) -> tuple[Parser | Container, Content, str]:
    """Return what reads a file, what it reads, and a note on its encoding, or ""."""
    source, data = file.source, file.data
    parsers = installed_parsers()
    known = parsers.for_file(source)
    if isinstance(data, str):  # one document, whatever its source is called
        text = normalise(data)
        return parsers.for_text(source, text), Content(source, text=text, more_time=watch.more_time), ""
    if known is not None and known.is_binary:
        return known, Content(source, data=data, more_time=watch.more_time), ""
    decoded = decode(data, source)
    content = Content(source, text=decoded.text, more_time=watch.more_time, record_fields=file.record_fields)
    return known if isinstance(known, Container) else parsers.for_text(source, decoded.text), content, decoded.note
