"""Tables as text: Markdown with a line for each row, or rows that each carry their headers, as those of sheets do."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import ceil

_LINE_ENDS = re.compile(r"\s*[\r\n\v\f\x85\u2028\u2029]+\s*")

RULE = "---"

_YEAR = re.compile(r"(?:19|20)\d\d")


def table_lines(rows: Sequence[Sequence[str]], *, has_header: bool = True) -> list[str]:
    """Return a table as lines of Markdown, without empty rows, and without columns that are empty in all of them."""
    filled = [[cell.strip() for cell in row] for row in rows]
    columns = sorted({index for row in filled for index, cell in enumerate(row) if cell})
    lines = [_line([row[index] if index < len(row) else "" for index in columns]) for row in filled if any(row)]
    if has_header and len(lines) > 1:
        lines.insert(1, f"|{f' {RULE} |' * len(columns)}")
    return lines


def header_of(lines: Sequence[str]) -> int:
    """Return how many lines at the beginning of a Markdown table name its columns: 2 with a rule, or 0."""
    return 2 if len(lines) > 2 and lines[1].startswith(f"| {RULE} |") else 0


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(map(_escaped, cells))} |"


def _escaped(cell: str) -> str:
    """Return a cell on one line, whose bars end no cell."""
    return _LINE_ENDS.sub("; " if "\n" in cell else " ", cell).replace("|", "\\|")


_SEARCHED_ROWS = 10  # for the headers: titles and dates of reports stand above them

_MAX_NAME_CHARS = 80

_NUMBER = re.compile(r"[\s\d.,:;/+%$€£()-]*\d[\s\d.,:;/+%$€£()-]*|\d{4}-\d\d-\d\dT[\d:.]+Z?|TRUE|FALSE")


def is_number(cell: str) -> bool:
    """Return whether a cell holds a number, a date, or true or false, as cells of data do."""
    return _NUMBER.fullmatch(cell) is not None


def names_columns(row: Sequence[str], below: Sequence[Sequence[str]], *, least: int) -> bool:
    """Return whether a row of a table of any kind names the columns of the rows below it.

    It has at least `least` cells that are not empty. All of these are short and different, and no numbers, except for
    years above columns that do not hold years themselves.
    """
    names = {place: name for place, cell in enumerate(row) if (name := _one_line(cell))}
    numbers = [place for place, name in names.items() if is_number(name)]
    if len(names) < max(least, 1) or len(set(names.values())) < len(names) or len(numbers) == len(names):
        return False
    if any(len(name) > _MAX_NAME_CHARS for name in names.values()):
        return False
    are_years = all(_YEAR.fullmatch(names[place]) for place in numbers)
    values = (each[place] for place in numbers for each in below[:_SEARCHED_ROWS] if place < len(each))
    return are_years and not any(_YEAR.fullmatch(value.strip()) for value in values)


_TIME = re.compile(r"^(\d{4}-\d\d-\d\d)T(\d\d:\d\d)(?::00)?$")


@dataclass(frozen=True, slots=True)
class _Headers:
    """The row that names the columns, by its index, and the names by their column."""

    row: int
    names: Sequence[str]


def sheet_lines(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """Yield a line for each row that is not empty: "header: value | header: value", or the values without headers."""
    headers = _headers_in(rows)
    for index, row in enumerate(rows):
        if index == headers.row:
            continue
        names = headers.names if index > headers.row >= 0 else ()
        cells = ((names[at] if at < len(names) else "", _one_line(cell)) for at, cell in enumerate(row))
        if line := " | ".join(f"{name}: {cell}" if name else cell for name, cell in cells if cell):
            yield line
    if headers.row >= 0 and not any(any(row) for row in rows[headers.row + 1 :]):
        yield " | ".join(filter(None, headers.names))


def _headers_in(rows: Sequence[Sequence[str]]) -> _Headers:
    """Return the first row that names most columns of the rows below it; -1 for its index if there is none."""
    for index, row in enumerate(rows[:_SEARCHED_ROWS]):
        below = rows[index + 1 : index + 1 + _SEARCHED_ROWS]
        width = max(map(_filled, below), default=0)
        if below and names_columns(row, below, least=max(2, ceil(0.6 * width))):
            return _Headers(index, [_one_line(cell) for cell in row])
    return _Headers(-1, ())


def _filled(row: Sequence[str]) -> int:
    return sum(bool(cell.strip()) for cell in row)


def _one_line(cell: str) -> str:
    """Return a cell on one line; a date with its time as people write it."""
    return _LINE_ENDS.sub(" ", _TIME.sub(r"\1 \2", cell)).strip()
