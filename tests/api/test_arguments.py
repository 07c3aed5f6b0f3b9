"""Arguments that are refused before anything is opened, with what is wrong."""

import pytest

from resift.api.arguments import build
from resift.api.requests import MAX_IDS, DeleteRequest
from resift.core.errors import InvalidInput


def test_more_ids_than_one_call_deletes_are_refused_with_their_number() -> None:
    assert len(build(DeleteRequest, "notes", document_ids=["a"] * MAX_IDS).document_ids) == MAX_IDS
    with pytest.raises(InvalidInput, match=r"document_ids: 20,000 ids are more than the limit of 1,000\. Delete by"):
        build(DeleteRequest, "notes", document_ids=[f"d{number}" for number in range(20_000)])
