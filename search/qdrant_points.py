"""Points and queries as a Qdrant server takes them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

from .payload import payload_of
from .storage import Storage
from .store import Leg, Point
from .vectors import AnyVector, Multi, Sparse, is_empty

if TYPE_CHECKING:
    from qdrant_client.models import Filter, PointStruct, Prefetch, QueryRequest, SearchParams


def to_point(point: Point, collection: str) -> PointStruct:
    """Return the server's form of a point."""
    from qdrant_client.models import PointStruct

    vectors: Any = {name: to_engine(vector) for name, vector in point.vectors.items() if not is_empty(vector)}
    return PointStruct(id=str(point.passage.point_id(collection)), vector=vectors, payload=payload_of(point))


def to_query(leg: Leg, condition: Filter | None, storage: Storage) -> QueryRequest:
    """Return a leg as a query without payload."""
    from qdrant_client.models import QueryRequest

    return QueryRequest(
        query=to_engine(leg.query),
        using=leg.vector or None,
        limit=leg.limit,
        filter=condition,
        prefetch=[_prefetch(each, condition, storage) for each in leg.among] or None,
        params=_params(leg, storage),
        with_payload=False,
    )


def _prefetch(leg: Leg, condition: Filter | None, storage: Storage) -> Prefetch:
    from qdrant_client.models import Prefetch

    return Prefetch(
        query=to_engine(leg.query),
        using=leg.vector or None,
        limit=leg.limit,
        filter=condition,
        params=_params(leg, storage),
    )


def _params(leg: Leg, storage: Storage) -> SearchParams | None:
    from qdrant_client.models import QuantizationSearchParams, SearchParams

    if isinstance(leg.query, Sparse):
        return None
    if leg.exact:
        return SearchParams(exact=True, quantization=QuantizationSearchParams(ignore=True))
    return SearchParams(
        hnsw_ef=leg.breadth or storage.breadth,
        quantization=QuantizationSearchParams(rescore=True, oversampling=storage.oversampling),
    )


def to_engine(vector: AnyVector) -> Any:
    """Return the server's form of a vector."""
    from qdrant_client.models import SparseVector

    if isinstance(vector, Sparse):
        return SparseVector(indices=list(vector.indices), values=list(vector.values))
    return vector.rows.tolist() if isinstance(vector, Multi) else vector.tolist()


def to_id(point_id: UUID) -> int | str:
    """Return an id as the server knows it."""
    return point_id.int if point_id.int < 2**64 else str(point_id)
