"""Filters: the store's answer against a plain reading of the same filter in Python."""

from collections.abc import AsyncIterator, Callable, Mapping
from datetime import UTC, datetime
from operator import ge, gt, le, lt
from typing import Any, cast

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from resift.core.errors import InvalidInput
from resift.core.values import Passage
from resift.search.edge import EdgeStore
from resift.search.fields import FieldType
from resift.search.filters import parse_filter
from resift.search.manifest import Manifest
from resift.search.store import Collection, Leg, Point
from resift.search.vectors import Sparse

pytestmark = pytest.mark.anyio

TEXTS = st.sampled_from(["", "en", "de", "New York", "naïve", "true", "1", "漢", 'say "hi"', "back\\slash"])
WHOLE = st.integers(-3, 3) | st.integers(-(2**53), 2**53) | st.sampled_from([2**60, 2**60 + 1, 2**63 - 1])
DECIMALS = st.sampled_from([-1.5, 0.0, 0.5, 1.0, 2.0, 2.5, 1e300])
DATES = st.sampled_from(
    [
        "2024-05-01",
        "2024-05-01T00:00",
        "2024-05-01 10:30:00",
        "2024-05-01T10:30:00Z",
        "2024-05-01T12:30:00+02:00",
        "2024-05-01T12:30:00.5+0200",
        "2023-12-31T23:59:59-01:00",
        "1969-07-20",
    ]
)
ANYTHING = TEXTS | WHOLE | DECIMALS | st.booleans() | DATES
VALUES: dict[str, tuple[FieldType, st.SearchStrategy[Any]]] = {
    "lang": ("keyword", TEXTS),
    "größe": ("integer", WHOLE),
    "version.minor": ("number", WHOLE | DECIMALS),
    "last seen": ("date", DATES),
    "漢字 🚀": ("boolean", st.booleans()),
    "a/b[0]": ("mixed", ANYTHING),
}
FIELDS: dict[str, FieldType] = {name: kind for name, (kind, _) in VALUES.items()}
METADATA = st.fixed_dictionaries(
    {}, optional={name: each | st.lists(each, max_size=3) for name, (_, each) in VALUES.items()}
)
DOCUMENTS = 6


def bounds_of(values: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    keys = st.lists(st.sampled_from(["gte", "gt", "lte", "lt"]), min_size=1, max_size=2, unique=True)
    return keys.flatmap(lambda chosen: st.fixed_dictionaries(dict.fromkeys(chosen, values)))


NUMBER_BOUNDS = bounds_of(st.integers(-4, 4) | st.sampled_from([-1.5, -0.25, 0.5, 1.0, 2.75]))
RANGES = {
    "größe": NUMBER_BOUNDS,
    "version.minor": NUMBER_BOUNDS,
    "last seen": bounds_of(DATES),
    "a/b[0]": NUMBER_BOUNDS | bounds_of(DATES),
}


def asked_of(name: str) -> st.SearchStrategy[Any]:
    fitting = VALUES[name][1]
    alternatives = fitting | ANYTHING
    return fitting | alternatives | st.lists(alternatives, min_size=1, max_size=3) | RANGES.get(name, fitting)


FLAT = st.fixed_dictionaries({}, optional={name: asked_of(name) for name in VALUES}).filter(bool)
FILTERS = st.recursive(
    FLAT, lambda inner: st.tuples(FLAT, inner).map(lambda both: {**both[0], "not": both[1]}), max_leaves=3
)


def items_of(value: Any) -> list[Any]:
    return cast("list[Any]", value) if isinstance(value, list) else [value]


def equal(one: Any, other: Any) -> bool:
    """Say whether two values are the same for a filter: true is not 1, and 1 is 1.0."""
    kinds = [bool if isinstance(each, bool) else str if isinstance(each, str) else float for each in (one, other)]
    return kinds[0] is kinds[1] and one == other


def moment(value: Any) -> datetime | None:
    try:
        parsed = datetime.fromisoformat(value)
    except (TypeError, ValueError):
        return None
    return parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)


COMPARE: dict[str, Callable[[Any, Any], bool]] = {"gte": ge, "gt": gt, "lte": le, "lt": lt}


def within(item: Any, bounds: Mapping[str, Any]) -> bool:
    over_dates = isinstance(next(iter(bounds.values())), str)
    value = moment(item) if over_dates else None if isinstance(item, bool | str) else item
    if value is None:
        return False
    limits = {key: moment(bound) if over_dates else bound for key, bound in bounds.items()}
    return all(COMPARE[key](value, limit) for key, limit in limits.items())


def meets(metadata: Mapping[str, Any], filter_: Mapping[str, Any]) -> bool:
    for name, asked in filter_.items():
        items = items_of(metadata.get(name, []))
        if name == "not":
            held = not meets(metadata, asked)
        elif isinstance(asked, dict):
            held = any(within(item, cast("dict[str, Any]", asked)) for item in items)
        else:
            held = any(equal(item, value) for item in items for value in items_of(asked))
        if not held:
            return False
    return True


