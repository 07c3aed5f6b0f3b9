"""Reading beyond a hit: the passages around it, or a document from any of its passages on."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from ..core.errors import NotFound
from ..core.values import Passage
from ..store.collection import Collection


@dataclass(frozen=True, slots=True)
class Extract:
    """Passages of one document in their order; `passages_in_all` is how many the document has."""

    passages: tuple[Passage, ...]
    passages_in_all: int
    middle: int = 0
    """The number of the passage that matters most, where not all fit: the hit, or the first."""


async def read_around(collection: Collection, passage_id: str, *, around: int) -> Extract:
    """Return a passage with `around` passages on each side.

    Raises:
        InvalidInput: When the id is none of a passage.
        NotFound: When there is no such passage.
    """
    point = collection.point_of(passage_id)
    found = await collection.fetch([point])
    points = await collection.points_in(found[point].document_id) if point in found else []
    if point not in points:
        raise NotFound(f"No passage {passage_id!r} in collection {collection.name!r}. Take a passage_id from a hit.")
    middle = points.index(point)
    extract = await _read(collection, points, max(0, middle - around), middle + around + 1)
    return replace(extract, middle=middle)


async def read_from(collection: Collection, document_id: str, *, start: int, most: int) -> Extract:
    """Return at most `most` passages of a document, from number `start` on.

    Raises:
        NotFound: When there is no such document, or it ends before `start`.
    """
    points = await collection.points_in(document_id)
    if not points:
        raise NotFound(
            f"No document {document_id!r} in collection {collection.name!r}. Take a document_id from a hit, or search."
        )
    extract = await _read(collection, points, start, start + most)
    if not extract.passages:
        raise NotFound(f"{document_id!r} has {extract.passages_in_all} passages, none numbered {start}.")
    return extract


async def _read(collection: Collection, points: Sequence[UUID], start: int, stop: int) -> Extract:
    found = await collection.fetch(points[start:stop])
    numbered = enumerate(points[start:stop], start)
    passages = tuple(replace(found[key], ordinal=place) for place, key in numbered if key in found)
    return Extract(passages, len(points), middle=start)
