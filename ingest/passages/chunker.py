"""Cutting a document into passages."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import zip_longest
from typing import TYPE_CHECKING, TypeAlias

from ...core.values import Passage
from ..reader import FileDocument
from ..text.structure import Block, ParsedDocument, check_length
from .headings import fit_headings
from .packing import Chunk, Chunking, Packer, UnitRange
from .slices import BlockHeader, DocumentText, Slice
from .tokens import CHARS_PER_TOKEN, TokenCounter
from .units import TextUnit, indentation_penalties, spans_of, split_into_units

if TYPE_CHECKING:
    from tokenizers import Tokenizer


class Chunker:
    """Cuts documents into passages of limited tokens. Safe to share between threads."""

    def __init__(self, tokenizer: Tokenizer, chunking: Chunking | None = None) -> None:
        self.chunking = chunking or Chunking()
        self._counter = TokenCounter(tokenizer)

    def chunk(self, document: FileDocument) -> list[Passage]:
        """Return the passages of a document in order; none when it has no text.

        The text of a passage is a slice of the parsed lines; inside a torn block with a header, that stands above it.

        Raises:
            UnreadableFile: The document takes more than one document may.
        """
        written = DocumentText(document.parsed)
        pieces = self._pieces(written)
        packer = Packer(
            list(_sizes(pieces.units)),
            self.chunking,
            headers={unit: header.tokens for unit, header in pieces.headers.items()},
            penalties=pieces.penalties,
        )
        pages = [list(_chunks(sections, packer)) for sections in _by_page(written.parsed, iter(pieces.ranges))]
        chunks = [chunk for found in pages for chunk in packer.merge_small(found)]
        title, headings = fit_headings(document.title, [chunk.path for chunk in chunks], self._counter)
        return [
            written.passage(document, ordinal, title=title, heading=heading, piece=piece)
            for ordinal, (piece, heading) in enumerate(zip(_slices(chunks, pieces), headings, strict=True))
        ]

    def _pieces(self, written: DocumentText) -> _Pieces:
        """Return the units of the text, and what is known of where they may be cut."""
        blocks = [block for section in written.parsed.sections for block in section.blocks]
        headers = written.headers(blocks, self._counter, max_tokens=self.chunking.max_tokens)
        spans = [spans_of(block, written.text, written.starts) for block in blocks]
        # All in one call: a call of the tokenizer per block would use one core only.
        flat = [span for found in spans for span in found]
        check_length(len(flat))
        room = [
            self.chunking.max_tokens - (headers[at].tokens if at in headers else 0)
            for at, found in enumerate(spans)
            for _ in found
        ]
        split = iter(split_into_units(written.text, flat, self._counter, limits=room))
        pieces = _Pieces()
        for at, (block, found) in enumerate(zip(blocks, spans, strict=True)):
            pieces.add([unit for _ in found for unit in next(split)], written.text, block, headers.get(at))
            check_length(len(pieces.units))
        return pieces


@dataclass(slots=True)
class _Pieces:
    """The text units of a document in order, the range of each block, and where a torn block is best cut."""

    units: list[TextUnit] = field(default_factory=list[TextUnit])
    ranges: list[UnitRange] = field(default_factory=list[UnitRange])
    headers: dict[int, BlockHeader] = field(default_factory=dict[int, BlockHeader])
    """The header that a passage repeats, by the unit that it begins with."""
    penalties: dict[int, int] = field(default_factory=dict[int, int])
    """How bad it is to begin a part of a torn block of code with a unit, by that unit."""

    def add(self, units: Sequence[TextUnit], text: str, block: Block, header: BlockHeader | None) -> None:
        """Add the units of a block."""
        first = len(self.units)
        self.units += units
        self.ranges.append((first, len(self.units)))
        if header is not None:
            self.headers |= {at: header for at, unit in enumerate(units, first) if unit.start >= header.end}
        elif block.verbatim and block.header == (0, 0):
            self.penalties |= dict(enumerate(indentation_penalties(text, units), first))


def _sizes(units: Sequence[TextUnit]) -> Iterator[int]:
    """Yield the tokens of each unit, plus one per 20 blanks after it, because a passage includes them."""
    for unit, after in zip_longest(units, units[1:]):
        yield unit.tokens + ((after.start - unit.end) // CHARS_PER_TOKEN if after else 0)


def _slices(chunks: Sequence[Chunk], pieces: _Pieces) -> Iterator[Slice]:
    """Yield the units of each chunk, with the header that it repeats and the end of what it shares with the last."""
    done = 0
    for chunk in chunks:
        header = pieces.headers.get(chunk.units[0])
        units = pieces.units[slice(*chunk.units)]
        yield Slice(units, header=header.text if header else "", repeats_to=done)
        done = units[-1].end


_SectionRanges: TypeAlias = tuple[tuple[str, ...], list[UnitRange]]
"""The path of headings of a section, and the units of each of its blocks."""


def _by_page(parsed: ParsedDocument, ranges: Iterator[UnitRange]) -> list[list[_SectionRanges]]:
    """Return the sections of each page that is a text of its own, in order; else those of the whole document.

    `ranges` are the units of each block. A section that goes on on the next page is divided there.
    """
    pages: dict[int, list[_SectionRanges]] = {}
    for section in parsed.sections:
        on_page: dict[int, list[UnitRange]] = {}
        for block in section.blocks:
            units = next(ranges)
            if units[0] < units[1]:
                page = parsed.page_numbers[block.first] if parsed.has_separate_pages and parsed.page_numbers else 0
                on_page.setdefault(page, []).append(units)
        for page, blocks in on_page.items():
            pages.setdefault(page, []).append((section.path, blocks))
    return list(pages.values())


def _chunks(sections: Sequence[_SectionRanges], packer: Packer) -> Iterator[Chunk]:
    """Yield the chunks of every section in order."""
    for path, blocks in sections:
        yield from (Chunk(units, path) for units in packer.pack_section(blocks))
