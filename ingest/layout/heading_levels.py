"""Headings: which paragraphs are headings, and of which level, from the outline or else from the fonts."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from .prose import Paragraph
from .segments import BULLETS

_MAX_CHARS = 150

_LARGER = 1.12  # times the size of the text

_SECTION_NUMBER = re.compile(r"(?:\d{1,2}|[A-Z])(?:\.\d{1,2})*(?=\.?\s+\S)")

_NUMBERED = re.compile(r"\d{1,2}(?:\.\d{1,2})*\.?\s+[^\W\d_a-z][^.!?;]{2,60}$")
"""The heading of a numbered section, which nothing but its number tells from text."""

_NUMBERING = re.compile(r"^(?:chapter|appendix|section|part)?(?:\d+|[ivx]+(?=[^\W\d_]{3}))?")


@dataclass(frozen=True, slots=True)
class OutlineEntry:
    """An entry of a document's own table of contents. Levels and pages count from 1."""

    title: str
    level: int
    page: int


def levels_of(paragraphs: Sequence[Paragraph], outline: Sequence[OutlineEntry]) -> Mapping[int, int]:
    """Return the level, from 1, of each paragraph that is a heading, by its index."""
    if not paragraphs:
        return {}
    found = _by_outline(paragraphs, outline)
    if len(found) >= 2 and len(found) * 2 >= len(outline):
        return _dense(_with_title(found, paragraphs))
    return _dense(_by_fonts(paragraphs))


def _by_outline(paragraphs: Sequence[Paragraph], outline: Sequence[OutlineEntry]) -> dict[int, int]:
    """Return the level of each paragraph that an entry of the outline names, on its page."""
    places: dict[tuple[int, str], list[int]] = {}
    for index, paragraph in enumerate(paragraphs):
        if len(paragraph.text) <= _MAX_CHARS * 2:
            places.setdefault((paragraph.page, _plain(paragraph.text)), []).append(index)
    found: dict[int, int] = {}
    for entry in outline:
        wanted = _plain(entry.title)
        near = (places.get((page, wanted), []) for page in (entry.page, entry.page + 1))
        index = next((each for indexes in near for each in indexes if each not in found), None)
        if wanted and index is not None:
            found[index] = entry.level + 1  # level 1 is the title of the whole
    return found


def _plain(text: str) -> str:
    """Return the letters and digits of a heading in lower case, without its number."""
    kept = "".join(filter(str.isalnum, text.casefold()))
    return _NUMBERING.sub("", kept) or kept


def _with_title(found: Mapping[int, int], paragraphs: Sequence[Paragraph]) -> dict[int, int]:
    """Return the levels with that of the title, if the first page has one before the first heading."""
    index = title_index(paragraphs)
    first = min(found)
    return {index: 1, **found} if index is not None and index < first else dict(found)


def title_index(paragraphs: Sequence[Paragraph]) -> int | None:
    """Return which paragraph of the first page is the title: the longest of those in the largest fonts."""
    body = _body_size(paragraphs)
    large = [
        index
        for index, each in enumerate(paragraphs)
        if each.page == paragraphs[0].page
        and each.size > 1.2 * body
        and len(each.text) <= 2 * _MAX_CHARS
        and _has_words(each.text)
    ]
    largest = max((paragraphs[index].size for index in large), default=0.0)
    # The name of a journal may be as large as the title, and shorter.
    titles = [index for index in large if paragraphs[index].size >= 0.85 * largest]
    return max(titles, key=lambda index: len(paragraphs[index].text), default=None)


def _by_fonts(paragraphs: Sequence[Paragraph]) -> dict[int, int]:
    body = _body_size(paragraphs)
    ranks = {index: _rank(paragraph, body) for index, paragraph in enumerate(paragraphs)}
    large = {index: rank for index, rank in ranks.items() if rank > 1}
    same_size = {index: rank for index, rank in ranks.items() if 0 < rank <= 1 and _heads_text(paragraphs, index)}
    if sum(rank == 0.8 for rank in same_size.values()) < 2:
        same_size = {index: rank for index, rank in same_size.items() if rank != 0.8}
    if len(same_size) * 2.5 > len(paragraphs):  # a form or a list of terms, rather than headings
        same_size = {}
    found = {**large, **same_size}
    order = {rank: level for level, rank in enumerate(sorted(set(found.values()), reverse=True))}
    depths = {index: _depth(paragraphs[index].text) for index in found}
    least = {rank: min((depths[at] for at in found if found[at] == rank and depths[at]), default=1) for rank in order}
    return {index: 1 + 10 * order[rank] + max(depths[index] - least[rank], 0) for index, rank in sorted(found.items())}


def _rank(paragraph: Paragraph, body: float) -> float:
    """Return the size of a heading's font relative to the text's, rounded; below 1 for bold and capitals; else 0."""
    text = paragraph.text
    if paragraph.is_mono or paragraph.rows > 3 or len(text) > _MAX_CHARS or not _has_words(text) or text[0] in BULLETS:
        return 0.0
    relative = round(paragraph.size / body * 10) / 10
    if paragraph.size >= _LARGER * body and not text.endswith((",", ";")):
        return max(relative, 1.1)
    if relative < 0.9 or text.endswith((".", ",", ";")) or paragraph.rows > 2:
        return 0.0
    if paragraph.is_bold:
        return 1.0
    if paragraph.rows == 1 and _NUMBERED.match(text):
        return 0.8
    letters = [letter for letter in text if letter.isalpha()]
    return 0.9 if len(letters) >= 4 and len(text) <= 60 and "".join(letters).isupper() else 0.0


def _heads_text(paragraphs: Sequence[Paragraph], index: int) -> bool:
    """Return whether text in another font follows, as it does below a heading."""
    below = paragraphs[index + 1] if index + 1 < len(paragraphs) else None
    if below is None:
        return False
    if paragraphs[index].is_bold:
        return not below.is_bold or below.size < paragraphs[index].size
    return below.rows > 1 and not _NUMBERED.match(below.text)


def _has_words(text: str) -> bool:
    return sum(map(str.isalpha, text)) >= max(2, len(text) * 0.4)


def _depth(text: str) -> int:
    """Return how many numbers the number of a section has: 2 for "2.1 Method"; 0 without one."""
    number = _SECTION_NUMBER.match(text)
    return number[0].count(".") + 1 if number else 0


def _body_size(paragraphs: Sequence[Paragraph]) -> float:
    """Return the size of the font in which most characters stand."""
    counts: Counter[float] = Counter()
    for paragraph in paragraphs:
        counts[round(paragraph.size * 2) / 2] += len(paragraph.text)
    return max(counts.most_common(1)[0][0], 1.0) if counts else 1.0


def _dense(levels: Mapping[int, int]) -> dict[int, int]:
    """Return levels without gaps between them."""
    order = {level: rank for rank, level in enumerate(sorted(set(levels.values())), start=1)}
    return {index: order[level] for index, level in levels.items()}
