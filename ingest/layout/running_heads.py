"""Running heads: what repeats at the top and bottom of the pages, such as titles and page numbers, is left out."""

import math
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from .segments import Row, Segment, rows_of

_EDGE = 0.12  # of the height of the text of all pages, at its top and at its bottom

_MOST_ROWS = 3  # of a running head

_MIN_GAP = 1.55  # font sizes between the baselines of a running head and of the text; lines of a text stand closer

_NUMBER = re.compile(r"\d+|\b[ivxlc]+\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class PageText:
    """The text of a page: its number, and its segments in layers, one for each direction of writing."""

    number: int
    layers: tuple[list[Segment], ...]


@dataclass(frozen=True, slots=True)
class _Head:
    """Rows at an edge of a page, from the edge inwards, that may be a running head."""

    edge: str
    rows: tuple[Row, ...]
    inner: Row | None
    """The row of the text that follows; None if there is none."""


def without_running_heads(pages: Sequence[PageText]) -> list[PageText]:
    """Return the pages without what stands at the edge of three pages or more, or of 40 % of a few.

    A page keeps what would leave it without text, and what stands as close to the text as its own lines.
    """
    rows = [rows_of(page.layers[0]) if page.layers else [] for page in pages]
    zones = _zones([row.y for found in rows for row in found])
    heads = [list(_heads(found, zones)) for found in rows]
    counts = Counter(key for found in heads for key in {_key(head.edge, row) for head in found for row in head.rows})
    enough = max(2, min(3, math.ceil(0.4 * len(pages))))
    repeated = {key for key, count in counts.items() if count >= enough}
    return [_without(page, found, repeated) for page, found in zip(pages, heads, strict=True)]


def _zones(heights: Sequence[float]) -> tuple[float, float]:
    """Return above and below which y running heads stand: where text begins and ends on any page, with some depth."""
    top, bottom = min(heights, default=0.0), max(heights, default=0.0)
    depth = _EDGE * (bottom - top)
    return top + depth, bottom - depth


def _heads(rows: Sequence[Row], zones: tuple[float, float]) -> Iterator[_Head]:
    top = [row for row in rows[:_MOST_ROWS] if row.y <= zones[0]]
    bottom = [row for row in rows[-_MOST_ROWS:] if row.y >= zones[1]]
    if top:
        yield _Head("top", tuple(top), rows[len(top)] if len(top) < len(rows) else None)
    if bottom:
        yield _Head("bottom", tuple(reversed(bottom)), rows[-len(bottom) - 1] if len(bottom) < len(rows) else None)


def _key(edge: str, row: Row) -> tuple[str, str]:
    text = " ".join(_NUMBER.sub("#", row.text).casefold().split())
    return edge, text.strip("# ") or text


def _without(page: PageText, heads: Sequence[_Head], repeated: set[tuple[str, str]]) -> PageText:
    gone = [row for head in heads for row in _repeated_rows(head, repeated)]
    left_out = {id(row) for row in gone}
    spans = [(row.y, row.left - 1, row.right + 1) for row in gone]
    if not left_out:
        return page
    main = [segment for segment in page.layers[0] if not _is_within(segment, spans)]
    return replace(page, layers=(main, *page.layers[1:])) if main else page


def _repeated_rows(head: _Head, repeated: set[tuple[str, str]]) -> Sequence[Row]:
    """Return the rows from the edge on that repeat, unless the next row is as near as the next line of a text."""
    count = 0
    while count < len(head.rows) and _key(head.edge, head.rows[count]) in repeated:
        count += 1
    while count:
        last = head.rows[count - 1]
        inner = head.rows[count] if count < len(head.rows) else head.inner
        if inner is None or abs(inner.y - last.y) >= _MIN_GAP * max(last.size, inner.size):
            break
        count -= 1
    return head.rows[:count]


def _is_within(segment: Segment, spans: Sequence[tuple[float, float, float]]) -> bool:
    return any(
        abs(segment.y - y) <= 0.6 * segment.size and left <= segment.left and segment.right <= right
        for y, left, right in spans
    )
