"""Search parameters and vectors in either engine's classes, which have the same names in both of Qdrant's libraries."""

from dataclasses import replace
from typing import Any

from ..core.vectors import AnyVector, Multi, Sparse
from .conditions import fields_in, words_queried
from .filters import Condition
from .index_options import IndexOptions
from .protocols import Leg


def options_for(storage: IndexOptions, where: Condition | None) -> IndexOptions:
    """Return the index options for a search under a condition: with ACORN only where the graph lacks links.

    The graph has links of its own for the values of each indexed field, but none for combinations of fields or for
    words. Over the values of a single field ACORN found little more and took several times as long
    (benchmarks/README.md).
    """
    lacks_links = where is not None and (len(fields_in(where)) > 1 or words_queried(where))
    return storage if lacks_links else replace(storage, acorn_below=0.0)


def search_params(engine: Any, leg: Leg, storage: IndexOptions, *, scans: bool = False) -> Any:
    """Return the search parameters of a leg, in the classes of the module `engine`; None for a sparse query.

    With `scans`, every point that passes the filter is compared, by its quantized vector first if there is one.
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
    """Return a vector in the classes of the module `engine`."""
    if isinstance(vector, Sparse):
        return engine.SparseVector(indices=list(vector.indices), values=list(vector.values))
    return vector.rows.tolist() if isinstance(vector, Multi) else vector.tolist()
