"""Points and queries as qdrant-edge takes them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .payload import payload_of
from .queries import engine_vector, search_params
from .storage import Storage
from .store import Leg, Point
from .vectors import is_empty

if TYPE_CHECKING:
    from qdrant_edge import Filter, Prefetch, Query, QueryRequest
    from qdrant_edge import Point as EdgePoint


def to_point(point: Point, collection: str) -> EdgePoint:
    """Return the engine's form of a point."""
    import qdrant_edge as engine

    vectors = {name: engine_vector(engine, vector) for name, vector in point.vectors.items() if not is_empty(vector)}
    return engine.Point(point.passage.point_id(collection), vectors, payload_of(point))


def to_query(leg: Leg, condition: Filter | None, storage: Storage) -> QueryRequest:
    """Return a leg as a query without payload."""
    import qdrant_edge as engine

    return engine.QueryRequest(
        limit=leg.limit,
        query=_nearest(leg),
        prefetches=[_prefetch(each, condition, storage) for each in leg.among],
        filter=condition,
        with_payload=False,
        params=search_params(engine, leg, storage),
    )


def _prefetch(leg: Leg, condition: Filter | None, storage: Storage) -> Prefetch:
    import qdrant_edge as engine

    params = search_params(engine, leg, storage)
    return engine.Prefetch(leg.limit, _nearest(leg), filter=condition, params=params)


def _nearest(leg: Leg) -> Query:
    import qdrant_edge as engine

    return engine.Query.Nearest(engine_vector(engine, leg.query), using=leg.vector)
