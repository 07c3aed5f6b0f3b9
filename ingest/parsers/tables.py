"""CSV and TSV: each row with its headers, on the lines of the file where it stands."""

import csv
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from ...core.errors import BlankFile, UnreadableFile
from ..text.draft import Draft
from ..text.structure import Block, ParsedDocument, Section
from ..text.table_lines import is_number, names_columns
from .protocols import Content, suffix_of

MAX_COLUMNS = 16_384  # as many as a sheet has

_DELIMITERS = ",;\t|"

_SAMPLE_ROWS = 50

_SAMPLE_CHARS = 100_000

_LONG_ROW_CHARS = 500  # more is written as a line for each cell, under a heading

_MAX_LABEL_CHARS = 80


@dataclass(frozen=True, slots=True)
class _Row:
    """The cells of a row, and the lines of the file on which it begins and ends."""

    cells: Sequence[str]
    line: int
    last: int


class TableParser:
    """Reads tables of text; the first row is taken for headers if it looks as if it named the columns."""

    suffixes = frozenset((".csv", ".tsv", ".tab"))
    is_binary = False

    def sniff(self, text: str) -> bool:
        """Return False: prose has commas too."""
        return False

    def parse(self, content: Content) -> ParsedDocument:
        """Return each row as "header: value" pairs; a note says which rows have too few or too many cells."""
        lines, first = content.text.split("\n"), 1
        if named := re.fullmatch(r"sep=([^\w\s\"]|\t)", lines[0]):  # which Excel writes for itself
            lines, first = lines[1:], 2
        delimiter = named[1] if named else _delimiter(lines, suffix_of(content.source))
        # A cell may be as long as the file; what bounds it is the limit of the file.
        csv.field_size_limit(max(csv.field_size_limit(), len(content.text) + 1))
        name = content.source or "A table"
        rows, unclosed = _rows(lines, first, delimiter)
        if not rows:
            raise BlankFile(f"{content.source} has no text, so there is nothing to search in it. Leave it out.")
        headers = _headers(rows)
        notes = list(_ragged(name, rows))
        if unclosed:
            notes.append(f"{name} has a quote on line {unclosed:,} that never ends, so its quotes were read as text.")
        return _document(rows[1:] if headers else rows, headers, tuple(notes))


def _delimiter(lines: Sequence[str], suffix: str) -> str:
    """Return the delimiter that gives most rows of the beginning the same number of cells, and more than one.

    `csv.Sniffer` takes letters for delimiters and time quadratic in quotes.
    """
    if suffix in {".tsv", ".tab"}:
        return "\t"
    sample = "\n".join(lines[: 2 * _SAMPLE_ROWS])[:_SAMPLE_CHARS].split("\n")

    def rating(delimiter: str) -> tuple[float, int]:
        widths = Counter(len(row) for row in islice(csv.reader(sample, delimiter=delimiter), _SAMPLE_ROWS) if row)
        width, count = max(widths.items(), key=lambda item: (item[0] > 1, item[1]), default=(1, 0))
        return (count / max(widths.total(), 1) if width > 1 else 0.0), width

    return max(_DELIMITERS, key=rating)


def _rows(lines: Sequence[str], first: int, delimiter: str) -> tuple[list[_Row], int]:
    """Return the rows that are not empty, and the line of a quote that never ends, or 0."""
    rows = list(_read(lines, first, delimiter))
    if len(rows) < 2 or not any(row.last > row.line for row in rows):
        return rows, 0
    plain = list(_read(lines, first, delimiter, quotes=False))
    if _is_unclosed(lines[rows[-1].line - first :], delimiter):
        return plain, rows[-1].line
    # Inches and quotes that begin a cell by chance join rows; without them, every line has the same number of cells.
    return (plain if len(plain[0].cells) > 1 and not _odd(plain) else rows), 0


