"""Tables of HTML: rows as lines of one block, in which each cell keeps its column."""

import re
from collections import defaultdict
from collections.abc import Iterator, MutableSequence, Sequence, Set
from dataclasses import dataclass, field
from itertools import groupby, takewhile

from .structure import Block, Heading
from .tags import attributes_of

CELLS = {"td", "th"}

EDGE = "\ufdd0"
"""What parts two cells until all rows of their table are known; no text has this character."""

_ENDS = {"table", "tr", "thead", "tbody", "tfoot"}  # tags at which a row is over, whether they start or end

_MOST_SPANNED = 100  # columns of one cell

_MOST_ROWS = 65_534  # of one cell, as in browsers

_MOST_REPEATED_CHARS = 200_000  # of the cells of a table that take several rows; later ones only keep their places

_SPAN = re.compile(r"\d{1,9}")


@dataclass(slots=True)
class Columns:
    """The columns of a table: where the next cell goes, and what reaches down from the rows above."""

    is_tall: bool = False
    """Whether the last cell takes rows below it too, so that its text is needed."""
    _place: int = 0
    _missing: int = 0
    """How many columns the last cell takes besides its own."""
    _rows: int = 0
    """How many rows below its own the last cell takes."""
    _above: dict[int, tuple[int, str]] = field(default_factory=dict[int, tuple[int, str]])
    """By column: for how many rows more a cell from above is in it, and its text."""
    _repeatable: int = _MOST_REPEATED_CHARS

    def start_row(self) -> None:
        """Begin a row."""
        self._place = self._missing = self._rows = 0
        self.is_tall = False

    def end_group(self) -> None:
        """End the cells that reach down; they do not go on in another part of the table."""
        self._above.clear()

    def next_cell(self, attributes: str, *, last: str) -> str:
        """Return what stands between the last cell and one with these attributes; a tall last cell needs its text."""
        before = self._after(last)
        while self._place in self._above:
            before += self._column(self._taken())
        values = attributes_of(attributes)
        self._rows = min(_span(values.get("rowspan", "")) or _MOST_ROWS, _MOST_ROWS) - 1
        self._missing = min(max(_span(values.get("colspan", "")), 1), _MOST_SPANNED) - 1
        self.is_tall = self._rows > 0 and self._place < _MOST_SPANNED
        return before + self._column("")

    def end_row(self, *, last: str) -> str:
        """Return what stands behind the last cell of a row."""
        after = self._after(last)
        while self._above and self._place <= max(self._above):
            after += self._column(self._taken())
        return after

    def _after(self, last: str) -> str:
        first, after = self._place - 1, ""
        for _ in range(self._missing):
            after += self._column("")
        if self.is_tall:
            self._above |= {place: (self._rows, "" if place > first else last) for place in range(first, self._place)}
        self._missing, self.is_tall = 0, False
        return after

    def _column(self, text: str) -> str:
        self._place += 1
        return f" {EDGE} {text}" if self._place > 1 else text

    def _taken(self) -> str:
        rows, text = self._above.pop(self._place, (0, ""))
        if rows > 1:
            self._above[self._place] = (rows - 1, text)
        self._repeatable -= len(text)
        return text if self._repeatable >= 0 else ""


def _span(value: str) -> int:
    """Return the number of rows or columns of a cell; 0 means all rows below it."""
    return int(value) if _SPAN.fullmatch(value) else 1


@dataclass(slots=True)
class Rows:
    """The rows of tables: which of the page's parts they are, and which of them are headers."""

    tables: list[int] = field(default_factory=list[int])
    """The numbers of the open tables, the innermost last."""
    is_open: bool = False
    """Whether a row is open."""
    is_head: bool = False
    """Whether the open rows are those of a `thead`."""
    cells: set[str] = field(default_factory=set[str])
    """The kinds of cells that the row has so far."""
    found: dict[int, tuple[int, int, bool]] = field(default_factory=dict[int, tuple[int, int, bool]])
    """By the place of a part: the numbers of its table and row, and whether the row is a header."""
    columns: list[Columns] = field(default_factory=list[Columns])
    """Those of the open tables."""
    _count: int = 0
    _row: int = 0

    def start(self, tag: str) -> None:
        """Begin a table, a row or a cell."""
        if tag == "table":
            self._count += 1
            self.tables.append(self._count)
            self.columns.append(Columns())
            self.is_open = False
        elif tag == "tr":
            self._row += 1
            self.is_open, self.cells = bool(self.tables), set()
            if self.is_open:
                self.columns[-1].start_row()
        elif tag in CELLS:
            self.cells.add(tag)
        elif tag in {"thead", "tbody", "tfoot"}:
            self.is_head = tag == "thead"
            if self.columns:
                self.columns[-1].end_group()

    def end(self, tag: str) -> None:
        """End a table or a row."""
        if tag == "table" and self.tables:
            self.tables.pop()
            self.columns.pop()
        if tag in {"table", "thead"}:
            self.is_head = False
        if tag in {"table", "tr"}:
            self.is_open = False

    def note(self, place: int) -> None:
        """Record that the part at a place belongs to the open row."""
        self.found[place] = (self.tables[-1], self._row, self.is_head or self.cells == {"th"})

    def ends_at(self, tag: str) -> bool:
        """Return whether the open row is over at a tag, be it a start or an end tag."""
        return self.is_open and tag in _ENDS

    def write_bars(self, lines: MutableSequence[str], parts: Sequence[Block | Heading]) -> None:
        """Part the cells of all rows by bars, without columns that are empty in all rows of a table."""
        tables: dict[int, dict[int, list[int]]] = defaultdict(lambda: defaultdict(list))
        for place, (table, row, _) in self.found.items():
            tables[table][row] += range(parts[place].first, parts[place].last)
        for rows in tables.values():
            cells = {row: "\n".join(lines[at] for at in places).split(EDGE) for row, places in rows.items()}
            used = {column for each in cells.values() for column, cell in enumerate(each) if cell.strip()}
            for row, places in rows.items():
                for at, line in zip(places, _with_bars(cells[row], used), strict=True):
                    if EDGE in lines[at]:
                        lines[at] = " ".join(line.split())

    def merged(self, parts: Sequence[Block | Heading]) -> Iterator[Block | Heading]:
        """Yield the parts with the rows of each table as one block, unless its cells hold blocks of their own."""
        for table, group in groupby(enumerate(parts), lambda each: self.found.get(each[0], (0, 0, False))[0]):
            places, members = zip(*group, strict=True)
            rows = [self.found[place] for place in places] if table else []
            blocks = [each for each in members if isinstance(each, Block)]
            if len(rows) < 2 or len({row for _, row, _ in rows}) < len(rows) or len(blocks) < len(members):
                yield from members
                continue
            headers = list(takewhile(lambda each: each[1][2], zip(blocks, rows, strict=True)))
            header = (blocks[0].first, headers[-1][0].last) if headers and len(headers) < len(rows) else (0, 0)
            yield Block(blocks[0].first, blocks[-1].last, verbatim=True, header=header)


def _with_bars(cells: Sequence[str], used: Set[int]) -> list[str]:
    """Return the lines of a row: what is empty at its end, or in the whole column, goes without its bar."""
    last = max((column for column, cell in enumerate(cells) if cell.strip()), default=-1)
    text, is_begun = "", False
    for column, cell in enumerate(cells):
        text += f" | {cell}" if is_begun and column in used and column <= last else cell
        is_begun = is_begun or column in used
    return text.split("\n")
