"""Points and queries as a Qdrant server takes them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

from .payload import payload_of
from .queries import engine_vector, search_params
from .storage import Storage
from .store import Leg, Point
from .vectors import AnyVector, is_empty

if TYPE_CHECKING:
    from qdrant_client.models import Filter, PointStruct, Prefetch, QueryRequest


def to_point(point: Point, collection: str) -> PointStruct:
    """Return the server's form of a point."""
    from qdrant_client.models import PointStruct

    vectors: Any = {name: to_engine(vector) for name, vector in point.vectors.items() if not is_empty(vector)}
    return PointStruct(id=str(point.passage.point_id(collection)), vector=vectors, payload=payload_of(point))


def to_query(leg: Leg, condition: Filter | None, storage: Storage) -> QueryRequest:
    """Return a leg as a query without payload."""
    from qdrant_client import models

    return models.QueryRequest(
        query=to_engine(leg.query),
        using=leg.vector or None,
        limit=leg.limit,
        filter=condition,
        prefetch=[_prefetch(each, condition, storage) for each in leg.among] or None,
        params=search_params(models, leg, storage),
        with_payload=False,
    )


def _prefetch(leg: Leg, condition: Filter | None, storage: Storage) -> Prefetch:
    from qdrant_client import models

    return models.Prefetch(
        query=to_engine(leg.query),
        using=leg.vector or None,
        limit=leg.limit,
        filter=condition,
        params=search_params(models, leg, storage),
    )


def to_engine(vector: AnyVector) -> Any:
    """Return the server's form of a vector."""
    from qdrant_client import models

    return engine_vector(models, vector)


def to_id(point_id: UUID) -> int | str:
    """Return an id as the server knows it."""
    return point_id.int if point_id.int < 2**64 else str(point_id)
