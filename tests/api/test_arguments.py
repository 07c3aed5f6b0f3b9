"""Arguments that are refused before anything is opened, with what is wrong."""

import re
from datetime import UTC, date, datetime
from typing import Any

import pytest

from resift.api.arguments import build
from resift.api.requests import MAX_IDS, DeleteRequest, IngestRequest, LlmRerankRequest, RerankRequest
from resift.core.errors import InvalidInput
from resift.pipeline.request import SearchRequest


def test_more_ids_than_one_call_deletes_are_refused_with_their_number() -> None:
    assert len(build(DeleteRequest, "notes", document_ids=["a"] * MAX_IDS).document_ids) == MAX_IDS
    with pytest.raises(InvalidInput, match=r"document_ids: 20,000 ids are more than the limit of 1,000\. Delete by"):
        build(DeleteRequest, "notes", document_ids=[f"d{number}" for number in range(20_000)])


@pytest.mark.parametrize("request_type", [RerankRequest, LlmRerankRequest])
def test_hits_of_a_search_can_be_passed_on(request_type: type[RerankRequest | LlmRerankRequest]) -> None:
    hit = {"rank": 1, "passage_id": "a#0", "document_id": "a", "text": "Pads squeal.", "score": 0.5, "relevance": 0.9}
    passage = {"id": "a#0", "document_id": "a", "text": "Pads squeal."}
    for request in (build(request_type, "brakes", [hit]), build(request_type, query="brakes", passages=[hit])):
        assert list(request.passages) == [passage]


def test_null_fields_of_documents_and_passages_count_as_left_out() -> None:
    document = {"text": "Pads squeal.", "title": None, "metadata": None}
    assert build(IngestRequest, documents=[document]).document_list == [{"text": "Pads squeal."}]  # pyright: ignore[reportArgumentType]
    assert build(RerankRequest, "brakes", [{"text": "Pads squeal.", "id": None}]).passages == [{"text": "Pads squeal."}]  # pyright: ignore[reportArgumentType]
    with pytest.raises(InvalidInput, match=r"documents\.0\.text: Input should be a string, not null\. Correct"):
        build(IngestRequest, documents=[{"text": None}])  # pyright: ignore[reportArgumentType]


def test_dates_of_python_become_iso_texts() -> None:
    day, moment = date(2024, 5, 1), datetime(2024, 5, 1, 10, 30, tzinfo=UTC)
    ingested = build(
        IngestRequest, documents=[{"text": "x", "metadata": {"when": [day, moment]}}], metadata={"on": day}
    )
    assert ingested.document_list[0].get("metadata") == {"when": ["2024-05-01", "2024-05-01T10:30:00+00:00"]}
    assert ingested.metadata == {"on": "2024-05-01"}
    filter_ = {"any": [{"when": {"gte": day}}, {"not": {"when": day}}]}
    expected = {"any": [{"when": {"gte": "2024-05-01"}}, {"not": {"when": "2024-05-01"}}]}
    assert (
        build(SearchRequest, "x", filter=filter_).filter == build(DeleteRequest, "c", filter=filter_).filter == expected
    )


@pytest.mark.parametrize(
    ("arguments", "wrong"),
    [
        ({"limit": 500}, "limit: 500 is above the maximum of 200."),
        ({"limit": 0}, "limit: 0 is below the minimum of 1."),
        ({"limit": "many"}, 'limit: Input should be an integer, not "many".'),
        ({"limit": 2.5}, "limit: Input should be an integer, not 2.5."),
        ({"limit": 10**5_000}, "limit: Input should be less than or equal to 200."),
        ({"diversity": float("nan")}, "diversity: Input should be less than or equal to 1, not NaN."),
        ({"mode": "fuzzy"}, "mode: Input should be 'hybrid', 'dense' or 'keyword', not \"fuzzy\"."),
        ({"mode": "x" * 50}, "mode: Input should be 'hybrid', 'dense' or 'keyword'."),
        ({"collection": [7]}, "collection.0: Input should be a string, not 7."),
        ({"filter": "x"}, 'filter: Input should be an object, not "x".'),
    ],
)
def test_refused_value_is_shown_if_it_is_short(arguments: dict[str, Any], wrong: str) -> None:
    with pytest.raises(InvalidInput, match=re.escape(f"Invalid arguments: {wrong} Correct them")):
        build(SearchRequest, "x", **arguments)


def test_filter_that_nests_too_deep_is_left_for_its_parser() -> None:
    filter_: dict[str, Any] = {"lang": "en"}
    for _ in range(5_000):
        filter_ = {"not": filter_}
    assert build(SearchRequest, "x", filter=filter_).filter.keys() == {"not"}


def test_argument_without_a_name_is_called_by_it() -> None:
    with pytest.raises(
        InvalidInput, match=r"passages\.0\.content: unknown field\. Did you mean 'text'\?.* Known: text"
    ):
        build(LlmRerankRequest, "brakes", [{"text": "Pads squeal.", "content": "pads"}])  # pyright: ignore[reportArgumentType]
    with pytest.raises(InvalidInput, match="query: Input should be a string"):
        build(RerankRequest, 5, ["Pads squeal."])  # pyright: ignore[reportArgumentType]
