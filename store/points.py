"""Points as payloads, the conditions that find a document's points, and batches that fit into one request."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields
from typing import Any

from ..core.values import Passage
from ..core.vectors import AnyVector, Multi, Sparse
from .conditions import FLAGS, flags_of
from .filters import DIGEST, FIRST_PASSAGES, All, AnyOf, Condition, Not
from .protocols import Entry, FileState, Point


def payload_of(point: Point) -> dict[str, Any]:
    """Return the payload of a point: everything stored with it besides its vectors."""
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
        **({"page": passage.page, "end_page": passage.end_page} if passage.page else {}),
        **({"repeated": passage.repeated} if passage.repeated else {}),
        "metadata": dict(passage.metadata),
        FLAGS: flags_of(passage.metadata),
        "digest": point.digest,
        "passages": point.passages,
        **({"file": asdict(point.file)} if point.file and not passage.ordinal else {}),
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
        page=payload.get("page", 0),  # only formats with pages have it, and versions before 0.4 did not store it
        end_page=payload.get("end_page", 0),
        repeated=payload.get("repeated", 0),
        metadata=payload["metadata"],
    )


ENTRY_KEYS = ("document_id", "digest", "passages", "source", "file")
"""The payload keys that `to_entry` reads."""

_FILE_KEYS = tuple(each.name for each in fields(FileState))  # a later version may store more


def to_entry(payload: Mapping[str, Any]) -> Entry:
    """Return the entry of a document, from the payload of its first passage."""
    file = payload.get("file")
    return Entry(
        digest=payload["digest"],
        passages=payload["passages"],
        source=payload["source"],
        file=FileState(**{name: file[name] for name in _FILE_KEYS if name in file}) if file else None,
    )


def first_passages_of(points: Sequence[Point]) -> Condition:
    """Return the condition for the stored first passages, of any version, of these points' documents."""
    return All((_documents_of(points), FIRST_PASSAGES))


def older_than(points: Sequence[Point]) -> Condition:
    """Return the condition for passages of other versions of these documents, except first passages.

    First passages are overwritten: they have the same point id in every version.
    """
    digests = tuple({point.digest for point in points})
    return All((_documents_of(points), Not(AnyOf(DIGEST, digests)), Not(FIRST_PASSAGES)))


def _documents_of(points: Sequence[Point]) -> Condition:
    return AnyOf("document_id", tuple({point.passage.document_id for point in points}))


MAX_POINTS = 256  # per call: the embedded engine holds the GIL for about 20 ms, and a request stays small

BYTES_PER_COMPONENT = 8  # a dense one takes 4; a sparse one takes an index as well

MAX_COMPONENTS = 500_000  # per call: at most 12 MB of JSON, where a server accepts 32


def batches(points: Sequence[Point]) -> list[Sequence[Point]]:
    """Return the points in batches that fit into one request."""
    widest = max((sum(map(_components, point.vectors.values())) for point in points), default=1)
    size = max(1, min(MAX_POINTS, MAX_COMPONENTS // max(1, widest)))
    return [points[start : start + size] for start in range(0, len(points), size)]


def size_of(point: Point) -> int:
    """Return about how many bytes a point takes: its vectors, and its payload as JSON."""
    components = sum(map(_components, point.vectors.values()))
    return BYTES_PER_COMPONENT * components + len(json.dumps(payload_of(point), default=str))


def _components(vector: AnyVector) -> int:
    if isinstance(vector, Sparse):
        return len(vector.indices)
    return vector.rows.size if isinstance(vector, Multi) else vector.size
