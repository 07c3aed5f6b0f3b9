"""Prose: rows of text joined into paragraphs, and words that a line end divides joined again."""

import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from .segments import Row, leading_of

SOFT_HYPHEN = "\u00ad"
"""Stands for a hyphen at the end of a line of which a program says that it only divides a word."""

_ITEM = re.compile(r"(?:[•●○◦▪■–—*·➢✓→-]|\(?(?:\d{1,2}|[a-zA-Z]|[ivx]{1,4})[.)])\s+\S")  # noqa: RUF001

_BULLET = re.compile(r"[•●○◦▪■➢✓→]\s*\S")

_END = re.compile(r"[.!?:;…。！？][\"'”’»)\]]*$")  # noqa: RUF001

_DIVIDED = re.compile(r"([^\W\d_]{2,})[-\u2010\u00ad]$")

_WORD = re.compile(r"[^\W\d_]+(?:-[^\W\d_]+)*")

_COMPOUNDS = frozenset({"cross", "ex", "half", "high", "long", "low", "non", "self", "semi", "short", "well"})

_WIDE_SCRIPT = re.compile(r"[\u2e80-\u9fff\uf900-\ufaff\uff00-\uffef]")


@dataclass(frozen=True, slots=True)
class Paragraph:
    """Rows that belong together, as one text; of a listing, the text has a line for each row."""

    text: str
    page: int
    size: float
    rows: int
    is_bold: bool = False
    is_mono: bool = False
    top: float = 0.0
    """The baseline of the first row."""

    @property
    def is_open(self) -> bool:
        """Return whether its last sentence goes on after it, as far as punctuation tells."""
        return not self.is_mono and not self.is_bold and _END.search(self.text) is None


def words_of(rows: Iterable[Row]) -> frozenset[str]:
    """Return all words of a document, in lower case, that no line end can have divided."""
    return frozenset(word.lower() for row in rows for word in _WORD.findall(row.text)[:-1])


def paragraphs_of(rows: Sequence[Row], page: int, words: Collection[str]) -> Iterator[Paragraph]:
    """Yield the paragraphs of a region of text in a single column."""
    usual = _Usual.of(rows)
    group: list[Row] = []
    for row in rows:
        if group and usual.parts(group[-1], row, is_first=len(group) == 1):
            yield _paragraph(group, page, words)
            group = []
        group.append(row)
    if group:
        yield _paragraph(group, page, words)


