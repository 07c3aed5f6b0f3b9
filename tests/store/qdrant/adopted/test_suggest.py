"""What `resift adopt` suggests for a collection, and what it says of one that it cannot search."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from resift.core.errors import InvalidInput
from resift.store.qdrant.adopted.suggest import choose_dense, suggestion
from resift.store.qdrant.adopted.survey import SamplePoint, StoredVector, Survey

DENSE = StoredVector("small", is_sparse=False, dimension=4, distance="cosine")
MULTI = replace(DENSE, name="late", is_multi=True)
SPARSE = StoredVector("bm25", is_sparse=True)


def seen(*vectors: StoredVector, payload: Mapping[str, Any] | None = None) -> Survey:
    payload = {"body": "The pump hums at night."} if payload is None else payload
    sample = [SamplePoint(number, payload, {}) for number in range(3)]
    leaves = {path: [value] * 3 for path, value in payload.items()}
    return Survey(3, {each.name: each for each in vectors}, sample=sample, leaves=leaves)


def test_vector_that_can_be_searched_is_suggested() -> None:
    assert "resift adopt notes --text-field body --vector small" in suggestion("notes", seen(MULTI, DENSE, SPARSE))


@pytest.mark.parametrize(
    "vectors",
    [(), (SPARSE,), (MULTI,), (replace(DENSE, distance="manhattan2"), SPARSE), (replace(DENSE, datatype="uint8"),)],
    ids=["none", "sparse", "multivector", "distance", "integers"],
)
def test_collection_without_a_vector_to_search_is_told_to_be_unsuitable(vectors: tuple[StoredVector, ...]) -> None:
    told = suggestion("notes", seen(*vectors))
    assert "cannot be adopted. Resift needs a dense vector of floats" in told
    assert "resift adopt" not in told
    with pytest.raises(InvalidInput, match=r"cannot be adopted\. Resift needs a dense vector of floats"):
        choose_dense(seen(*vectors), None)


def test_collection_without_a_text_is_told_to_have_none() -> None:
    told = suggestion("notes", seen(DENSE, payload={"year": 2024}))
    assert "No field of the payload of collection 'notes' holds a text in most of 3 points" in told
    assert "Payload: year." in told
