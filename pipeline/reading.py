"""Read the passages around a hit, or a document from a given passage on."""

import re
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Self
from uuid import UUID

from ..core.citations import Citation
from ..core.errors import InvalidInput, NotFound
from ..core.values import Passage
from ..search.named_documents import find_document, find_passage
from ..search.relative_paths import NO_FOLDERS, NO_NAMES, RelativePaths, ShortNames, short_names
from ..store.collection import Collection

PASSAGES_READ = 200  # looked at together for their pages or lines

NO_END = 10**9  # of a range of pages

_RANGE = re.compile(r"(?:p\.?\s?)?(?P<first>\d{1,9})(?:\s?[-\u2013]\s?(?P<last>\d{0,9}))?", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Extract:
    """Consecutive passages of one document."""

    passages: tuple[Passage, ...]
    total: int
    """How many passages the document has."""
    focus: int = 0
    """The number of the passage that matters most if not all fit into a reply: the hit, or the first."""
    stop: int = 0
    """The number after the last passage that was asked for: where the document or the chosen pages end."""
    names: ShortNames = NO_NAMES
    """How the document is shown to a reader."""

    @property
    def text(self) -> str:
        """Return the passages as one text, in which nothing that neighbours share is repeated."""
        parts = [passage.text for passage in self.passages[:1]]
        for before, passage in pairwise(self.passages):
            parts += [_joint(before, passage), passage.own_text]
        return "".join(parts)


def _joint(before: Passage, after: Passage) -> str:
    """Return what separates two neighbours; what is new in one that repeats something begins with the separator."""
    if after.repeated:
        return ""
    if before.end_line and 0 <= after.start_line - before.end_line < 2:
        return "\n" if after.start_line > before.end_line else " "
    return "\n\n"


async def read_around(
    collection: Collection, passage_id: str, *, around: int, paths: RelativePaths = NO_FOLDERS
) -> Extract:
    """Return a passage with `around` passages on each side.

    Raises:
        InvalidInput: `passage_id` is not a passage id, or may be that of several passages.
        NotFound: There is no such passage.
    """
    point = collection.point_of(await find_passage(collection, paths, passage_id))
    found = await collection.fetch([point])
    points = await collection.points_in(found[point].document_id) if point in found else []
    if point not in points:
        raise NotFound(f"No passage {passage_id!r} in collection {collection.name!r}. Take a passage_id from a hit.")
    focus = points.index(point)
    extract = await _read(collection, points, max(0, focus - around), focus + around + 1, paths=paths)
    return replace(extract, focus=focus)


async def read_from(
    collection: Collection,
    document_id: str,
    *,
    start: int = 0,
    limit: int,
    pages: str = "",
    paths: RelativePaths = NO_FOLDERS,
) -> Extract:
    """Return at most `limit` passages of a document, from number `start` on; of a citation, from its place on.

    `pages` limits them to some pages, or to some lines of a document without pages, as in "12-14".

    Raises:
        InvalidInput: `document_id` may be that of several documents, or `pages` cannot be read.
        NotFound: There is no such document, or it has no passage numbered `start` or no such pages.
    """
    wanted = PageRange.parse(pages) if pages else None
    named = await find_document(collection, paths, document_id)
    points = await collection.points_in(named.id)
    first, stop = 0, len(points)
    if wanted is not None:
        first, stop = await _numbers_within(collection, points, wanted, document_id)
        start = max(start, first)
    elif named.citation.first and not start:
        start = await _number_of(collection, points, named.citation)
    extract = await _read(collection, points, start, min(start + limit, stop), paths=paths)
    if not extract.passages:
        where = f" in `pages` {pages!r}: those in them" if pages else ": they"
        numbers = f"{first} to {stop - 1}"
        raise NotFound(f"{document_id!r} has no passage {start}{where} are numbered {numbers}. Choose a lower start.")
    return replace(extract, stop=stop)


@dataclass(frozen=True, slots=True)
class PageRange:
    """The pages of a document to read, or its lines if it has no pages; both ends are included."""

    first: int
    last: int

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return the range in a text such as "12", "12-14", "p.12-14" or "12-", which has no end.

        Raises:
            InvalidInput: The text is something else.
        """
        found = _RANGE.fullmatch(text.strip())
        if found:
            first, end = int(found["first"]), found["last"]
            last = first if end is None else int(end or NO_END)
            if 1 <= first <= last:
                return cls(first, last)
        raise InvalidInput(f"{text!r} is not a range of pages or lines. Write it as '12' or '12-14', from 1 on.")

    def named(self, unit: str) -> str:
        """Return the range in words, such as "page 12", "lines 12 to 14" or "line 12 or later"."""
        if self.first == self.last:
            return f"{unit} {self.first}"
        return f"{unit} {self.first} or later" if self.last == NO_END else f"{unit}s {self.first} to {self.last}"


async def _numbers_within(
    collection: Collection, points: Sequence[UUID], wanted: PageRange, name: str
) -> tuple[int, int]:
    """Return the numbers of the first passage on the wanted pages or lines, and of the first one after them."""
    inside: list[int] = []
    unit, most, following = "line", 0, 0
    async for number, passage in _each(collection, points):
        unit = "page" if passage.page else "line"
        first, last = (passage.page, passage.end_page) if passage.page else (passage.start_line, passage.end_line)
        if first > wanted.last:
            following = first
            break
        most = max(most, last)
        if first and last >= wanted.first:
            inside.append(number)
    if not inside:
        nearest = f"the next begins on {unit} {following}" if following else f"the last is on {unit} {most}"
        has = f"no text on {wanted.named(unit)}; {nearest}" if following or most else "neither pages nor lines"
        raise NotFound(f"{name!r} has {has}. Choose others, or read it from its start.")
    return inside[0], inside[-1] + 1


async def _number_of(collection: Collection, points: Sequence[UUID], citation: Citation) -> int:
    """Return the number of the first passage on a page, or of the first that begins on a line, or the last before it.

    A long line, such as a record, makes up several passages, and a citation of it means the first one.
    """
    place = 0
    async for number, passage in _each(collection, points):
        if citation.is_page and passage.end_page >= citation.first:
            return number
        if not citation.is_page and passage.start_line >= citation.first:
            return number if passage.start_line == citation.first else place
        place = number
    return place


async def _each(collection: Collection, points: Sequence[UUID]) -> AsyncIterator[tuple[int, Passage]]:
    for start in range(0, len(points), PASSAGES_READ):
        batch = points[start : start + PASSAGES_READ]
        found = await collection.fetch(batch)
        for number, point in enumerate(batch, start):
            if point in found:
                yield number, found[point]


async def _read(
    collection: Collection, points: Sequence[UUID], start: int, stop: int, *, paths: RelativePaths
) -> Extract:
    found = await collection.fetch(points[start:stop]) if start < stop else {}
    numbered = enumerate(points[start:stop], start)
    passages = tuple(replace(found[key], ordinal=place) for place, key in numbered if key in found)
    names = await short_names(collection, paths, passages[:1])
    return Extract(passages, len(points), focus=start, stop=len(points), names=names)
