"""Segments: pieces of a line of text with their place on the page, and the rows that they stand in."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from statistics import median

BULLETS = "•●○◦▪■\u2013—-*·➢✓→"

WORD_GAP = 0.15
"""Of the font size: a wider gap between two segments of a row is a blank."""

CELL_GAP = 0.9
"""Of the font size: a wider gap may be that between two columns. Justified text seldom has wider ones."""

_LEADER = re.compile(r"\s*(?:[.·…_]\s?){5,}\s*")
"""Dots between a title and its page in a table of contents, or a line to write on."""

_SAME_ROW = 0.35  # of the font size: how far apart the baselines of one row are; index numbers stand half as far


@dataclass(frozen=True, slots=True)
class Segment:
    """A run of text without wide gaps. Lengths are in points; y is that of the baseline and grows downwards."""

    text: str
    left: float
    right: float
    y: float
    size: float
    """The size of the font."""
    is_bold: bool = False
    is_mono: bool = False
    """Whether all characters of the font have one width."""

    @property
    def top(self) -> float:
        """Return the upper edge of capital letters."""
        return self.y - 0.75 * self.size

    @property
    def is_label(self) -> bool:
        """Return whether it is a bullet or a number that stands before an item or a heading."""
        word = self.text.rstrip(".):")
        return len(self.text) <= 6 and (
            self.text in BULLETS or (word != self.text and len(word) <= 4) or _is_section_number(word)
        )


def _is_section_number(word: str) -> bool:
    return "." in word and word.replace(".", "").isdigit()


@dataclass(frozen=True, slots=True)
class Row:
    """Segments on one baseline, from left to right."""

    segments: tuple[Segment, ...]

    @property
    def text(self) -> str:
        """Return the text of the row, with a blank where there is a gap."""
        return joined(self.segments)

    @property
    def left(self) -> float:
        """Return the left edge."""
        return self.segments[0].left

    @property
    def right(self) -> float:
        """Return the right edge."""
        return max(segment.right for segment in self.segments)

    @property
    def main(self) -> Segment:
        """Return the longest segment, whose baseline and font are those of the row."""
        return max(self.segments, key=lambda segment: len(segment.text))

    @property
    def y(self) -> float:
        """Return the baseline."""
        return self.main.y

    @property
    def size(self) -> float:
        """Return the size of the font."""
        return self.main.size

    @property
    def is_bold(self) -> bool:
        """Return whether all of it is bold, apart from numbers and bullets."""
        return all(segment.is_bold for segment in self.segments if not segment.is_label)

    @property
    def is_mono(self) -> bool:
        """Return whether all of it is in a font with one width."""
        return all(segment.is_mono for segment in self.segments)


def rows_of(segments: Iterable[Segment]) -> list[Row]:
    """Return the rows of some segments from top to bottom, each without gaps that are none between columns."""
    rows: list[list[Segment]] = []
    for segment in sorted(segments, key=lambda each: (each.y, each.left)):
        last = rows[-1] if rows else None
        if last and _share_a_row(last[0], segment):
            last.append(segment)
        else:
            rows.append([segment])
    return [Row(merged(row)) for row in _with_marks(rows)]


def _share_a_row(first: Segment, other: Segment) -> bool:
    return abs(other.y - first.y) <= _SAME_ROW * min(first.size, other.size)


def _with_marks(rows: Sequence[list[Segment]]) -> list[list[Segment]]:
    """Return the rows with index numbers, which stand a little above or below their line, in that line."""
    kept: list[list[Segment]] = []
    for row in rows:
        above = kept[-1] if kept else None
        if above and _is_beside(row, above):
            above += row
        elif above and _is_beside(above, row):
            kept[-1] = [*above, *row]
        else:
            kept.append(row)
    return kept


def _is_beside(marks: Sequence[Segment], line: Sequence[Segment]) -> bool:
    """Return whether all of some segments are short, in a smaller font, and touch a line."""
    size = max(segment.size for segment in line)
    return all(
        len(mark.text) <= 8
        and mark.size < 0.85 * size
        and abs(mark.y - line[0].y) < 0.6 * size
        and any(-0.5 * size <= max(mark.left - each.right, each.left - mark.right) <= 0.6 * size for each in line)
        for mark in marks
    )


def merged(segments: Iterable[Segment]) -> tuple[Segment, ...]:
    """Return segments of one row from left to right, those joined between which there is no gap of columns."""
    found: list[Segment] = []
    for segment in sorted(segments, key=lambda each: each.left):
        last = found[-1] if found else None
        if last is None:
            found.append(segment)
            continue
        gap, size = segment.left - last.right, max(last.size, segment.size)
        is_number = last.text.isdigit() and len(last.text) <= 2 and segment.text[:1].isalpha() and gap <= 2.5 * size
        if gap <= CELL_GAP * size or (last.is_label and gap <= 4 * size) or is_number:
            longer = max(last, segment, key=lambda each: len(each.text))
            found[-1] = replace(
                longer, text=joined((last, segment)), left=last.left, right=max(last.right, segment.right)
            )
        else:
            found.append(segment)
    return tuple(found)


def joined(segments: Sequence[Segment]) -> str:
    """Return the text of segments of one row, with a blank where there is a gap."""
    pieces: list[str] = []
    for index, segment in enumerate(segments):
        if index and segment.left - segments[index - 1].right > WORD_GAP * segment.size:
            pieces.append(" ")
        pieces.append(segment.text)
    return _LEADER.sub(" ... ", " ".join("".join(pieces).split()))


def leading_of(rows: Sequence[Row]) -> float:
    """Return the usual distance between the baselines of rows; 0 for fewer than two."""
    distances = [below.y - above.y for above, below in pairwise(rows) if below.y > above.y]
    return median(distances) if distances else 0.0
