"""Metadata fields: what they may hold, and how a collection's knowledge of them widens."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from resift.core.errors import InvalidInput
from resift.core.values import Passage
from resift.store.collection import Collection
from resift.store.edge.store import EdgeStore
from resift.store.fields import MAX_FIELDS, FieldType, check_metadata, is_date, learn_fields, type_of, widen
from resift.store.filters import parse_filter
from resift.store.manifest import Manifest
from resift.store.protocols import Point

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


@given(st.datetimes(), st.sampled_from(["", "Z", "+01:00", "-0530"]), st.sampled_from(["T", " "]))
def test_every_iso_moment_is_a_date(moment: Any, zone: str, separator: str) -> None:
    assert is_date(f"{moment.isoformat(separator)}{zone}")


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
    metadata: dict[str, Any] = {"a": None, "b": [1, "x", True, 2.5], "c.d e": "x", "größe": 2**63 - 1}
    check_metadata(metadata)
    learned = learn_fields({}, {name: value for name, value in metadata.items() if value is not None})
    assert learned == {"b": "mixed", "c.d e": "keyword", "größe": "integer"}


def test_fields_beyond_the_limit_are_refused() -> None:
    known = learn_fields({}, {f"field{number}": number for number in range(MAX_FIELDS)})
    assert learn_fields(known, {"field0": 2.5})["field0"] == "number"
    with pytest.raises(InvalidInput, match=f"more than {MAX_FIELDS} metadata fields"):
        learn_fields(known, {"one more": 1})


async def add(collection: Collection, manifest: Manifest, values: dict[str, Any]) -> FieldType:
    """Write documents that hold values in the field "it", and return the type the field has now."""
    fields = dict(collection.manifest.fields)
    for value in values.values():
        fields = learn_fields(fields, {"it": value})
    await collection.remember(replace(manifest, fields=fields))
    ones = np.ones(4, np.float32)
    passages = [Passage(name, 0, text="text", metadata={"it": value}) for name, value in values.items()]
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
async def test_filters_stay_right_while_numbers_widen(store: EdgeStore, manifest: Manifest) -> None:
    collection = await store.open("numbers", create=manifest)
    assert await add(collection, manifest, {"one": 1, "two": 2}) == "integer"
    assert await names(collection, {"gte": 1.5}) == {"two"}
    assert await add(collection, manifest, {"half": 1.5, "true": 2}) == "number"
    assert await names(collection, {"gte": 1.5}) == {"two", "half", "true"}
    assert await names(collection, 1) == {"one"}
    assert await add(collection, manifest, {"true": True, "text": "2"}) == "mixed"
    assert await names(collection, {"gte": 1.5}) == {"two", "half"}
    assert await names(collection, True) == {"true"}
    assert await names(collection, ["2", 1.5]) == {"text", "half"}


@pytest.mark.anyio
async def test_filters_stay_right_while_dates_widen(store: EdgeStore, manifest: Manifest) -> None:
    collection = await store.open("dates", create=manifest)
    assert await add(collection, manifest, {"may": "2024-05-01", "june": "2024-06-01T08:00:00+02:00"}) == "date"
    assert await names(collection, {"gte": "2024-05-15"}) == {"june"}
    assert await collection.facet("it", limit=5) == []
    assert await add(collection, manifest, {"soon": "soon"}) == "keyword"
    assert await names(collection, {"gte": "2024-05-15"}) == {"june"}
    assert await names(collection, "soon") == {"soon"}
    assert dict(await collection.facet("it", limit=5))["soon"] == 1


@pytest.mark.anyio
async def test_field_types_outlive_the_process(store: EdgeStore, manifest: Manifest) -> None:
    collection = await store.open("kept", create=manifest)
    await add(collection, manifest, {"yes": True, "no": False})
    await store.close()
    reopened = await store.open("kept")
    assert reopened.manifest.fields == {"it": "boolean"}
    assert await names(reopened, False) == {"no"}
    assert sorted(await reopened.facet("it", limit=5)) == [(False, 1), (True, 1)]