def point(number: int, metadata: Mapping[str, Any]) -> Point:
    passage = Passage(str(number), 0, "text", metadata=metadata)
    return Point(passage, "digest", 1, {"dense": np.ones(4, np.float32), "bm25": Sparse((1,), (1.0,))})


@pytest.fixture(scope="module")
async def collection(tmp_path_factory: pytest.TempPathFactory, manifest: Manifest) -> AsyncIterator[Collection]:
    store = EdgeStore(tmp_path_factory.mktemp("filters"), reserve_bytes=0)
    opened = await store.open("filters", create=manifest)
    await opened.remember(manifest.with_fields(FIELDS))
    yield opened
    await store.close()


async def matching(collection: Collection, filter_: Mapping[str, Any]) -> set[int]:
    where = parse_filter(filter_, FIELDS)
    [leg] = await collection.search([Leg("dense", np.ones(4, np.float32), 100)], where=where)
    assert await collection.count(where) == len(leg)
    return {int(passage.document_id) for passage in (await collection.fetch([key for key, _ in leg])).values()}


@pytest.mark.slow
@given(
    documents=st.lists(METADATA, min_size=DOCUMENTS, max_size=DOCUMENTS),
    filters=st.lists(FILTERS, min_size=1, max_size=5),
)
@settings(max_examples=150, deadline=None)
async def test_store_filters_as_python_does(
    collection: Collection, documents: list[dict[str, Any]], filters: list[dict[str, Any]]
) -> None:
    await collection.write([point(number, metadata) for number, metadata in enumerate(documents)])
    for filter_ in filters:
        expected = {number for number, metadata in enumerate(documents) if meets(metadata, filter_)}
        assert await matching(collection, filter_) == expected, filter_


async def test_filter_over_built_in_fields_finds_its_document(collection: Collection) -> None:
    await collection.write([point(number, {}) for number in range(DOCUMENTS)])
    assert await matching(collection, {"document_id": ["1", "4", "none"]}) == {1, 4}
    assert await matching(collection, {"source": "", "not": {"document_id": "0"}}) == set(range(1, DOCUMENTS))


def test_no_filter_is_no_condition() -> None:
    assert parse_filter({}, FIELDS) is None


def test_unknown_field_lists_the_known_ones_and_suggests_the_nearest() -> None:
    with pytest.raises(InvalidInput) as caught:
        parse_filter({"langg": "en"}, {"lang": "keyword", "year": "integer"})
    assert "Unknown filter field 'langg'. Did you mean 'lang'?" in str(caught.value)
    assert "Known fields: document_id, lang, source, title, year." in str(caught.value)


def test_unknown_field_inside_not_is_found() -> None:
    with pytest.raises(InvalidInput, match="Unknown filter field 'colour'"):
        parse_filter({"not": {"colour": "red"}}, FIELDS)


@pytest.mark.parametrize(
    ("filter_", "message"),
    [
        ({"any": [{"lang": "en"}]}, "reserved word"),
        ({"not": "en"}, "'not' takes an object"),
        ({"not": {}}, "'not' takes an object"),
        ({"lang": None}, "not a text, number"),
        ({"lang": []}, "not a text, number"),
        ({"lang": [["en"]]}, "not a text, number"),
        ({"lang": [{"gte": 1}]}, "not a text, number"),
        ({"größe": float("nan")}, "not a text, number"),
        ({"größe": 10**400}, "not a text, number"),
        ({"größe": {}}, "a range takes gte, gt, lte, lt"),
        ({"größe": {"min": 1}}, "a range takes gte, gt, lte, lt; got"),
        ({"größe": {"gte": True}}, "all numbers or all ISO dates"),
        ({"größe": {"gte": float("inf")}}, "all numbers or all ISO dates"),
        ({"größe": {"gte": [1]}}, "all numbers or all ISO dates"),
        ({"last seen": {"gte": "yesterday"}}, "all numbers or all ISO dates"),
        ({"last seen": {"gte": "2024-02-30"}}, "all numbers or all ISO dates"),
        ({"last seen": {"gte": "2024-05-01T10:00Z"}}, "all numbers or all ISO dates"),
        ({"last seen": {"gte": "2024-01-01", "lt": 2025}}, "all numbers or all ISO dates"),
        ({"größe": {"gte": "2024-01-01"}}, "holds integer values, and the bounds are dates"),
        ({"漢字 🚀": {"gte": "2024-01-01"}}, "holds boolean values, and the bounds are dates"),
        ({"last seen": {"gte": 2024}}, "holds date values, and the bounds are numbers"),
    ],
)
def test_malformed_filter_is_refused_with_what_would_do(filter_: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        parse_filter(filter_, FIELDS)
