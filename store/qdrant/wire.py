"""Points and queries as a Qdrant server takes them."""

from __future__ import annotations

from collections.abc import AsyncIterator
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
    from qdrant_client import AsyncQdrantClient
    from qdrant_client.models import Filter, PointStruct, Prefetch, QueryRequest, Record


def to_point(point: Point, collection: str) -> PointStruct:
    """Return the server's form of a point."""
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
    """Return the server's form of a vector."""
    from qdrant_client import models

    return engine_vector(models, vector)


def to_id(point_id: UUID) -> int | str:
    """Return an id as the server knows it."""
    return point_id.int if point_id.int < 2**64 else str(point_id)


def compile_condition(condition: Condition) -> Filter:
    """Return the condition as a filter of qdrant-client."""
    return compile_with(dialect(), condition)


@cache
def dialect() -> Dialect:
    """Return the classes that a filter of qdrant-client is built from."""
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


PAGE = 1000  # records per request, of a few fields

PAGE_WHOLE = 128  # records with text and vectors: some 2 MB


async def scroll(
    connection: QdrantConnection,
    name: str,
    condition: Filter | None,
    *,
    limit: int,
    payload: bool | list[str],
    vectors: bool = False,
) -> AsyncIterator[Record]:
    """Yield the records that meet the condition, with these keys of their payload."""
    offset = None

    def page(client: AsyncQdrantClient) -> Any:
        return client.scroll(name, condition, limit=limit, offset=offset, with_payload=payload, with_vectors=vectors)

    while True:
        records, offset = await connection.ask(page)
        for record in records:
            yield record
        if offset is None:
            return
