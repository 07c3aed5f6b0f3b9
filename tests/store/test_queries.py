"""What a query is sent with, to both engines."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

from resift.core.values import EMPTY
from resift.core.vectors import Sparse
from resift.store.edge import wire as edge_filter
from resift.store.edge import wire as edge_payload
from resift.store.fields import FieldType
from resift.store.filters import parse_filter
from resift.store.index_options import IndexOptions
from resift.store.protocols import Leg
from resift.store.qdrant import wire as qdrant_filter
from resift.store.qdrant import wire as qdrant_points
from resift.store.queries import options_for

FIELDS: Mapping[str, FieldType] = {"lang": "keyword", "year": "integer"}
ENGINES = {"edge": (edge_payload, edge_filter), "server": (qdrant_points, qdrant_filter)}
LEG = Leg("dense", np.ones(4, np.float32), limit=10)


def params_of(name: str, leg: Leg, storage: IndexOptions, filter_: Mapping[str, Any] = EMPTY) -> Any:
    payload, compiler = ENGINES[name]
    where = parse_filter(filter_, FIELDS)
    condition = compiler.compile_condition(where) if where else None
    return payload.to_query(leg, condition, options_for(storage, where)).params


@pytest.mark.parametrize("name", ENGINES)
@pytest.mark.parametrize(
    ("filter_", "asks"),
    [
        ({}, False),
        ({"lang": "en"}, False),
        ({"year": {"gte": 2020, "lt": 2024}}, False),
        ({"source": {"prefix": "docs/"}}, False),
        ({"text": {"match": "brake pads"}}, True),
        ({"not": {"lang": {"match": "en"}}}, True),
        ({"lang": "en", "year": 2020}, True),
        ({"any": [{"lang": "en"}, {"not": {"year": 2020}}]}, True),
    ],
    ids=str,
)
def test_filter_over_words_or_several_fields_asks_for_acorn_below_the_share(
    name: str, filter_: dict[str, Any], asks: bool
) -> None:
    acorn = params_of(name, LEG, IndexOptions(acorn_below=0.3), filter_).acorn
    found = None if acorn is None else (acorn.enable, round(acorn.max_selectivity, 6))
    assert found == ((True, 0.3) if asks else None)
    assert params_of(name, LEG, IndexOptions(acorn_below=0), filter_).acorn is None


@pytest.mark.parametrize("name", ENGINES)
def test_exact_search_and_search_by_words_walk_no_graph(name: str) -> None:
    exact = params_of(
        name, Leg("dense", np.ones(4, np.float32), limit=10, exact=True), IndexOptions(), {"lang": "en", "year": 2020}
    )
    assert (exact.exact, exact.acorn, exact.quantization.ignore) == (True, None, True)
    assert params_of(name, Leg("bm25", Sparse((1,), (1.0,)), limit=10), IndexOptions()) is None


@pytest.mark.parametrize("name", ENGINES)
def test_breadth_of_a_leg_goes_before_that_of_the_collection(name: str) -> None:
    assert params_of(name, LEG, IndexOptions(breadth=300)).hnsw_ef == 300
    assert (
        params_of(name, Leg("dense", np.ones(4, np.float32), limit=10, breadth=64), IndexOptions(breadth=300)).hnsw_ef
        == 64
    )
