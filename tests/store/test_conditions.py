"""Conditions: the store's answer against a plain reading of the same filter in Python."""

from collections.abc import AsyncIterator, Callable, Generator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from operator import ge, gt, le, lt
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from qdrant_edge import EdgeShard

from resift.core.dates import in_utc
from resift.core.values import Passage
from resift.core.vectors import Sparse
from resift.store.collection import Collection
from resift.store.edge.payload_index import index_words, words_without_index
from resift.store.edge.seal import break_seal
from resift.store.edge.store import EdgeStore
from resift.store.fields import FieldType
from resift.store.filters import parse_filter
from resift.store.manifest import Manifest
from resift.store.protocols import Leg, Point

pytestmark = pytest.mark.anyio

TEXTS = st.sampled_from(
    ["", "en", "de", "New York", "new-york city", "naïve", "NAÏVE", "true", "1", "漢", 'say "hi"', "back\\slash"]
)
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
QUOTED = {"integer": "1", "number": "1", "boolean": "true"}
"""Texts among `TEXTS` that spell a value of a type; `parse_filter` refuses them for fields of that type."""


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
WORDS = st.sampled_from(["york", "YORK new", "new city", "naïve", "n", "say", "hi say", "2024 05", "slash!", "1", "漢"])
PREFIXES = st.sampled_from(["n", "new", "New Y", "2024-", "2024-05-01T1", 'say "', "back\\", "漢", "true"])
TEXTUAL = st.fixed_dictionaries({"match": WORDS}, optional={"prefix": PREFIXES}) | st.fixed_dictionaries(
    {"prefix": PREFIXES}
)
OF_TEXTS = ("lang", "last seen", "a/b[0]")


def asked_of(name: str) -> st.SearchStrategy[Any]:
    kind, fitting = VALUES[name]
    alternatives = fitting | ANYTHING.filter(lambda value: value != QUOTED.get(kind))
    listed = st.lists(alternatives, min_size=1, max_size=3)
    return fitting | alternatives | listed | RANGES.get(name, fitting) | (TEXTUAL if name in OF_TEXTS else fitting)


@st.composite
def flat(draw: st.DrawFn) -> dict[str, Any]:
    names = draw(st.lists(st.sampled_from(sorted(VALUES)), min_size=1, max_size=3, unique=True))
    return {name: draw(asked_of(name)) for name in names}


def nested(inner: st.SearchStrategy[dict[str, Any]]) -> st.SearchStrategy[dict[str, Any]]:
    several = st.lists(inner, min_size=1, max_size=3)
    words = st.fixed_dictionaries({}, optional={"not": inner, "any": several, "all": several}).filter(bool)
    return words | st.tuples(flat(), words).map(lambda both: {**both[0], **both[1]})


FILTERS = st.recursive(flat(), nested, max_leaves=5)


def items_of(value: Any) -> list[Any]:
    return cast("list[Any]", value) if isinstance(value, list) else [value]


def equal(one: Any, other: Any) -> bool:
    """Say whether two values are the same for a filter: true is not 1, and 1 is 1.0."""
    kinds = [bool if isinstance(each, bool) else str if isinstance(each, str) else float for each in (one, other)]
    return kinds[0] is kinds[1] and one == other


def equal_in(name: str, item: Any, asked: Any) -> bool:
    """Say the same for a field; what is asked of a field of dates is also looked for in UTC, as dates are stored."""
    spelled = in_utc(asked) if FIELDS.get(name) == "date" and isinstance(asked, str) else asked
    return equal(item, asked) or equal(item, spelled)


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
    limits = {key: limit(key, bound) if over_dates else bound for key, bound in bounds.items()}
    return all(COMPARE[key](value, limits[key]) for key in limits)


def limit(key: str, bound: str) -> datetime | None:
    """Return the moment of a bound: a day without a time begins for gte and lt, and has ended for gt and lte."""
    begun = moment(bound)
    ends = begun is not None and len(bound) == len("2024-05-01") and key in ("gt", "lte")
    return begun + timedelta(days=1, microseconds=-1) if begun and ends else begun


def words_of(text: str) -> set[str]:
    return set("".join(letter if letter.isalnum() else " " for letter in text).lower().split())


def fits(item: Any, asked: Mapping[str, Any], key: str) -> bool:
    if key == "match":
        return isinstance(item, str) and words_of(asked[key]) <= words_of(item)
    if key == "prefix":
        return isinstance(item, str) and item.startswith(asked[key])
    return within(item, {name: bound for name, bound in asked.items() if name in COMPARE})


