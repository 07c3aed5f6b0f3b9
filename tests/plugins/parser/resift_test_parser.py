"""Parsers as another package would provide them: of a text format, of a binary one, and ones that fail."""

import zlib
from collections.abc import Iterator
from typing import NoReturn

from resift.ingest.parsers import Block, Content, Heading, InnerDocument, ParsedDocument, Section, nest


class LyricsParser:
    """Reads songs: a line in capitals is a heading, and verses are separated by blank lines."""

    suffixes = (".LYRICS",)
    is_binary = False

    def sniff(self, text: str) -> bool:
        """Return whether the text says that it is a song."""
        return text.startswith("SONG")

    def parse(self, content: Content) -> ParsedDocument:
        """Return a section for each heading."""
        lines = content.text.split("\n")
        parts = [
            Heading(first=index, last=index + 1, level=1, text=line.title())
            if line.isupper()
            else Block(index, index + 1)
            for index, line in enumerate(lines)
            if line.strip()
        ]
        return ParsedDocument(
            lines=lines,
            line_numbers=range(1, len(lines) + 1),
            sections=nest(parts),
            title=lines[0],
            metadata={"kind": "song"},
        )


class PackedParser:
    """Reads text that zlib has compressed."""

    suffixes = (".packed",)
    is_binary = True

    def sniff(self, text: str) -> bool:
        """Return False: the format is not text."""
        return False

    def parse(self, content: Content) -> ParsedDocument:
        """Return the text as one section. Raises zlib.error for other bytes."""
        lines = zlib.decompress(content.data).decode().split("\n")
        return ParsedDocument(
            lines=lines, line_numbers=[0] * len(lines), sections=(Section((), (Block(0, len(lines)),)),)
        )


class FailingParser:
    """Fails wherever it can."""

    suffixes = (".failing",)
    is_binary = False

    def sniff(self, text: str) -> NoReturn:
        """Fail."""
        raise RuntimeError("cannot sniff")

    def parse(self, content: Content) -> ParsedDocument:
        """Return a structure that does not fit its lines."""
        return ParsedDocument(lines=["one"], line_numbers=[1], sections=(Section((), (Block(0, 2),)),))


TIMES = 3


class DiaryContainer:
    """Reads diaries: a day is a document, which its first word names; "!" fails."""

    suffixes = (".diary",)
    is_binary = False

    def split(self, content: Content) -> Iterator[InnerDocument]:
        """Yield a song, a document of its own or a problem for each line."""
        for line in content.text.split("\n"):
            name, _, text = line.partition(" ")
            if name == "!":
                raise ValueError("torn page")
            if text.startswith("SONG"):
                yield InnerDocument(f"{name}.lyrics", data=text.encode())
                continue
            whole = Section((), (Block(0, 1),))
            yield InnerDocument(name, parsed=ParsedDocument(lines=[text], line_numbers=[1], sections=(whole,)))


class OneSuffixParser(LyricsParser):
    """Gives its suffix as a text instead of a tuple."""

    suffixes = ".one"  # pyright: ignore[reportAssignmentType]
