"""What is sent with a query, from the classes of either engine: Qdrant's libraries call them and their parts alike."""

from dataclasses import replace
from typing import Any

from ..core.vectors import AnyVector, Multi, Sparse
from .conditions import fields_in, words_asked_of
from .filters import Condition
from .index_options import IndexOptions
from .protocols import Leg


def suited(storage: IndexOptions, where: Condition | None) -> IndexOptions:
    """Return how a search under a condition walks the graph: through neighbours' neighbours where it lacks links.

    It has links of their own for the values of each indexed field, but none for combinations, nor for words; over one
    field's values ACORN found little more and took several times as long (docs/filters.md).
    """
    lacks_links = where is not None and (len(fields_in(where)) > 1 or words_asked_of(where))
    return storage if lacks_links else replace(storage, acorn_below=0.0)


def search_params(engine: Any, leg: Leg, storage: IndexOptions, *, scans: bool = False) -> Any:
    """Return how a leg is searched, by the classes of an engine's module; None where words are.

    With `scans` everything that a filter leaves is compared, by its quantized vectors first where there are such.
    """
    if isinstance(leg.query, Sparse):
        return None
    if leg.exact:
        return engine.SearchParams(exact=True, quantization=engine.QuantizationSearchParams(ignore=True))
    below = storage.acorn_below
    acorn = engine.AcornSearchParams(enable=True, max_selectivity=below) if below > 0 else None
    return engine.SearchParams(
        hnsw_ef=leg.breadth or storage.breadth,
        exact=scans,
        quantization=engine.QuantizationSearchParams(rescore=True, oversampling=storage.oversampling),
        acorn=acorn,
    )


def engine_vector(engine: Any, vector: AnyVector) -> Any:
    """Return a vector as an engine takes it, by the classes of its module."""
    if isinstance(vector, Sparse):
        return engine.SparseVector(indices=list(vector.indices), values=list(vector.values))
    return vector.rows.tolist() if isinstance(vector, Multi) else vector.tolist()