def holds(metadata: Mapping[str, Any], name: str, asked: Any) -> bool:
    items = items_of(metadata.get(name, []))
    if name == "not":
        return not meets(metadata, asked)
    if name in ("any", "all"):
        return (any if name == "any" else all)(meets(metadata, each) for each in asked)
    if isinstance(asked, dict):
        conditions = cast("dict[str, Any]", asked)
        return all(any(fits(item, conditions, key) for item in items) for key in conditions)
    return any(equal_in(name, item, value) for item in items for value in items_of(asked))


def meets(metadata: Mapping[str, Any], filter_: Mapping[str, Any]) -> bool:
    return all(holds(metadata, name, asked) for name, asked in filter_.items())


def point(number: int, metadata: Mapping[str, Any]) -> Point:
    return written(Passage(str(number), 0, text="text", metadata=metadata))


def written(passage: Passage) -> Point:
    return Point(passage, "digest", passages=1, vectors={"dense": np.ones(4, np.float32), "bm25": Sparse((1,), (1.0,))})


@pytest.fixture(scope="module")
async def collection(tmp_path_factory: pytest.TempPathFactory, manifest: Manifest) -> AsyncIterator[Collection]:
    store = EdgeStore(tmp_path_factory.mktemp("filters"), reserve_bytes=0)
    opened = await store.open("filters", create=manifest)
    await opened.remember(replace(manifest, fields=FIELDS))
    yield opened
    await store.close()


async def matching(collection: Collection, filter_: Mapping[str, Any]) -> set[int]:
    where = parse_filter(filter_, FIELDS)
    [leg] = await collection.search([Leg("dense", np.ones(4, np.float32), limit=100)], where=where)
    assert await collection.count(where) == len(leg)
    return {int(passage.document_id) for passage in (await collection.fetch([key for key, _ in leg])).values()}


@pytest.mark.parametrize(
    ("asked", "number", "is_met"),
    [
        (1e300, 2**63 - 1, False),
        ({"gte": 1e300}, 2**63 - 1, False),
        ({"lt": 1e300}, 2**63 - 1, True),
        ({"gte": 5, "lt": 1e300, "lte": 1e301}, 2**63 - 1, True),
        ({"lte": -1e300}, -(2**63), False),
        ({"gt": -1e300}, -(2**63), True),
        (1e300, 1e300, True),
        ({"gte": 1e300}, 1e300, True),
        ({"gte": 1e300}, 1e301, True),
        ({"lt": 1e300}, 1e300, False),
    ],
)
async def test_bounds_beyond_64_bits_are_not_rounded_to_numbers_that_meet_them(
    collection: Collection, asked: Any, number: float, is_met: bool
) -> None:
    name = "größe" if isinstance(number, int) else "version.minor"
    await collection.write([point(0, {name: number})])
    assert (0 in await matching(collection, {name: asked})) == is_met


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


async def test_text_and_title_are_asked_for_words_and_source_for_its_beginning(collection: Collection) -> None:
    texts = {"0": "Brake-pads squeal", "1": "pads of brakes", "2": "the PADS and the brake"}
    await collection.write(
        [written(Passage(key, 0, text=text, title=text, source=f"a/{key}")) for key, text in texts.items()]
    )
    filters = {"text": {"match": "brake pads"}, "title": {"match": "brake pads"}, "source": {"prefix": "a/1"}}
    found = [await matching(collection, {name: asked}) for name, asked in filters.items()]
    assert found == [{0, 2}, {0, 2}, {1}]


async def test_index_of_words_is_made_for_many_passages_and_changes_no_answer(
    tmp_path: Path, store: EdgeStore, manifest: Manifest
) -> None:
    opened = await store.open("words", create=manifest)
    words = ["brake", "Brake", "BRAKE-pads", "brakes", "", "pads brake", "Größe_brake", "x1"]
    texts = [f"{one} {other}".strip() or "none" for one in words for other in words]
    await opened.write([written(Passage(str(number), 0, text=text, title=text)) for number, text in enumerate(texts)])
    asked = [{name: {"match": each}} for name in ("text", "title") for each in ("brake", "pads BRAKE", "größe", "x1")]
    scanned = [await matching(opened, each) for each in asked]
    await store.close()

    folder = tmp_path / "data" / "collections" / "words"
    break_seal(folder)
    with open_shard(folder / "shard") as shard:
        where = parse_filter({"any": [asked[0], asked[-1]]}, {})
        assert where is not None
        index_words(shard, words_without_index(shard, where, worth_from=len(texts) + 1))
        assert not {"text", "title"} & shard.info().payload_schema.keys()
        index_words(shard, words_without_index(shard, where, worth_from=len(texts)))
        assert {"text", "title"} <= shard.info().payload_schema.keys()

    assert [await matching(await store.open("words"), each) for each in asked] == scanned
    assert 0 < len(scanned[0]) < len(texts)


@contextmanager
def open_shard(path: Path) -> Generator[EdgeShard]:
    shard = EdgeShard.load(str(path))
    yield shard
    shard.close()