@dataclass(frozen=True, slots=True)
class _Usual:
    """What is usual in a region: the edges of its rows and the distance between them."""

    left: float
    right: float
    leading: float

    @classmethod
    def of(cls, rows: Sequence[Row]) -> "_Usual":
        """Return what is usual in some rows."""
        left, _ = Counter(round(row.left) for row in rows).most_common(1)[0]
        rights = sorted(row.right for row in rows)
        # Not the last: a caption of the next column may be among the rows.
        return cls(left=left, right=rights[-1 - len(rows) // 12], leading=leading_of(rows))

    def parts(self, above: Row, row: Row, *, is_first: bool) -> bool:
        """Return whether a new paragraph begins with a row."""
        size = min(above.size, row.size)
        gap = row.y - above.y
        leading = min(self.leading, 1.8 * size) if self.leading else 1.3 * size
        if above.is_mono and row.is_mono and max(above.size, row.size) <= 1.1 * size:
            return not 0 <= gap <= 2.7 * leading  # a listing may have an empty line
        is_other_font = (
            max(above.size, row.size) > 1.1 * size or above.is_bold != row.is_bold or above.is_mono != row.is_mono
        )
        if is_other_font or gap > max(leading + 0.35 * size, 1.35 * size) or gap < 0:
            return True
        if " ... " in above.text and above.text[-1].isalnum() and len(above.text.rpartition(" ... ")[2]) <= 5:
            return True  # an entry of a table of contents
        return self._begins(above, row) or self._ends(above, row, is_first=is_first)

    def _begins(self, above: Row, row: Row) -> bool:
        """Return whether a row begins an item of a list, or is indented as the first of a paragraph is."""
        if _BULLET.match(row.text) or (_ITEM.match(row.text) and row.left <= above.left + 0.3 * row.size):
            return True
        is_indented = row.left > self.left + 0.8 * row.size and above.left <= self.left + 0.3 * row.size
        return is_indented and (_END.search(above.text) is not None or self._is_short(above, row))

    def _ends(self, above: Row, row: Row, *, is_first: bool) -> bool:
        """Return whether the row above ends its paragraph: it is short, or the row stands left of the lines before."""
        if row.left < above.left - 0.8 * row.size and not is_first:
            return True
        if not self._is_short(above, row):
            return False
        return _END.search(above.text) is not None or above.right < self.left + 0.6 * (self.right - self.left)

    def _is_short(self, above: Row, row: Row) -> bool:
        """Return whether the first word of a row would have fitted into the row above."""
        word = row.text.split(" ", 1)[0]
        width = (row.right - row.left) / max(len(row.text), 1) * (len(word) + 1)
        return above.right + 1.2 * width < self.right


def _paragraph(rows: Sequence[Row], page: int, words: Collection[str]) -> Paragraph:
    is_mono = all(row.is_mono for row in rows) and len(rows) > 1
    text = "\n".join(_listing(rows)) if is_mono else ""
    if not is_mono:
        for row in rows:
            text = joined_text(text, row.text, words) if text else row.text
    return Paragraph(
        text=text.replace(SOFT_HYPHEN, "-"),
        page=page,
        size=rows[0].size,
        rows=len(rows),
        is_bold=all(row.is_bold for row in rows),
        is_mono=is_mono,
        top=rows[0].y,
    )


def _listing(rows: Sequence[Row]) -> Iterator[str]:
    """Yield the rows of a listing with their indentation, and an empty line where one was left out."""
    left = min(row.left for row in rows)
    width = max((rows[0].right - rows[0].left) / max(len(rows[0].text), 1), 1.0)
    leading = leading_of(rows) or rows[0].size
    yield " " * round((rows[0].left - left) / width) + rows[0].text
    for above, row in pairwise(rows):
        if row.y - above.y > 1.6 * leading:
            yield ""
        yield " " * round((row.left - left) / width) + row.text


def joined_text(above: str, below: str, words: Collection[str]) -> str:
    """Return two lines as one text. A hyphen that only divides a word is left out, judged by the document's words."""
    divided = _DIVIDED.search(above)
    rest = _WORD.match(below)
    if divided and rest:
        first, second = divided[1].lower(), rest[0].lower()
        if first + second in words or (below[0].islower() and not _is_compound(first, second, words)):
            return above[:-1] + below
    if above.endswith(("-", SOFT_HYPHEN)) and below[:1].isalnum() and not above.endswith(" -"):
        return f"{above}{below}"
    if _WIDE_SCRIPT.match(above[-1:]) and _WIDE_SCRIPT.match(below[:1]):
        return f"{above}{below}"
    return f"{above} {below}"


def _is_compound(first: str, rest: str, words: Collection[str]) -> bool:
    """Return whether the hyphen between two parts of a word belongs to it."""
    return f"{first}-{rest}" in words or first in _COMPOUNDS


def continued(above: Paragraph, below: Paragraph) -> bool:
    """Return whether a paragraph goes on in the one that begins the next column or page."""
    is_same = abs(above.size - below.size) < 0.06 * above.size and not below.is_bold and not below.is_mono
    return above.is_open and is_same and (below.text[:1].islower() or _DIVIDED.search(above.text) is not None)


def extended(above: Paragraph, below: Paragraph, words: Collection[str]) -> Paragraph:
    """Return a paragraph with the one that continues it on the same page."""
    return replace(above, text=joined_text(above.text, below.text, words), rows=above.rows + below.rows)


def with_whole_word(above: Paragraph, below: Paragraph, words: Collection[str]) -> tuple[Paragraph, Paragraph]:
    """Return both halves of a paragraph that goes on on the next page. A divided word stands whole in the first."""
    word, _, rest = below.text.partition(" ")
    if not rest or not _DIVIDED.search(above.text):
        return above, below
    return replace(above, text=joined_text(above.text, word, words)), replace(below, text=rest)
