"""Tables: rows of segments whose gaps stand one below the other."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from .prose import SOFT_HYPHEN, joined_text
from .segments import CELL_GAP, Row, Segment, joined

_MAX_DISTANCE = 3.2  # font sizes between the baselines of two rows of a table


@dataclass(frozen=True, slots=True)
class Table:
    """A table: its cells, row by row."""

    rows: list[list[str]]


@dataclass(frozen=True, slots=True)
class _Column:
    left: float
    right: float


def tables_and_text(rows: Sequence[Row]) -> Iterator[Table | list[Row]]:
    """Yield the tables of a region, and the rows of text between them."""
    text: list[Row] = []
    index = 0
    while index < len(rows):
        length, columns = _table_at(rows, index)
        if not length:
            text.append(rows[index])
            index += 1
            continue
        first = index
        while text and _is_within_cell(text[-1], rows[first], columns):
            text.pop()
            first -= 1
        if text:
            yield text
        text = []
        yield Table(_cells(rows[first : index + length], columns))
        index += length
    if text:
        yield text


def _table_at(rows: Sequence[Row], start: int) -> tuple[int, list[_Column]]:
    """Return how many rows from `start` on make a table, 0 if they make none, and its columns."""
    if len(rows[start].segments) < 2 or rows[start].is_mono:
        return 0, []
    columns = _columns_with([], rows[start])
    length, wide, best = 1, 1, columns
    for index in range(start + 1, len(rows)):
        row, above = rows[index], rows[index - 1]
        if row.y - above.y > _MAX_DISTANCE * max(row.size, above.size):
            break
        if len(row.segments) == 1 and ((row.is_bold and not above.is_bold) or row.size > 1.1 * above.size):
            break  # a heading
        joint = _columns_with(columns, row)
        # A row of one cell continues a cell, if it joins no columns and makes none.
        if len(joint) < 2 or (len(row.segments) == 1 and len(joint) != len(columns)):
            break
        columns = joint
        if len(row.segments) > 1:
            length, wide, best = index - start + 1, wide + 1, columns
        elif length == index - start and _is_within_cell(row, above, best):
            length += 1
    enough = wide >= 3 or (wide == 2 and _is_clear(rows[start : start + length]))
    return (length, best) if enough else (0, [])


def _columns_with(columns: Sequence[_Column], row: Row) -> list[_Column]:
    """Return the columns that are left when the cells of a row are added to them."""
    spans = sorted([*columns, *(_Column(each.left, each.right) for each in row.segments)], key=lambda each: each.left)
    found: list[_Column] = []
    for span in spans:
        if found and span.left - found[-1].right < 0.5 * CELL_GAP * row.size:
            found[-1] = _Column(found[-1].left, max(found[-1].right, span.right))
        else:
            found.append(span)
    return found


def _is_within_cell(row: Row, neighbour: Row, columns: Sequence[_Column]) -> bool:
    """Return whether a row of one cell, not in the first column, is as near its neighbour as the lines of a cell."""
    is_near = abs(row.y - neighbour.y) <= 1.35 * row.size
    is_inside = len(row.segments) == 1 and row.left > columns[0].right
    return is_near and is_inside and len(_columns_with(columns, row)) == len(columns)


def _is_clear(rows: Sequence[Row]) -> bool:
    """Return whether two rows alone are a table: the same number of cells, with gaps wider than those of a text."""
    counts = {len(row.segments) for row in rows}
    gaps = [right.left - left.right for row in rows for left, right in pairwise(row.segments)]
    return len(counts) == 1 and min(gaps) > 1.8 * rows[0].size


def _cells(rows: Sequence[Row], columns: Sequence[_Column]) -> list[list[str]]:
    """Return the cells of each row of a table. Rows that continue the cells above or below join them."""
    cells = [
        [joined([each for each in row.segments if _column_of(each, columns) == at]) for at in range(len(columns))]
        for row in rows
    ]
    gaps = [below.y - above.y for above, below in pairwise(rows)]
    line_height = min(gaps, default=0.0)
    has_wider = any(gap > 1.4 * line_height for gap in gaps)
    found: list[list[str]] = []
    waiting: list[str] | None = None
    for index, current in enumerate(cells):
        before, after = ([math.inf, *gaps][index], [*gaps, math.inf][index])
        row = _joined_cells(waiting, current) if waiting else current
        waiting = None
        begins_below = not row[0] and 2 * sum(map(bool, row)) <= len(columns) and after < 0.95 * before
        if begins_below and after <= 1.25 * line_height and _continues(row, cells[index + 1]):
            waiting = row
        elif found and before <= 1.25 * line_height and (has_wider or not row[0]) and _continues(row, found[-1]):
            found[-1] = _joined_cells(found[-1], row)
        else:
            found.append(row)
    return [[cell.replace(SOFT_HYPHEN, "-") for cell in row] for row in found]


def _joined_cells(above: Sequence[str], below: Sequence[str]) -> list[str]:
    return [
        joined_text(upper, lower, ()) if upper and lower else upper or lower
        for upper, lower in zip(above, below, strict=True)
    ]


def _continues(cells: Sequence[str], above: Sequence[str]) -> bool:
    """Return whether each cell that has text stands beside one of a fuller row that has some."""
    filled = sum(map(bool, cells))
    return filled < sum(map(bool, above)) and all(other for cell, other in zip(cells, above, strict=True) if cell)


def _column_of(segment: Segment, columns: Sequence[_Column]) -> int:
    middle = (segment.left + segment.right) / 2
    return min(range(len(columns)), key=lambda at: _distance(middle, columns[at]))


def _distance(x: float, column: _Column) -> float:
    return max(column.left - x, x - column.right, 0.0)
