"""Writing a document block by block, for formats whose text is not the text of the file."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ...core.values import EMPTY
from .structure import Block, Heading, ParsedDocument, check_length, nest


@dataclass(slots=True)
class Draft:
    """Lines, blocks and headings in their order. A blank line stands between two blocks."""

    lines: list[str] = field(default_factory=list[str])
    line_numbers: list[int] = field(default_factory=list[int])
    parts: list[Block | Heading] = field(default_factory=list[Block | Heading])

    def add(self, lines: Sequence[str], numbers: Sequence[int], *, verbatim: bool = False, header: int = 0) -> None:
        """Add a block of lines, with the number in the file of each; a block without text is left out.

        `header` says how many of its first lines every part begins with if the block has to be torn.

        Raises:
            UnreadableFile: The document has too many lines.
        """
        if any(line and not line.isspace() for line in lines):
            first, last = self._append(lines, numbers)
            self.parts.append(
                Block(first, last, verbatim=verbatim, header=(first, first + header) if header else (0, 0))
            )

    def head(self, text: str, *, level: int, number: int = 0) -> None:
        """Add a heading; its line shows the text as it is."""
        if text and not text.isspace():
            first, last = self._append([text], [number])
            self.parts.append(Heading(first=first, last=last, level=level, text=" ".join(text.split())))

    def finish(
        self, *, title: str = "", metadata: Mapping[str, Any] = EMPTY, notes: tuple[str, ...] = ()
    ) -> ParsedDocument:
        """Return the document."""
        return ParsedDocument(
            lines=self.lines,
            line_numbers=self.line_numbers,
            sections=nest(self.parts),
            title=" ".join(title.split()),
            metadata=metadata,
            notes=notes,
        )

    def _append(self, lines: Sequence[str], numbers: Sequence[int]) -> tuple[int, int]:
        if self.lines:
            self.lines.append("")
            self.line_numbers.append(self.line_numbers[-1])
        first = len(self.lines)
        check_length(first + len(lines))
        self.lines += lines
        self.line_numbers += numbers
        return first, len(self.lines)
