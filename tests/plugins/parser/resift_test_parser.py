"""Parsers as another package would provide them: of a text format, of a binary one, and one that always fails."""

import zlib
from typing import NoReturn

from resift.ingest.parsers import Block, Content, Heading, ParsedDocument, Section, nest


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


class OneSuffixParser(LyricsParser):
    """Gives its suffix as a text instead of a tuple."""

    suffixes = ".one"  # pyright: ignore[reportAssignmentType]
