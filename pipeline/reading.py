"""Reading beyond a hit: the passages around it, or a document from any of its passages on."""

from dataclasses import dataclass, replace

from ..core.errors import NotFound
from ..core.values import Passage
from ..search.examples import parse_passage_id
from ..search.store import Collection


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
        InvalidInput: When the id is not of the form `<document id>#<number>`.
        NotFound: When there is no such document or passage.
    """
    asked = parse_passage_id(passage_id)
    document_id, middle = asked.document_id, asked.ordinal
    extract = await _read(collection, document_id, max(0, middle - around), middle + around + 1)
    if all(passage.ordinal != middle for passage in extract.passages):
        raise NotFound(f"{document_id!r} has {extract.passages_in_all} passages, none numbered {middle}.")
    return replace(extract, middle=middle)


async def read_from(collection: Collection, document_id: str, *, start: int, most: int) -> Extract:
    """Return at most `most` passages of a document, from number `start` on.

    Raises:
        NotFound: When there is no such document, or it ends before `start`.
    """
    extract = await _read(collection, document_id, start, start + most)
    if not extract.passages:
        raise NotFound(f"{document_id!r} has {extract.passages_in_all} passages, none numbered {start}.")
    return extract


async def _read(collection: Collection, document_id: str, start: int, stop: int) -> Extract:
    entries = await collection.entries([document_id])
    if document_id not in entries:
        raise NotFound(
            f"No document {document_id!r} in collection {collection.name!r}. Take a document_id from a hit, or search."
        )
    total = entries[document_id].passages
    ids = [Passage(document_id, place, "").point_id(collection.name) for place in range(start, min(stop, total))]
    found = await collection.fetch(ids)
    return Extract(tuple(found[key] for key in ids if key in found), total, middle=start)
