"""Cutting a document into passages."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from itertools import accumulate, zip_longest
from typing import TYPE_CHECKING

from ...core.values import Document, Passage
from ..parsers.protocols import Content
from ..parsers.registry import installed_parsers
from ..reader import FileDocument
from ..text.decoding import normalise
from ..text.encoded import without_encoded
from ..text.structure import ParsedDocument, check_length
from .headings import fit_headings
from .packing import Chunk, Chunking, Packer, UnitRange
from .tokens import CHARS_PER_TOKEN, TokenCounter
from .units import TextUnit, spans_of, split_into_units

if TYPE_CHECKING:
    from tokenizers import Tokenizer


class Chunker:
    """Cuts documents into passages of limited tokens. Safe to share between threads."""

    def __init__(self, tokenizer: Tokenizer, chunking: Chunking | None = None) -> None:
        self.chunking = chunking or Chunking()
        self._counter = TokenCounter(tokenizer)

    def chunk(self, document: Document) -> list[Passage]:
        """Return the passages of a document in order; none when it has no text.

        A document that was not read from a file is parsed here, as its source or the look of its text suggests. The
        text of a passage is a slice of the parsed lines, with marks for encoded data.

        Raises:
            UnreadableFile: The parser of a plug-in failed, or the document takes more than one document may.
        """
        layout = _Layout(_parsed(document))
        units, chunks = self._pack(layout)
        title, headings = fit_headings(document.title, [chunk.path for chunk in chunks], self._counter)
        return [
            layout.passage(document, ordinal, title=title, heading=heading, units=units[slice(*chunk.units)])
            for ordinal, (chunk, heading) in enumerate(zip(chunks, headings, strict=True))
        ]

    def _pack(self, layout: _Layout) -> tuple[list[TextUnit], list[Chunk]]:
        """Return the units of the text and the chunks they are packed into."""
        blocks = [block for section in layout.parsed.sections for block in section.blocks]
        spans = [spans_of(block, layout.text, layout.starts) for block in blocks]
        # All in one call: a call of the tokenizer per block would use one core only.
        flat = [span for found in spans for span in found]
        check_length(len(flat))
        split = iter(split_into_units(layout.text, flat, self._counter, max_tokens=self.chunking.max_tokens))
        units: list[TextUnit] = []
        ranges: list[UnitRange] = []
        for found in spans:
            first = len(units)
            units += [unit for _ in found for unit in next(split)]
            ranges.append((first, len(units)))
            check_length(len(units))
        packer = Packer(list(_sizes(units)), self.chunking)
        return units, packer.merge_small(list(_chunks(layout.parsed, iter(ranges), packer)))


def _sizes(units: Sequence[TextUnit]) -> Iterator[int]:
    """Yield the tokens of each unit, plus one per 20 blanks after it, because a passage includes them."""
    for unit, after in zip_longest(units, units[1:]):
        yield unit.tokens + ((after.start - unit.end) // CHARS_PER_TOKEN if after else 0)


class _Layout:
    """The text of a parsed document, and where its lines begin."""

    def __init__(self, parsed: ParsedDocument) -> None:
        self.parsed = parsed
        self.text = "\n".join(parsed.lines)
        self.starts = [0, *accumulate(len(line) + 1 for line in parsed.lines)]

    def passage(
        self, document: Document, ordinal: int, *, title: str, heading: str, units: Sequence[TextUnit]
    ) -> Passage:
        """Return the passage that some neighbouring units make up."""
        start, end = units[0].start, units[-1].end
        return Passage(
            document_id=document.id,
            ordinal=ordinal,
            text=self.text[start:end],
            title=title,
            heading=heading,
            source=document.source,
            start_line=self._number(self.parsed.line_numbers, start),
            end_line=self._number(self.parsed.line_numbers, end - 1),
            page=self._number(self.parsed.page_numbers, start),
            end_page=self._number(self.parsed.page_numbers, end - 1),
            metadata=document.metadata,
        )

    def _number(self, numbers: Sequence[int], offset: int) -> int:
        """Return the line or page of the source on which the character at an offset stands; 0 if there is none."""
        return numbers[bisect_right(self.starts, offset) - 1] if numbers else 0


def _parsed(document: Document) -> ParsedDocument:
    if isinstance(document, FileDocument):
        return without_encoded(document.parsed)
    text = normalise(document.text)
    parser = installed_parsers().for_text(document.source, text)
    return without_encoded(parser.parse(Content(document.source, text=text)))


def _chunks(parsed: ParsedDocument, ranges: Iterator[UnitRange], packer: Packer) -> Iterator[Chunk]:
    """Yield the chunks of every section in order; `ranges` are the units of each block."""
    for section in parsed.sections:
        blocks = [(first, last) for first, last in (next(ranges) for _ in section.blocks) if first < last]
        if blocks:
            yield from (Chunk(units, section.path) for units in packer.pack_section(blocks))
