"""Points, queries and filters in the classes of qdrant-edge."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING

from ...core.vectors import is_empty
from ..conditions import Dialect, compile_with
from ..filters import Condition
from ..index_options import IndexOptions
from ..points import payload_of
from ..protocols import Leg, Point
from ..queries import engine_vector, search_params

if TYPE_CHECKING:
    from qdrant_edge import EdgeShard, Filter, Prefetch, Query, QueryRequest
    from qdrant_edge import Point as EdgePoint


def to_point(point: Point, collection: str) -> EdgePoint:
    """Return a point as qdrant-edge takes it."""
    import qdrant_edge as engine

    vectors = {name: engine_vector(engine, vector) for name, vector in point.vectors.items() if not is_empty(vector)}
    return engine.Point(point.passage.point_id(collection), vectors, payload_of(point))


def to_queries(
    shard: EdgeShard, legs: Sequence[Leg], condition: Filter | None, storage: IndexOptions
) -> list[QueryRequest]:
    """Return legs as queries without payload, under a compiled condition."""
    scans = condition is not None and storage.acorn_below > 0 and _is_few(shard, condition, storage)
    return [to_query(leg, condition, storage, scans=scans) for leg in legs]


def to_query(leg: Leg, condition: Filter | None, storage: IndexOptions, *, scans: bool = False) -> QueryRequest:
    """Return a leg as a query without payload."""
    import qdrant_edge as engine

    return engine.QueryRequest(
        limit=leg.limit,
        query=_nearest(leg),
        prefetches=[_prefetch(each, condition, storage, scans=scans) for each in leg.among],
        filter=condition,
        with_payload=False,
        params=search_params(engine, leg, storage, scans=scans),
    )


def _is_few(shard: EdgeShard, condition: Filter, storage: IndexOptions) -> bool:
    """Return whether so few points pass the filter, by the engine's estimate, that they would not need a graph.

    Scanning them is faster than ACORN and finds all of them (benchmarks/README.md).
    """
    from qdrant_edge import CountRequest

    if not storage.has_graph(storage.indexed):
        return False
    return not storage.has_graph(shard.count(CountRequest(filter=condition, exact=False)))


def _prefetch(leg: Leg, condition: Filter | None, storage: IndexOptions, *, scans: bool) -> Prefetch:
    import qdrant_edge as engine

    params = search_params(engine, leg, storage, scans=scans)
    return engine.Prefetch(leg.limit, _nearest(leg), filter=condition, params=params)


def _nearest(leg: Leg) -> Query:
    import qdrant_edge as engine

    return engine.Query.Nearest(engine_vector(engine, leg.query), using=leg.vector)


def compile_condition(condition: Condition) -> Filter:
    """Return the condition as a filter of qdrant-edge."""
    return compile_with(_dialect(), condition)


@cache
def _dialect() -> Dialect:
    from qdrant_edge import FieldCondition, Filter, MatchPrefix, MatchText, MatchValue, RangeDateTime, RangeFloat

    return Dialect(
        Filter,
        FieldCondition,
        value=MatchValue,
        words=MatchText,
        prefix=MatchPrefix,
        numbers=RangeFloat,
        dates=RangeDateTime,
    )
