"""Tables as text: Markdown with a line for each row, or rows that each carry their headers, as those of sheets do."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

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


def looks_like_header(rows: Sequence[Sequence[str]]) -> bool:
    """Return whether the first row names the columns: no cell of it is empty, or a number other than a year."""
    if len(rows) < 2:
        return False
    first, *rest = rows
    are_names = all(cell.strip() and (not _is_number(cell) or _YEAR.fullmatch(cell.strip())) for cell in first)
    return are_names and not all(map(_is_number, first)) and any(any(row) for row in rest)


def _is_number(cell: str) -> bool:
    return not any(map(str.isalpha, cell))


_SEARCHED_ROWS = 10  # for the headers: titles and dates of reports stand above them

_MAX_HEADER_CHARS = 80

_NUMBER = re.compile(r"[\s\d.,:;/+%$€£()TZ-]*\d[\s\d.,:;/+%$€£()TZ-]*|TRUE|FALSE")

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
        names = [_one_line(cell) for cell in row]
        if below and _are_headers(names, width=max(_filled(each) for each in below)):
            return _Headers(index, names)
    return _Headers(-1, ())


def _are_headers(names: Sequence[str], *, width: int) -> bool:
    named = [name for name in names if name]
    are_words = all(len(name) <= _MAX_HEADER_CHARS and not _NUMBER.fullmatch(name) for name in named)
    return len(named) >= 2 and len(named) >= 0.6 * width and are_words and len(set(named)) == len(named)


def _filled(row: Sequence[str]) -> int:
    return sum(bool(cell.strip()) for cell in row)


def _one_line(cell: str) -> str:
    """Return a cell on one line; a date with its time as people write it."""
    return _LINE_ENDS.sub(" ", _TIME.sub(r"\1 \2", cell)).strip()
