"""A wrong name of an argument is answered with the right one, also if another search tool calls it so."""

import pytest

from resift.api.arguments import names
from resift.api.requests import DeleteRequest, IngestRequest, ReadRequest, RerankRequest
from resift.api.synonyms import suggest
from resift.pipeline.request import SearchRequest


@pytest.mark.parametrize(
    ("request_", "wrong", "right"),
    [
        (SearchRequest, "top_k", "limit"),
        (SearchRequest, "topK", "limit"),
        (SearchRequest, "k", "limit"),
        (SearchRequest, "n", "limit"),
        (SearchRequest, "n_results", "limit"),
        (SearchRequest, "top_n", "limit"),
        (SearchRequest, "size", "limit"),
        (SearchRequest, "q", "query"),
        (SearchRequest, "Query", "query"),
        (SearchRequest, "question", "query"),
        (SearchRequest, "query_texts", "queries"),
        (SearchRequest, "collection_name", "collection"),
        (SearchRequest, "index", "collection"),
        (SearchRequest, "where", "filter"),
        (SearchRequest, "score_threshold", "min_relevance"),
        (SearchRequest, "colection", "collection"),
        (SearchRequest, "time-budget-ms", "time_budget_ms"),
        (RerankRequest, "documents", "passages"),
        (RerankRequest, "top_n", "limit"),
        (IngestRequest, "path", "paths"),
        (IngestRequest, "file", "paths"),
        (IngestRequest, "files", "paths"),
        (IngestRequest, "texts", "documents"),
        (IngestRequest, "content", "documents"),
        (ReadRequest, "id", "document_id"),
        (DeleteRequest, "ids", "document_ids"),
    ],
)
def test_right_name_is_suggested(request_: type, wrong: str, right: str) -> None:
    assert suggest(wrong, names(request_)) == f" Did you mean {right!r}?"


@pytest.mark.parametrize("wrong", ["xyz", "", "force", "confirm", "yes"])
def test_nothing_is_suggested_for_what_means_nothing_and_no_deletion_for_a_confirmation(wrong: str) -> None:
    assert suggest(wrong, names(DeleteRequest)) == ""


def test_fields_of_a_document_have_suggestions_too() -> None:
    assert suggest("content", ["text", "title", "source", "metadata", "id"]) == " Did you mean 'text'?"
    assert suggest("page_content", ["text", "title", "source", "metadata", "id"]) == " Did you mean 'text'?"
    assert suggest("url", ["text", "title", "source", "metadata", "id"]) == " Did you mean 'source'?"
