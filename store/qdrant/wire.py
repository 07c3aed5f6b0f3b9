"""Points, queries and filters in the classes of qdrant-client."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING, Any
from uuid import UUID

from ...core.vectors import AnyVector, is_empty
from ..conditions import Dialect, compile_with
from ..filters import Condition
from ..index_options import IndexOptions
from ..points import payload_of
from ..protocols import Leg, Point
from ..queries import engine_vector, search_params
from .connection import QdrantConnection

if TYPE_CHECKING:
    from qdrant_client.models import Filter, PointStruct, Prefetch, QueryRequest, Record


def to_point(point: Point, collection: str) -> PointStruct:
    """Return a point as the server takes it."""
    from qdrant_client.models import PointStruct

    vectors: Any = {name: to_engine(vector) for name, vector in point.vectors.items() if not is_empty(vector)}
    return PointStruct(id=str(point.passage.point_id(collection)), vector=vectors, payload=payload_of(point))


def to_query(leg: Leg, condition: Filter | None, storage: IndexOptions) -> QueryRequest:
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


def _prefetch(leg: Leg, condition: Filter | None, storage: IndexOptions) -> Prefetch:
    from qdrant_client import models

    return models.Prefetch(
        query=to_engine(leg.query),
        using=leg.vector or None,
        limit=leg.limit,
        filter=condition,
        params=search_params(models, leg, storage),
    )


def to_engine(vector: AnyVector) -> Any:
    """Return a vector as the server takes it."""
    from qdrant_client import models

    return engine_vector(models, vector)


def to_id(point_id: UUID) -> int | str:
    """Return a point id as the server stores it: a number of up to 64 bits, or a UUID."""
    return point_id.int if point_id.int < 2**64 else str(point_id)


def compile_condition(condition: Condition) -> Filter:
    """Return the condition as a filter of qdrant-client."""
    return compile_with(dialect(), condition)


@cache
def dialect() -> Dialect:
    """Return the classes of qdrant-client that filters are built from."""
    from qdrant_client.models import DatetimeRange, FieldCondition, Filter, MatchPrefix, MatchText, MatchValue, Range

    return Dialect(
        Filter,
        FieldCondition,
        value=MatchValue,
        words=MatchText,
        prefix=MatchPrefix,
        numbers=Range,
        dates=DatetimeRange,
    )


async def scroll_page(
    connection: QdrantConnection,
    name: str,
    condition: Filter | None,
    *,
    limit: int,
    offset: Any,
    payload: bool | list[str],
    vectors: bool = False,
) -> tuple[Sequence[Record], Any]:
    """Return one page of the records that meet the condition, and the offset of the next page."""
    return await connection.ask_points(
        name,
        lambda client: client.scroll(
            name, condition, limit=limit, offset=offset, with_payload=payload, with_vectors=vectors
        ),
    )
