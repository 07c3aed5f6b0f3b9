"""Points and queries as qdrant-edge takes them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from .payload import payload_of
from .store import Leg, Point, Vector

if TYPE_CHECKING:
    from qdrant_edge import Filter, QueryRequest
    from qdrant_edge import Point as EdgePoint


def to_point(point: Point, collection: str) -> EdgePoint:
    """Return the engine's form of a point."""
    from qdrant_edge import Point as EdgePoint
    from qdrant_edge import SparseVector

    vectors: dict[str, Any] = {"dense": point.dense.tolist()}
    if point.title is not None:
        vectors["title"] = point.title.tolist()
    if point.bm25.indices:
        vectors["bm25"] = SparseVector(list(point.bm25.indices), list(point.bm25.values))
    return EdgePoint(point.passage.point_id(collection), vectors, payload_of(point))


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
