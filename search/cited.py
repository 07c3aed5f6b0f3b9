"""Passages by the ids they are cited by, in collections that Resift made."""

from collections.abc import Mapping
from uuid import UUID

from ..core.errors import InvalidInput
from ..core.values import Passage
from .store import Entry


def point_of(collection: str, passage_id: str) -> UUID:
    """Return the point of a passage.

    Raises:
        InvalidInput: When the id is not of the form `<document id>#<number>`.
    """
    document_id, _, ordinal = passage_id.rpartition("#")
    if not document_id or not ordinal.isdecimal():
        raise InvalidInput(f"{passage_id!r} is no passage id; they look like 'docs/setup.md#3'. Take one from a hit.")
    return Passage(document_id, int(ordinal), "").point_id(collection)


def points_in(collection: str, entries: Mapping[str, Entry], document_id: str) -> list[UUID]:
    """Return the points of a document's passages in their order; none where it is not held."""
    total = entries[document_id].passages if document_id in entries else 0
    return [Passage(document_id, ordinal, "").point_id(collection) for ordinal in range(total)]
