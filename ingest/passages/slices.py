"""The text of a parsed document as one string, and the passages that slices of it become."""

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate

from ...core.values import Document, Passage
from ..text.structure import Block, ParsedDocument
from .tokens import TokenCounter
from .units import TextUnit

MAX_HEADER_SHARE = 0.5  # of a passage: a longer header is not repeated, since few rows would fit below it


@dataclass(frozen=True, slots=True)
class BlockHeader:
    """The lines that each part of a torn block begins with: their text, where it ends, and its tokens."""

    text: str
    end: int
    tokens: int


@dataclass(frozen=True, slots=True)
class Slice:
    """What becomes a passage: neighbouring units, and the header above them if they lie inside a torn block."""

    units: Sequence[TextUnit]
    header: str = ""
    repeats_to: int = 0
    """The offset up to which the passage before has the same text."""


class DocumentText:
    """The text of a parsed document, and where its lines begin."""

    def __init__(self, parsed: ParsedDocument) -> None:
        self.parsed = parsed
        self.text = "\n".join(parsed.lines)
        self.starts = [0, *accumulate(len(line) + 1 for line in parsed.lines)]

    def headers(self, blocks: Sequence[Block], counter: TokenCounter, *, max_tokens: int) -> Mapping[int, BlockHeader]:
        """Return the headers of blocks by the blocks' places in the sequence; those that are too long are left out."""
        places = [place for place, block in enumerate(blocks) if block.header != (0, 0)]
        spans = [(self.starts[blocks[at].header[0]], self.starts[blocks[at].header[1]] - 1) for at in places]
        texts = [self.text[start:end] for start, end in spans]
        return {
            place: BlockHeader(text, end=end, tokens=tokens)
            for place, text, (_, end), tokens in zip(places, texts, spans, counter.count(texts), strict=True)
            if tokens <= max_tokens * MAX_HEADER_SHARE
        }

    def passage(self, document: Document, ordinal: int, *, title: str, heading: str, piece: Slice) -> Passage:
        """Return the passage of a slice. Its lines and pages are those of the units, not of a header above them."""
        start, end = piece.units[0].start, piece.units[-1].end
        text = self.text[start:end]
        return Passage(
            document_id=document.id,
            ordinal=ordinal,
            text=f"{piece.header}\n{text}" if piece.header else text,
            title=title,
            heading=heading,
            source=document.source,
            start_line=self._number(self.parsed.line_numbers, start),
            end_line=self._number(self.parsed.line_numbers, end - 1),
            page=self._number(self.parsed.page_numbers, start),
            end_page=self._number(self.parsed.page_numbers, end - 1),
            repeated=len(piece.header) or max(0, piece.repeats_to - start),
            metadata=document.metadata,
        )

    def _number(self, numbers: Sequence[int], offset: int) -> int:
        """Return the line or page of the source on which the character at an offset stands; 0 if there is none."""
        return numbers[bisect_right(self.starts, offset) - 1] if numbers else 0
