"""Points in groups that one call of an engine takes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from ..core.errors import InvalidInput
from ..core.values import Passage
from ..core.vectors import AnyVector, Multi, Sparse
from .conditions import FLAGS, flags_of
from .filters import DIGEST, FIRST_PASSAGES, All, AnyOf, Condition, Not
from .protocols import Entry, Point


def payload_of(point: Point) -> dict[str, Any]:
    """Return what is stored beside a point's vectors."""
    passage = point.passage
    return {
        "document_id": passage.document_id,
        "ordinal": passage.ordinal,
        "title": passage.title,
        "heading": passage.heading,
        "text": passage.text,
        "source": passage.source,
        "start_line": passage.start_line,
        "end_line": passage.end_line,
        "metadata": dict(passage.metadata),
        FLAGS: flags_of(passage.metadata),
        "digest": point.digest,
        "passages": point.passages,
    }


def to_passage(payload: Mapping[str, Any]) -> Passage:
    """Return the passage in a payload."""
    return Passage(
        document_id=payload["document_id"],
        ordinal=payload["ordinal"],
        title=payload["title"],
        heading=payload["heading"],
        text=payload["text"],
        source=payload["source"],
        start_line=payload["start_line"],
        end_line=payload["end_line"],
        metadata=payload["metadata"],
    )


def from_payload(payload: Mapping[str, Any], vectors: Mapping[str, AnyVector]) -> Point:
    """Return the point that was stored."""
    return Point(to_passage(payload), payload["digest"], passages=payload["passages"], vectors=vectors)


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


ENTRY_KEYS = ["document_id", "digest", "passages", "source"]


def to_entry(payload: Mapping[str, Any]) -> Entry:
    """Return what the first passage's payload says of its document."""
    return Entry(digest=payload["digest"], passages=payload["passages"], source=payload["source"])


def marks_of(points: Sequence[Point]) -> Condition:
    """Return the condition for the stored first passages of these points' documents, whichever version they are."""
    return All((_documents_of(points), FIRST_PASSAGES))


def older_than(points: Sequence[Point]) -> Condition:
    """Return the condition for passages of other versions of these documents; first ones are overwritten anyway."""
    digests = tuple({point.digest for point in points})
    return All((_documents_of(points), Not(AnyOf(DIGEST, digests)), Not(FIRST_PASSAGES)))


def _documents_of(points: Sequence[Point]) -> Condition:
    return AnyOf("document_id", tuple({point.passage.document_id for point in points}))


MOST_POINTS = 256  # of one call: the embedded engine holds the GIL for about 20 ms, and a request stays small

MOST_COMPONENTS = 500_000  # of one call: at most 12 MB of JSON, where a server takes 32


def batches(points: Sequence[Point]) -> list[Sequence[Point]]:
    """Return the points in groups that fit into a request."""
    widest = max((sum(map(_components, point.vectors.values())) for point in points), default=1)
    size = max(1, min(MOST_POINTS, MOST_COMPONENTS // max(1, widest)))
    return [points[start : start + size] for start in range(0, len(points), size)]


def _components(vector: AnyVector) -> int:
    if isinstance(vector, Sparse):
        return len(vector.indices)
    return vector.rows.size if isinstance(vector, Multi) else vector.size
