"""From the bytes of a file to the documents in it: decode, choose the parser, parse."""

import logging
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

from ..core.errors import BlankFile, ResiftError, UnreadableFile
from .parsers.protocols import Container, Content, Parser
from .parsers.registry import installed_parsers
from .text.decoding import decode
from .text.structure import ParsedDocument

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


def parse_file(source: str, data: bytes) -> list[Part]:
    """Return the documents in a file: one, or those of an archive, a mailbox or a table. Nothing is raised.

    `source` is the path or URI of the file; its suffix tells the format.
    """
    return list(_parts(source, data, name="", depth=0))


def _parts(source: str, data: bytes, *, name: str, depth: int) -> Iterator[Part]:
    try:
        with failing_alone(source):
            parser, content, note = _content(source, data)
            if isinstance(parser, Container):
                parts = _members(parser, content, name=name, depth=depth)
            else:
                parts = iter([_part(parser, content, name)])
            yield from _noted(parts, note)
    except ResiftError as error:
        yield Part(name, problem=str(error), is_blank=isinstance(error, BlankFile))


def _noted(parts: Iterator[Part], note: str) -> Iterator[Part]:
    """Yield the parts, the first that was parsed with a note on how the file was read."""
    for part in parts:
        if note and part.parsed is not None:
            yield replace(part, parsed=replace(part.parsed, notes=(note, *part.parsed.notes)))
            note = ""
        else:
            yield part


def _members(container: Container, content: Content, *, name: str, depth: int) -> Iterator[Part]:
    if depth >= MAX_DEPTH:
        raise UnreadableFile(f"{content.source} lies in more than {MAX_DEPTH} archives. Unpack the outer ones.")
    for member in container.split(content):
        inner = "/".join(filter(None, (name, member.name)))  # a mail itself has no name inside its file
        if member.problem:
            yield Part(inner, problem=member.problem)
        elif member.parsed is None:
            yield from _parts(f"{content.source}/{member.name}", member.data, name=inner, depth=depth + 1)
        else:
            yield _checked(member.parsed, inner, _name_of(container))


def _part(parser: Parser, content: Content, name: str) -> Part:
    parsed = parser.parse(content)
    text = "\n".join(parsed.lines) if parser.is_binary else content.text
    if not text.strip():
        raise BlankFile(f"{content.source} has no text, so there is nothing to search in it. Leave it out.")
    return Part(name, format=_name_of(parser), text=text, parsed=parsed)


def _checked(parsed: ParsedDocument, name: str, format_: str) -> Part:
    text = "\n".join(parsed.lines)
    if not text.strip():
        return Part(name, problem="It has no text, so there is nothing to search in it.", is_blank=True)
    return Part(name, format=format_, text=text, parsed=parsed)


def _name_of(parser: Parser | Container) -> str:
    return next((name for name, each in installed_parsers().by_name.items() if each is parser), "")


def _content(source: str, data: bytes) -> tuple[Parser | Container, Content, str]:
    """Return what reads a file, what it reads, and a note on its encoding, or ""."""
    parsers = installed_parsers()
    known = parsers.for_file(source)
    if known is not None and known.is_binary:
        return known, Content(source, data=data), ""
    decoded = decode(data, source)
    content = Content(source, text=decoded.text)
    if isinstance(known, Container):
        return known, content, decoded.note
    return parsers.for_text(source, decoded.text), content, decoded.note
