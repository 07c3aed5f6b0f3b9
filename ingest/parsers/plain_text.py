"""Plain text: paragraphs, without title or metadata."""

from ..text.structure import ParsedDocument, Section, paragraphs
from .protocols import Content


class PlainTextParser:
    """Reads plain text, and any text that no other parser recognises."""

    suffixes = frozenset((".txt", ".text", ".adoc", ".org", ".tex", ".log"))
    is_binary = False

    def sniff(self, text: str) -> bool:
        """Return True: any text is plain text."""
        return True

    def parse(self, content: Content) -> ParsedDocument:
        """Return the paragraphs of the text."""
        lines = content.text.split("\n")
        blocks = tuple(paragraphs(lines, 0, len(lines)))
        return ParsedDocument(
            lines=lines, line_numbers=range(1, len(lines) + 1), sections=(Section((), blocks),) if blocks else ()
        )
