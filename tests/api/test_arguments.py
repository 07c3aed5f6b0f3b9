"""Arguments that are refused before anything is opened, with what is wrong."""

import pytest

from resift.api.arguments import build
from resift.api.requests import MAX_IDS, DeleteRequest, LlmRerankRequest, RerankRequest
from resift.core.errors import InvalidInput


def test_more_ids_than_one_call_deletes_are_refused_with_their_number() -> None:
    assert len(build(DeleteRequest, "notes", document_ids=["a"] * MAX_IDS).document_ids) == MAX_IDS
    with pytest.raises(InvalidInput, match=r"document_ids: 20,000 ids are more than the limit of 1,000\. Delete by"):
        build(DeleteRequest, "notes", document_ids=[f"d{number}" for number in range(20_000)])


@pytest.mark.parametrize("request_type", [RerankRequest, LlmRerankRequest])
def test_hits_of_a_search_can_be_passed_on(request_type: type[RerankRequest | LlmRerankRequest]) -> None:
    hit = {"rank": 1, "passage_id": "a#0", "document_id": "a", "text": "Pads squeal.", "score": 0.5, "relevance": 0.9}
    passage = {"id": "a#0", "text": "Pads squeal."}
    for request in (build(request_type, "brakes", [hit]), build(request_type, query="brakes", passages=[hit])):
        assert list(request.passages) == [passage]


def test_argument_without_a_name_is_called_by_it() -> None:
    with pytest.raises(
        InvalidInput, match=r"passages\.0\.content: unknown field\. Did you mean 'text'\?.* Known: text"
    ):
        build(LlmRerankRequest, "brakes", [{"text": "Pads squeal.", "content": "pads"}])  # pyright: ignore[reportArgumentType]
    with pytest.raises(InvalidInput, match="query: Input should be a string"):
        build(RerankRequest, 5, ["Pads squeal."])  # pyright: ignore[reportArgumentType]
