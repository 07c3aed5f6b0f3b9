"""Running heads: what repeats at the top and bottom of the pages, such as titles and page numbers, is left out."""

from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace

from .page_numbers import Shared, shared_texts
from .segments import Row, Segment, rows_of

_EDGE = 0.12  # of the height of the text of all pages, at its top and at its bottom

_MOST_ROWS = 3  # of a running head

_MIN_GAP = 1.55  # font sizes between the baselines of a running head and of the text; lines of a text stand closer

_LARGER, _SMALLER = 1.15, 0.95  # times the size of the text


@dataclass(frozen=True, slots=True)
class PageText:
    """The text of a page: its number, and its segments in layers, one for each direction of writing."""

    number: int
    layers: tuple[list[Segment], ...]


@dataclass(frozen=True, slots=True)
class _EdgeRow:
    """A row near an edge of a page, and what it may share with rows of other pages."""

    row: Row
    shared: Collection[tuple[str, Shared]]
    """With the edge, because what stands on top of a page is not the foot of another."""
    is_large: bool
    """Whether it is larger than the text of the document."""


@dataclass(frozen=True, slots=True)
class _Head:
    """Rows at an edge of a page, from the edge inwards, that may be a running head."""

    rows: tuple[_EdgeRow, ...]
    inner: Row | None
    """The row of the text that follows; None if there is none."""


@dataclass(frozen=True, slots=True)
class _Repeated:
    """What rows of enough pages share, and the page on which each comes first."""

    first: dict[tuple[str, Shared], int]

    def holds(self, row: _EdgeRow, page: int) -> bool:
        """Return whether a row of a page repeats. A large one stays where it comes first: it may be the title."""
        return any(each in self.first and not (row.is_large and self.first[each] == page) for each in row.shared)


def without_running_heads(pages: Sequence[PageText]) -> list[PageText]:
    """Return the pages without what repeats at the edges of three or more, apart from the number of the page.

    A page keeps what would leave it without text, and what stands as close to the text as its own lines. Rows that have
    nothing but a page number go if there are two of them.
    """
    rows = [rows_of(page.layers[0]) if page.layers else [] for page in pages]
    zones = _zones([row.y for found in rows for row in found])
    size = _text_size([row for found in rows for row in found])
    heads = [list(_heads(page, found, zones, size)) for page, found in zip(pages, rows, strict=True)]
    repeated = _repeated(pages, heads)
    return [_without(page, found, repeated) for page, found in zip(pages, heads, strict=True)]


def _repeated(pages: Sequence[PageText], heads: Sequence[Sequence[_Head]]) -> _Repeated:
    shared = [{each for head in found for row in head.rows for each in row.shared} for found in heads]
    counts = Counter(each for found in shared for each in found)
    first: dict[tuple[str, Shared], int] = {}
    for page, found in zip(pages, shared, strict=True):
        for each in found:
            if counts[each] >= each[1].enough:
                first.setdefault(each, page.number)
    return _Repeated(first)


def _text_size(rows: Sequence[Row]) -> float:
    """Return the size of the font that half of the characters are not larger than."""
    total, passed = sum(len(row.text) for row in rows), 0
    for row in sorted(rows, key=lambda each: each.size):
        passed += len(row.text)
        if 2 * passed >= total:
            return row.size
    return 0.0


def _zones(heights: Sequence[float]) -> tuple[float, float]:
    """Return above and below which y running heads stand: where text begins and ends on any page, with some depth."""
    top, bottom = min(heights, default=0.0), max(heights, default=0.0)
    depth = _EDGE * (bottom - top)
    return top + depth, bottom - depth


def _heads(page: PageText, rows: Sequence[Row], zones: tuple[float, float], size: float) -> Iterator[_Head]:
    top = [row for row in rows[:_MOST_ROWS] if row.y <= zones[0]]
    bottom = [row for row in rows[-_MOST_ROWS:] if row.y >= zones[1]]
    if top:
        inner = rows[len(top)] if len(top) < len(rows) else None
        yield _Head(tuple(_edge_row("top", row, page.number, size) for row in top), inner)
    if bottom:
        inner = rows[-len(bottom) - 1] if len(bottom) < len(rows) else None
        yield _Head(tuple(_edge_row("bottom", row, page.number, size) for row in reversed(bottom)), inner)


def _edge_row(edge: str, row: Row, page: int, size: float) -> _EdgeRow:
    is_large, is_small = row.size > _LARGER * size, row.size < _SMALLER * size
    shared = {(edge, each) for each in shared_texts(row, page, is_large=is_large, is_small=is_small)}
    return _EdgeRow(row, shared, is_large)


def _without(page: PageText, heads: Sequence[_Head], repeated: _Repeated) -> PageText:
    gone = [row for head in heads for row in _repeated_rows(head, page.number, repeated)]
    spans = [(row.y, row.left - 1, row.right + 1) for row in gone]
    if not spans:
        return page
    main = [segment for segment in page.layers[0] if not _is_within(segment, spans)]
    return replace(page, layers=(main, *page.layers[1:])) if main else page


def _repeated_rows(head: _Head, page: int, repeated: _Repeated) -> list[Row]:
    """Return the rows from the edge on that repeat, unless the next row is as near as the next line of a text."""
    rows, count = [each.row for each in head.rows], 0
    while count < len(rows) and repeated.holds(head.rows[count], page):
        count += 1
    while count:
        last = rows[count - 1]
        inner = rows[count] if count < len(rows) else head.inner
        if inner is None or abs(inner.y - last.y) >= _MIN_GAP * max(last.size, inner.size):
            break
        count -= 1
    return rows[:count]


def _is_within(segment: Segment, spans: Sequence[tuple[float, float, float]]) -> bool:
    return any(
        abs(segment.y - y) <= 0.6 * segment.size and left <= segment.left and segment.right <= right
        for y, left, right in spans
    )
