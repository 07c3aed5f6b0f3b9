"""Reading order: the columns of a page, found by the gaps between them, with what stands across them."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from statistics import median

from .segments import CELL_GAP, Row, Segment, rows_of

_MAX_DEPTH = 5  # columns inside columns

_MIN_ROWS = 3  # of a column, and of those that begin or end at its edge

_MIN_LINES = 2  # of a column beside a longer one, such as the caption of a figure

_MAX_EDGES = 8  # left edges that are tried

_HOLE = 2.5  # font sizes between baselines: below a table, a figure or the text of a part, and seldom inside


@dataclass(frozen=True, slots=True)
class _Band:
    """Segments between two heights of a page, and whether they stand in columns."""

    segments: list[Segment]
    left: list[Segment]
    right: list[Segment]
    are_columns: bool


@dataclass(frozen=True, slots=True)
class _Gutter:
    """A vertical gap: what stands left of it, right of it, and across."""

    edge: float
    left: list[Segment]
    right: list[Segment]
    across: list[Segment]

    @property
    def strength(self) -> int:
        """Return the characters on the weaker side."""
        return min(_characters(self.left), _characters(self.right))


def regions_of(segments: Sequence[Segment], depth: int = 0) -> Iterator[list[Row]]:
    """Yield the rows of each region in which the text runs in a single column, in reading order."""
    bands = _bands(segments) if depth < _MAX_DEPTH else []
    if not bands:
        if segments:
            yield rows_of(segments)
        return
    for band in bands:
        sides = (band.left, band.right) if band.are_columns else (band.segments,)
        for side in sides:
            yield from regions_of(side, depth + 1)


def _bands(segments: Sequence[Segment]) -> list[_Band]:
    """Return segments from top to bottom, parted into those in columns and others; none without columns."""
    gutters = [_split(segments, edge) for edge in [*_left_edges(segments), *_right_edges(segments)]]
    found = [each for each in gutters if min(len(each.left), len(each.right)) >= _MIN_LINES]
    for gutter in sorted(found, key=lambda each: -each.strength):
        bands = _joined(_parted(segments, gutter), gutter.edge)
        if any(band.are_columns for band in bands):
            return bands
    return []


def _left_edges(segments: Sequence[Segment]) -> list[float]:
    """Return the x at which most segments begin, besides the leftmost, from the most popular."""
    if not segments:
        return []
    counts = Counter(round(segment.left / 3) for segment in segments)
    near = Counter({edge: counts[edge] + counts[edge + 1] for edge in counts})
    first = min(counts)
    popular = [edge for edge, count in near.most_common(2 * _MAX_EDGES) if count >= _MIN_ROWS and edge > first + 2]
    return [3 * edge - 1.5 for edge in popular[:_MAX_EDGES]]


def _right_edges(segments: Sequence[Segment]) -> list[float]:
    """Return x a little right of where most segments end, besides the rightmost, from the most popular."""
    counts = Counter(round(segment.right / 3) for segment in segments)
    last = max(counts, default=0)
    popular = [edge for edge, count in counts.most_common(_MAX_EDGES) if count >= 2 * _MIN_ROWS and edge < last - 2]
    size = median(segment.size for segment in segments) if segments else 0.0
    return [3 * edge + 1.5 + 0.4 * CELL_GAP * size for edge in popular[: _MAX_EDGES // 2]]


def _split(segments: Sequence[Segment], edge: float) -> _Gutter:
    """Return segments by where they stand: those that begin right of an edge, end left of it, or cross it."""
    left, right, across = list[Segment](), list[Segment](), list[Segment]()
    for segment in segments:
        if segment.left >= edge:
            right.append(segment)
        elif segment.right <= edge - 0.4 * CELL_GAP * segment.size:
            left.append(segment)
        else:
            across.append(segment)
    return _Gutter(edge=edge, left=left, right=right, across=across)


def _are_columns(gutter: _Gutter) -> bool:
    """Return whether both sides hold running text, or one does and the other has lines of its own beside it.

    The cells of a table are shorter, and those of a row begin on one line.
    """
    if not gutter.left or not gutter.right:
        return False
    prose = [_is_prose(gutter.left), _is_prose(gutter.right)]
    if all(prose) or not any(prose):
        return all(prose)
    text, other = (gutter.left, gutter.right) if prose[0] else (gutter.right, gutter.left)
    if sum(each.is_label for each in other) * 2 > len(other):
        return False
    return len(text) >= _MIN_ROWS and len(other) >= _MIN_ROWS and _aligned_share(other, text) < 0.5


def _aligned_share(segments: Sequence[Segment], others: Sequence[Segment]) -> float:
    """Return which part of some segments stands on the baseline of another segment."""
    aligned = sum(any(abs(each.y - other.y) < 0.12 * each.size for other in others) for each in segments)
    return aligned / len(segments)


def _is_prose(segments: Sequence[Segment]) -> bool:
    """Return whether most characters stand in lines of several words. Labels of figures may be among them."""
    has_blanks = _has_blanks(segments)
    lines = (each for each in segments if each.right - each.left >= 9 * each.size)
    long = sum(len(each.text) for each in lines if each.text.count(" ") >= 2 or not has_blanks)
    return long > 0.55 * _characters(segments)


def _has_blanks(segments: Sequence[Segment]) -> bool:
    """Return whether words are set apart by blanks, as they are not in Chinese and Japanese."""
    return sum(each.text.count(" ") for each in segments) > _characters(segments) / 20


def _characters(segments: Sequence[Segment]) -> int:
    return sum(len(segment.text) for segment in segments)


def _parted(segments: Sequence[Segment], gutter: _Gutter) -> Iterator[list[Segment]]:
    """Yield segments from top to bottom, parted where something stands across the gap, or where much is empty."""
    across = set(map(id, gutter.across))
    band: list[Segment] = []
    bottom = 0.0
    for segment in sorted(segments, key=lambda each: (each.y, each.left)):
        is_other = bool(band) and (id(segment) in across) != (id(band[-1]) in across)
        if band and (is_other or segment.y - bottom > _HOLE * segment.size):
            yield band
            band = []
        band.append(segment)
        bottom = max(bottom, segment.y)
    yield band


def _joined(bands: Iterable[list[Segment]], edge: float) -> list[_Band]:
    """Return the bands; neighbours that are columns of the same gap as one, since a column is read to its end."""
    found: list[_Band] = []
    for segments in bands:
        sides = _split(segments, edge)
        above = found[-1] if found else None
        are_columns = not sides.across and _belongs_to_columns(sides, is_below=above is not None and above.are_columns)
        if above is not None and above.are_columns == are_columns:
            sides = _split([*above.segments, *segments], edge)
            found.pop()
        everything = [*sides.left, *sides.right, *sides.across]
        found.append(_Band(segments=everything, left=sides.left, right=sides.right, are_columns=are_columns))
    return found


def _belongs_to_columns(sides: _Gutter, *, is_below: bool) -> bool:
    """Return whether a band continues columns: it is columns itself, or the rest of one of the columns above."""
    if sides.left and sides.right:
        return _are_columns(sides)
    return is_below and _is_prose(sides.left or sides.right)