def _read(lines: Sequence[str], first: int, delimiter: str, *, quotes: bool = True) -> Iterator[_Row]:
    quoting = csv.QUOTE_MINIMAL if quotes else csv.QUOTE_NONE
    reader = csv.reader((f"{line}\n" for line in lines), delimiter=delimiter, quoting=quoting)
    done = 0
    for cells in reader:
        row = _Row([cell.strip() for cell in cells], first + done, first + reader.line_num - 1)
        if len(cells) > MAX_COLUMNS:
            raise UnreadableFile(
                f"Line {row.line:,} has {len(cells):,} cells; the limit is {MAX_COLUMNS:,}. Split the table."
            )
        done = reader.line_num
        if any(row.cells):
            yield row


def _is_unclosed(lines: Sequence[str], delimiter: str) -> bool:
    """Return whether the quote of a cell in the last row does not end."""
    try:
        list(csv.reader((f"{line}\n" for line in lines), delimiter=delimiter, strict=True))
    except csv.Error as error:
        return "unexpected end" in str(error)
    return False


def _headers(rows: Sequence[_Row]) -> list[str]:
    """Return the names of the columns, or none if the first row is one of data."""
    if len(rows) < 2:
        return []
    cells = rows[0].cells
    if not names_columns(cells, [row.cells for row in rows[1 : 1 + _SAMPLE_ROWS]], least=len(cells) - 1):
        return []
    return [" ".join(cell.split()) or f"column {place}" for place, cell in enumerate(cells, start=1)]


def _document(rows: Sequence[_Row], headers: Sequence[str], notes: tuple[str, ...]) -> ParsedDocument:
    """Return the rows as blocks; a long one is a section of its own, with a block for each cell."""
    draft = Draft()
    sections: list[Section] = []
    short: list[Block] = []
    for row in rows:
        pairs = [(_header(headers, place), cell) for place, cell in enumerate(row.cells) if cell]
        line = " | ".join([_pair(header, " ".join(cell.split())) for header, cell in pairs])
        if len(line) <= _LONG_ROW_CHARS:
            short.append(Block(len(draft.lines), len(draft.lines) + 1, verbatim=True))
            draft.lines.append(line)
            draft.line_numbers.append(row.line)
            continue
        if short:
            sections.append(Section((), tuple(short)))
        cells = [_write(draft, row.line, _pair(header, cell)) for header, cell in pairs]
        sections.append(Section(_label(pairs), tuple(cells)))
        short = []
    if short:
        sections.append(Section((), tuple(short)))
    return ParsedDocument(lines=draft.lines, line_numbers=draft.line_numbers, sections=tuple(sections), notes=notes)


def _write(draft: Draft, number: int, text: str) -> Block:
    """Write a long cell, and return its block."""
    lines = text.split("\n")
    draft.add(lines, [number] * len(lines))
    return Block(len(draft.lines) - len(lines), len(draft.lines))


def _header(headers: Sequence[str], place: int) -> str:
    if not headers:
        return ""
    return headers[place] if place < len(headers) else f"column {place + 1}"


def _pair(header: str, cell: str) -> str:
    return f"{header}: {cell}" if header else cell


def _label(pairs: Sequence[tuple[str, str]]) -> tuple[str, ...]:
    """Return what names a row, as a path: its first short cell, if possible one that is not a number."""
    short = [cell for _, cell in pairs if len(cell) <= _MAX_LABEL_CHARS and "\n" not in cell]
    words = [cell for cell in short if not is_number(cell)]
    return tuple([*words, *short][:1])


def _odd(rows: Sequence[_Row]) -> list[int]:
    """Return the lines of the rows that have more or fewer cells than the first."""
    return [row.line for row in rows if len(row.cells) != len(rows[0].cells)]


def _ragged(name: str, rows: Sequence[_Row]) -> Iterator[str]:
    """Yield a note if some rows have another number of cells than the first."""
    if odd := _odd(rows):
        count = "1 row has" if len(odd) == 1 else f"{len(odd):,} rows have"
        where = f"on line {odd[0]:,}" if len(odd) == 1 else f"the first on line {odd[0]:,}"
        yield f"{name}: {count} more or fewer cells than the first row, which has {len(rows[0].cells):,} ({where})."
