"""Read the passages around a hit, or a document from a given passage on."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from ..core.errors import NotFound
from ..core.values import Passage
from ..store.collection import Collection


@dataclass(frozen=True, slots=True)
class Extract:
    """Consecutive passages of one document."""

    passages: tuple[Passage, ...]
    total: int
    """How many passages the document has."""
    focus: int = 0
    """The number of the passage that matters most if not all fit into a reply: the hit, or the first."""


async def read_around(collection: Collection, passage_id: str, *, around: int) -> Extract:
    """Return a passage with `around` passages on each side.

    Raises:
        InvalidInput: `passage_id` is not a passage id.
        NotFound: There is no such passage.
    """
    point = collection.point_of(passage_id)
    found = await collection.fetch([point])
    points = await collection.points_in(found[point].document_id) if point in found else []
    if point not in points:
        raise NotFound(f"No passage {passage_id!r} in collection {collection.name!r}. Take a passage_id from a hit.")
    focus = points.index(point)
    extract = await _read(collection, points, max(0, focus - around), focus + around + 1)
    return replace(extract, focus=focus)


async def read_from(collection: Collection, document_id: str, *, start: int, limit: int) -> Extract:
    """Return at most `limit` passages of a document, from number `start` on.

    Raises:
        NotFound: There is no such document, or it has no passage numbered `start`.
    """
    points = await collection.points_in(document_id)
    if not points:
        raise NotFound(
            f"No document {document_id!r} in collection {collection.name!r}. Take a document_id from a hit, or search."
        )
    extract = await _read(collection, points, start, start + limit)
    if not extract.passages:
        last = extract.total - 1
        raise NotFound(f"{document_id!r} has no passage {start}: they are numbered 0 to {last}. Choose a lower start.")
    return extract


async def _read(collection: Collection, points: Sequence[UUID], start: int, stop: int) -> Extract:
    found = await collection.fetch(points[start:stop])
    numbered = enumerate(points[start:stop], start)
    passages = tuple(replace(found[key], ordinal=place) for place, key in numbered if key in found)
    return Extract(passages, len(points), focus=start)
