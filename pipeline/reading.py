"""Read the passages around a hit, or a document from a given passage on."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from ..core.errors import NotFound
from ..core.values import Passage
from ..search.named_documents import find_document, find_passage
from ..search.relative_paths import NO_FOLDERS, NO_NAMES, RelativePaths, ShortNames, short_names
from ..store.collection import Collection

LINES_READ = 200  # passages whose lines are looked at together


@dataclass(frozen=True, slots=True)
class Extract:
    """Consecutive passages of one document."""

    passages: tuple[Passage, ...]
    total: int
    """How many passages the document has."""
    focus: int = 0
    """The number of the passage that matters most if not all fit into a reply: the hit, or the first."""
    names: ShortNames = NO_NAMES
    """How the document is shown to a reader."""


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
    collection: Collection, document_id: str, *, start: int, limit: int, paths: RelativePaths = NO_FOLDERS
) -> Extract:
    """Return at most `limit` passages of a document, from number `start` on; of a citation, from its first line on.

    Raises:
        InvalidInput: `document_id` may be that of several documents.
        NotFound: There is no such document, or it has no passage numbered `start`.
    """
    named = await find_document(collection, paths, document_id)
    points = await collection.points_in(named.id)
    if named.line and not start:
        start = await _passage_at(collection, points, named.line)
    extract = await _read(collection, points, start, start + limit, paths=paths)
    if not extract.passages:
        last = extract.total - 1
        raise NotFound(f"{document_id!r} has no passage {start}: they are numbered 0 to {last}. Choose a lower start.")
    return extract


async def _passage_at(collection: Collection, points: Sequence[UUID], line: int) -> int:
    """Return the number of the passage of a document that holds a line, or else the last one before it."""
    place = 0
    for start in range(0, len(points), LINES_READ):
        found = await collection.fetch(points[start : start + LINES_READ])
        for number, point in enumerate(points[start : start + LINES_READ], start):
            if point in found and found[point].start_line > line:
                return place
            place = number
    return place


async def _read(
    collection: Collection, points: Sequence[UUID], start: int, stop: int, *, paths: RelativePaths
) -> Extract:
    found = await collection.fetch(points[start:stop])
    numbered = enumerate(points[start:stop], start)
    passages = tuple(replace(found[key], ordinal=place) for place, key in numbered if key in found)
    return Extract(passages, len(points), focus=start, names=await short_names(collection, paths, passages[:1]))
