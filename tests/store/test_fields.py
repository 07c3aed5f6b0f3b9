"""Metadata fields: what they may hold, and how a collection holds to their first types."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from resift.core.errors import InvalidInput
from resift.core.values import Passage
from resift.store.collection import Collection
from resift.store.edge.store import EdgeStore
from resift.store.fields import (
    FILE_FACTS,
    MAX_FIELDS,
    Clash,
    FieldType,
    check_metadata,
    hold,
    is_file_fact,
    type_of,
    widen,
)
from resift.store.filters import parse_filter
from resift.store.manifest import Manifest
from resift.store.points import payload_of, to_entry
from resift.store.protocols import FileState, Point
from resift.tests.store.stores import ALL, open_store

TYPES: list[FieldType] = ["keyword", "integer", "number", "boolean", "date", "mixed"]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("en", "keyword"),
        (3, "integer"),
        (3.0, "number"),
        (False, "boolean"),
        ("2024-05-01", "date"),
        ("2024-05-01T10:00:00+02:00", "date"),
        ("2024-02-30", "keyword"),
        ([1, 2.5], "number"),
        (["2024-05-01", "soon"], "keyword"),
        ([True, 1], "mixed"),
        ([], "keyword"),
    ],
)
def test_type_follows_from_the_value(value: Any, expected: FieldType) -> None:
    assert type_of(value) == expected


@given(st.sampled_from(TYPES), st.sampled_from(TYPES), st.sampled_from(TYPES))
def test_widening_is_a_matter_of_what_was_seen_not_when(one: FieldType, two: FieldType, three: FieldType) -> None:
    assert widen(one, two) == widen(two, one)
    assert widen(one, one) == one
    assert widen(widen(one, two), two) == widen(one, two)
    assert widen(widen(one, two), three) in {widen(one, widen(two, three)), "mixed"}


@pytest.mark.parametrize(
    ("metadata", "message"),
    [
        ({"author": {"name": "x"}}, "Use a text, a number, true/false, or a list"),
        ({"tags": ["a", ["b"]]}, "Use a text, a number, true/false, or a list"),
        ({"tags": [None]}, "Use a text, a number, true/false, or a list"),
        ({"price": float("nan")}, "not finite"),
        ({"price": [1.0, float("inf")]}, "not finite"),
        ({"id": 2**63}, "more than 64 bits"),
        ({"not": 1}, "reserved or unusable"),
        ({"title": "x"}, "reserved or unusable"),
        ({"document_id": "x"}, "reserved or unusable"),
        ({"": "x"}, "reserved or unusable"),
        ({'a"b': "x"}, "reserved or unusable"),
        ({"a\\": "x"}, "reserved or unusable"),
    ],
)
def test_metadata_that_no_filter_could_use_is_refused(metadata: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        check_metadata(metadata)


def test_metadata_of_scalars_lists_and_nulls_is_taken() -> None:
    metadata: dict[str, Any] = {"a": None, "b": [1, 2.5], "c.d e": "x", "größe": 2**63 - 1}
    check_metadata(metadata)
    held = hold({}, {name: value for name, value in metadata.items() if value is not None})
    assert held.fields == {"b": "number", "c.d e": "keyword", "größe": "integer"}
    assert held.clashes == ()


@pytest.mark.parametrize(
    ("known", "value", "then"),
    [
        ("integer", 4.5, "number"),
        ("number", 4, "number"),
        ("integer", [1, 2.5], "number"),
        ("keyword", "2024-05-01", "keyword"),
        ("keyword", ["2024-05-01", "soon"], "keyword"),
        ("date", "2024-05-01", "date"),
        ("date", [], "date"),
        *(("mixed", value, "mixed") for value in ("x", 1, True, [1, "x"])),
    ],
)
def test_value_that_loses_nothing_is_taken(known: FieldType, value: Any, then: FieldType) -> None:
    held = hold({"it": known}, {"it": value})
    assert (held.metadata, held.fields, held.clashes) == ({"it": value}, {"it": then}, ())


@pytest.mark.parametrize(
    ("known", "value"),
    [
        ("integer", "4"),
        ("integer", True),
        ("number", "4.5"),
        ("boolean", 1),
        ("boolean", "true"),
        ("date", "soon"),
        ("date", 2024),
        ("date", ["2024-05-01", "soon"]),
        ("keyword", 1),
        ("keyword", ["x", 1]),
    ],
)
def test_value_of_another_type_is_left_out_and_said(known: FieldType, value: Any) -> None:
    held = hold({"it": known}, {"it": value, "other": 1})
    assert (held.metadata, held.fields) == ({"other": 1}, {"it": known, "other": "integer"})
    assert held.clashes == (Clash("it", known, value),)


def test_no_type_is_learned_from_a_list_of_several_types_or_an_empty_one() -> None:
    assert hold({}, {"it": [1, "x"]}).clashes == (Clash("it", "mixed", [1, "x"]),)
    empty = hold({}, {"it": []})
    assert (empty.metadata, empty.fields, empty.clashes) == ({"it": []}, {}, ())


def test_dates_are_stored_in_utc_but_texts_as_they_are() -> None:
    value = "2024-05-01T12:30:00+02:00"
    assert hold({}, {"it": value}).metadata == {"it": "2024-05-01T10:30:00Z"}
    assert hold({"it": "date"}, {"it": [value, "2024-05-01"]}).metadata == {
        "it": ["2024-05-01T10:30:00Z", "2024-05-01"]
    }
    assert hold({"it": "keyword"}, {"it": value}).metadata == {"it": value}
    assert hold({"it": "mixed"}, {"it": value}).metadata == {"it": value}


def test_fields_beyond_the_limit_are_refused() -> None:
    known = hold({}, {f"field{number}": number for number in range(MAX_FIELDS)}).fields
    assert hold(known, {"field0": 2.5}).fields["field0"] == "number"
    assert hold(known, dict.fromkeys(FILE_FACTS, "a")).fields.keys() >= {*FILE_FACTS}
    with pytest.raises(InvalidInput, match=f"more than {MAX_FIELDS} metadata fields"):
        hold(known, {"one more": 1})


@pytest.fixture(params=ALL)
async def parity(request: pytest.FixtureRequest, tmp_path: Path, manifest: Manifest) -> AsyncIterator[Collection]:
    """Return an empty collection of each store."""
    async with open_store(request.param, tmp_path) as store:
        yield await store.open("dates", create=manifest)


async def add(collection: Collection, manifest: Manifest, values: dict[str, Any]) -> FieldType:
    """Write documents that hold values in the field "it", and return the type the field has now."""
    fields = collection.manifest.fields
    for value in values.values():
        fields = hold(fields, {"it": value}).fields
    await collection.remember(replace(manifest, fields=fields))
    ones = np.ones(4, np.float32)
    passages = [
        Passage(name, 0, text="text", metadata=hold(fields, {"it": value}).metadata) for name, value in values.items()
    ]
    await collection.write([Point(passage, "digest", passages=1, vectors={"dense": ones}) for passage in passages])
    return fields["it"]


async def names(collection: Collection, asked: Any) -> set[str]:
    where = parse_filter({"it": asked}, collection.manifest.fields)
    present = await collection.entries()
    conditions = {
        name: parse_filter({"document_id": name, "it": asked}, collection.manifest.fields) for name in present
    }
    found = {name for name, condition in conditions.items() if await collection.count(condition)}
    assert await collection.count(where) == len(found)
    return found


@pytest.mark.anyio
async def test_filters_stay_right_while_integers_become_numbers(store: EdgeStore, manifest: Manifest) -> None:
    collection = await store.open("numbers", create=manifest)
    assert await add(collection, manifest, {"one": 1, "two": 2}) == "integer"
    assert await names(collection, {"gte": 1.5}) == {"two"}
    assert await add(collection, manifest, {"half": 1.5, "true": 2}) == "number"
    assert await names(collection, {"gte": 1.5}) == {"two", "half", "true"}
    assert await names(collection, 1) == {"one"}


@pytest.mark.anyio
async def test_fields_of_several_types_that_older_versions_learned_stay_filterable(
    store: EdgeStore, manifest: Manifest
) -> None:
    older = replace(manifest, fields={"it": "mixed"})
    collection = await store.open("mixed", create=older)
    assert await add(collection, older, {"one": 1, "half": 1.5, "true": True, "text": "2"}) == "mixed"
    assert await names(collection, {"gte": 1.5}) == {"half"}
    assert await names(collection, True) == {"true"}
    assert await names(collection, ["2", 1.5]) == {"text", "half"}


@pytest.mark.anyio
@pytest.mark.filterwarnings("ignore:(Payload indexes|Local mode):UserWarning")
async def test_dates_of_all_zones_are_compared_as_moments(parity: Collection, manifest: Manifest) -> None:
    values = {
        "day": "2024-05-01",
        "naive": "2024-05-01 23:59:59.999999",
        "offset": "2024-05-02T01:30:00+02:00",
        "yaml": "2024-05-01 10:00:00 -0500",
        "next": "2024-05-02",
        "early": "0001-01-01T00:00:00Z",
        "late": "9999-12-31T23:59:59.999999Z",
    }
    assert await add(parity, manifest, values) == "date"
    assert await names(parity, {"gte": "2024-05-01", "lte": "2024-05-01"}) == {"day", "naive", "offset", "yaml"}
    assert await names(parity, {"gt": "2024-05-01"}) == {"next", "late"}
    assert await names(parity, {"lt": "2024-05-01"}) == {"early"}
    assert await names(parity, {"gte": "2024-05-01T15:00:00Z", "lt": "2024-05-01T23:30:00Z"}) == {"yaml"}
    assert await names(parity, {"lte": "2024-05-01T17:30:00-06:00"}) == {"day", "offset", "yaml", "early"}
    assert await names(parity, {"gt": "2024-05-01T23:59:59.999998Z", "lte": "2024-05-01"}) == {"naive"}
    assert await names(parity, "2024-05-01T15:00:00+00:00") == {"yaml"}
    assert await names(parity, "2024-05-01") == {"day"}
    assert await names(parity, {"lte": "9999-12-31"}) == values.keys()


@pytest.mark.anyio
async def test_dates_that_older_versions_stored_with_their_zone_are_still_found(
    store: EdgeStore, manifest: Manifest
) -> None:
    collection = await store.open("older", create=replace(manifest, fields={"it": "date"}))
    written = "2024-06-01T08:00:00+02:00"
    passage = Passage("june", 0, text="text", metadata={"it": written})
    await collection.write([Point(passage, "digest", passages=1, vectors={"dense": np.ones(4, np.float32)})])
    assert await names(collection, {"gte": "2024-06-01T06:00:00Z", "lte": "2024-06-01T06:00:00Z"}) == {"june"}
    assert await names(collection, written) == {"june"}
    assert await collection.facet("it", limit=5) == []


@pytest.mark.anyio
async def test_field_types_outlive_the_process(store: EdgeStore, manifest: Manifest) -> None:
    collection = await store.open("kept", create=manifest)
    await add(collection, manifest, {"yes": True, "no": False})
    await store.close()
    reopened = await store.open("kept")
    assert reopened.manifest.fields == {"it": "boolean"}
    assert await names(reopened, False) == {"no"}
    assert sorted(await reopened.facet("it", limit=5)) == [(False, 1), (True, 1)]


@pytest.mark.parametrize(
    ("path", "is_fact"), [("/d/a.zip", True), ("/d/a.zip/b.md", True), ("/d/a", False), ("/", False), ("", False)]
)
def test_field_path_of_a_caller_is_no_fact_about_a_file(path: str, is_fact: bool) -> None:
    passage = Passage("/d/a.zip/b.md", 0, text="x", metadata={"path": path, "format": "own"})
    assert is_file_fact(passage, "path") == is_file_fact(passage, "format") == is_fact
    assert not is_file_fact(passage, "title")


def test_file_state_of_a_later_version_is_read() -> None:
    passage = Passage("/d/a.md", 0, text="x")
    state = FileState(path="/d/a.md", size=1, modified_ns=2, content="c", options="o")
    payload = payload_of(Point(passage, "digest", passages=1, vectors={}, file=state))
    payload["file"] |= {"inode": 7}
    assert to_entry(payload).file == state
