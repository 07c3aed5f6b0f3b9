"""Passages as qdrant-edge points, and back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from ..core.values import Passage
from .edge_filter import FLAGS, flags_of
from .store import Entry, Leg, Point, Vector

if TYPE_CHECKING:
    from qdrant_edge import Filter, QueryRequest
    from qdrant_edge import Point as EdgePoint

ENTRY_KEYS = ["document_id", "digest", "passages", "source"]


def to_point(point: Point, collection: str) -> EdgePoint:
    """Return the engine's form of a point."""
    from qdrant_edge import Point as EdgePoint
    from qdrant_edge import SparseVector

    vectors: dict[str, Any] = {"dense": point.dense.tolist()}
    if point.title is not None:
        vectors["title"] = point.title.tolist()
    if point.bm25.indices:
        vectors["bm25"] = SparseVector(list(point.bm25.indices), list(point.bm25.values))
    return EdgePoint(point.passage.point_id(collection), vectors, _payload(point))


def _payload(point: Point) -> dict[str, Any]:
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


def to_entry(payload: Mapping[str, Any]) -> Entry:
    """Return what the first passage's payload says of its document."""
    return Entry(digest=payload["digest"], passages=payload["passages"], source=payload["source"])


def to_query(leg: Leg, condition: Filter | None) -> QueryRequest:
    """Return a leg as a query without payload."""
    from qdrant_edge import Query, QueryRequest

    return QueryRequest(
        limit=leg.limit, query=Query.Nearest(_query_vector(leg), using=leg.vector), filter=condition, with_payload=False
    )


def _query_vector(leg: Leg) -> Any:
    from qdrant_edge import SparseVector

    if isinstance(leg.query, np.ndarray):
        vector: Vector = leg.query
        return vector.tolist()
    return SparseVector(list(leg.query.indices), list(leg.query.values))
