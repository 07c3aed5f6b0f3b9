"""Points and queries as qdrant-edge takes them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .payload import payload_of
from .storage import Storage
from .store import Leg, Point
from .vectors import AnyVector, Multi, Sparse, is_empty

if TYPE_CHECKING:
    from qdrant_edge import Filter, Prefetch, Query, QueryRequest, SearchParams
    from qdrant_edge import Point as EdgePoint


def to_point(point: Point, collection: str) -> EdgePoint:
    """Return the engine's form of a point."""
    from qdrant_edge import Point as EdgePoint

    vectors = {name: to_engine(vector) for name, vector in point.vectors.items() if not is_empty(vector)}
    return EdgePoint(point.passage.point_id(collection), vectors, payload_of(point))


def to_query(leg: Leg, condition: Filter | None, storage: Storage) -> QueryRequest:
    """Return a leg as a query without payload."""
    from qdrant_edge import QueryRequest

    return QueryRequest(
        limit=leg.limit,
        query=_nearest(leg),
        prefetches=[_prefetch(each, condition, storage) for each in leg.among],
        filter=condition,
        with_payload=False,
        params=_params(leg, storage),
    )


def _prefetch(leg: Leg, condition: Filter | None, storage: Storage) -> Prefetch:
    from qdrant_edge import Prefetch

    return Prefetch(leg.limit, _nearest(leg), filter=condition, params=_params(leg, storage))


def _nearest(leg: Leg) -> Query:
    from qdrant_edge import Query

    return Query.Nearest(to_engine(leg.query), using=leg.vector)


def _params(leg: Leg, storage: Storage) -> SearchParams | None:
    from qdrant_edge import QuantizationSearchParams, SearchParams

    if isinstance(leg.query, Sparse):
        return None
    if leg.exact:
        return SearchParams(exact=True, quantization=QuantizationSearchParams(ignore=True))
    return SearchParams(
        hnsw_ef=leg.breadth or storage.breadth,
        quantization=QuantizationSearchParams(rescore=True, oversampling=storage.oversampling),
    )


def to_engine(vector: AnyVector) -> Any:
    """Return the engine's form of a vector."""
    from qdrant_edge import SparseVector

    if isinstance(vector, Sparse):
        return SparseVector(list(vector.indices), list(vector.values))
    return vector.rows.tolist() if isinstance(vector, Multi) else vector.tolist()
