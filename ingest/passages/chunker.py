"""Cut a document into passages: the way from text to what is searched."""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate

from tokenizers import Tokenizer

from ...core.values import Document, Passage
from ..parsers import code, html, markdown, structure
from ..parsers.formats import Format, guess_format, language_of
from ..parsers.structure import ParsedText, normalise
from .headings import fit_heads
from .packing import Chunking, Packer, Piece, Range
from .spans import Atom, Measure, Span, atoms_of, spans_of


class Cutter:
    """Cuts documents into passages of limited tokens. Safe to share between threads."""

    def __init__(self, tokenizer: Tokenizer, chunking: Chunking | None = None) -> None:
        self.chunking = chunking or Chunking()
        self._measure = Measure(tokenizer)

    def cut(self, document: Document, format: Format | None = None) -> list[Passage]:
        """Return the passages of a document in order; none for one without text. Without `format` it is guessed.

        The text of a passage is a slice of the document's (of the page's visible text for HTML), and its lines
        are those of the document's text as given.
        """
        given = normalise(document.text)
        layout = _lay_out(given, format or guess_format(document.source, given), document.source)
        text = "\n".join(layout.lines)
        starts = [0, *accumulate(len(line) + 1 for line in layout.lines)]
        atoms, pieces = self._pieces(layout, text, starts)
        title, headings = fit_heads(document.title, [piece.path for piece in pieces], self._measure)
        excerpts = [_excerpt(layout, text, starts, _span(piece, atoms)) for piece in pieces]
        return [
            _passage(document, ordinal, title, heading, excerpt)
            for ordinal, (heading, excerpt) in enumerate(zip(headings, excerpts, strict=True))
        ]

    def _pieces(self, layout: ParsedText, text: str, starts: Sequence[int]) -> tuple[list[Atom], list[Piece]]:
        """Return the atoms of the text and how they are packed."""
        spans = [spans_of(block, text, starts) for section in layout.sections for block in section.blocks]
        # Measured in one go: a call of the tokenizer for each block would leave the second core idle.
        flat = [span for found in spans for span in found]
        measured = iter(atoms_of(text, flat, self._measure, max_tokens=self.chunking.max_tokens))
        atoms: list[Atom] = []
        blocks: list[Range] = []
        for found in spans:
            first = len(atoms)
            atoms += [atom for _ in found for atom in next(measured)]
            blocks.append((first, len(atoms)))
        packer = Packer([atom.size for atom in atoms], self.chunking)
        return atoms, packer.join(list(_packed(layout, iter(blocks), packer)))


@dataclass(frozen=True, slots=True)
class _Excerpt:
    """A slice of the text and the lines of the original it stands on, from 1."""

    text: str
    start_line: int
    end_line: int


def _passage(document: Document, ordinal: int, title: str, heading: str, excerpt: _Excerpt) -> Passage:
    return Passage(
        document_id=document.id,
        ordinal=ordinal,
        text=excerpt.text,
        title=title,
        heading=heading,
        source=document.source,
        start_line=excerpt.start_line,
        end_line=excerpt.end_line,
        metadata=document.metadata,
    )


def _lay_out(text: str, format: Format, source: str) -> ParsedText:
    if format == "markdown":
        return markdown.lay_out(text)
    if format == "html":
        return html.lay_out(text)
    return code.lay_out(text, language_of(source)) if format == "code" else structure.lay_out_prose(text)


def _packed(layout: ParsedText, blocks: Iterator[Range], packer: Packer) -> Iterator[Piece]:
    """Yield the pieces of every section in order."""
    for section in layout.sections:
        ranges = [next(blocks) for _ in section.blocks]
        yield from (Piece(packed, section.path) for packed in packer.section(ranges))


def _span(piece: Piece, atoms: Sequence[Atom]) -> Span:
    first, last = piece.atoms
    return atoms[first].start, atoms[last - 1].end


def _excerpt(layout: ParsedText, text: str, starts: Sequence[int], span: Span) -> _Excerpt:
    start, end = span
    lines = (layout.numbers[bisect_right(starts, offset) - 1] for offset in (start, end - 1))
    return _Excerpt(text[start:end], *lines)
