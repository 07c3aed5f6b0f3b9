"""The arguments of a search: what is cleaned, what is bounded, what is refused."""

from datetime import UTC, datetime
from time import perf_counter
from typing import Any

import pytest
from pydantic import ValidationError

from resift.core.errors import InvalidInput
from resift.pipeline.request import MAX_QUERY_CHARACTERS, SearchRequest, clean_query, prepare, query_of


@pytest.mark.parametrize("query", ["", "   ", "\n\t"])
def test_empty_query_is_refused_with_an_example(query: str) -> None:
    with pytest.raises(InvalidInput, match=r"The query is empty\. Ask in words"):
        clean_query(query)


def test_query_of_a_megabyte_is_refused_with_its_length() -> None:
    with pytest.raises(InvalidInput, match="1,048,576 characters, more than the limit of 10,000"):
        clean_query("x" * 2**20)
    assert clean_query("x" * MAX_QUERY_CHARACTERS)


def test_long_instruction_is_refused_with_its_length() -> None:
    with pytest.raises(InvalidInput, match="instruction has 200,000 characters, more than the limit of 10,000"):
        prepare(SearchRequest("q", instruction="x" * 200_000))
    assert prepare(SearchRequest("q", instruction="x" * 10_000))


def test_space_around_a_query_is_removed() -> None:
    assert clean_query("  how to \n") == "how to"


def test_phrasings_and_instruction_are_cleaned_as_the_query_is() -> None:
    torn = " half of a pair: \ud800\n"
    prepared = prepare(SearchRequest(torn, queries=[torn], instruction=torn))
    cleaned = "half of a pair: ?"
    assert (prepared.query, prepared.queries, prepared.instruction) == (cleaned, (cleaned,), cleaned)


def test_names_of_fields_to_prefer_by_are_composed_as_metadata_is() -> None:
    prepared = prepare(
        SearchRequest("q", recency={"field": "da\u0301ta", "weight": 0.5}, boost={"sta\u0308dt": {"x": 2}})
    )
    assert prepared.recency == {"field": "d\u00e1ta", "weight": 0.5}
    assert prepared.boost == {"st\u00e4dt": {"x": 2}}


def test_examples_take_the_place_of_a_query() -> None:
    assert prepare(SearchRequest(" ", like=["d#0"])).query == ""
    with pytest.raises(InvalidInput, match="The query is empty"):
        prepare(SearchRequest(unlike=["d#0"]))


def test_last_page_ends_with_the_hits_that_can_be_paged_through() -> None:
    assert prepare(SearchRequest("q", offset=195, limit=50)).limit == 5
    assert prepare(SearchRequest("q", offset=150, limit=50)).limit == 50


@pytest.mark.parametrize(
    ("request_", "message"),
    [
        (SearchRequest("q", queries=["p"] * 9), "`queries` takes at most 8 phrasings, got 9"),
        (SearchRequest("q", queries=[" "]), "The query is empty"),
        (SearchRequest("q", like=["d#0"] * 11, unlike=["d#1"] * 10), "at most 20 passages together"),
        (SearchRequest("q", mode="keyword", like=["d#0"]), "Use mode 'hybrid' or 'dense'"),
        (SearchRequest("q", mode="keyword", unlike=["d#0"]), "Use mode 'hybrid' or 'dense'"),
    ],
)
def test_arguments_that_do_not_fit_together_are_refused(request_: SearchRequest, message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        prepare(request_)


@pytest.mark.parametrize(
    ("argument", "message"),
    [
        ({"offset": 200}, "less than or equal to 199"),
        ({"limit": 0}, "greater than or equal to 1"),
        ({"limit": 201}, "less than or equal to 200"),
        ({"depth": 201}, "less than or equal to 200"),
        ({"diversity": float("nan")}, "less than or equal to 1"),
        ({"min_relevance": 1.5}, "less than or equal to 1"),
        ({"rerank_weight": -0.1}, "greater than or equal to 0"),
        ({"time_budget_ms": -1}, "greater than or equal to 0"),
        ({"mode": "words"}, "'hybrid', 'dense' or 'keyword'"),
        ({"queries": 3}, "instance of Sequence"),
        ({"boost": {"kind": 2}}, "valid dictionary"),
        ({"reranked": "maxsim"}, "Unexpected keyword argument"),
    ],
)
def test_arguments_out_of_range_are_named(argument: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message) as refused:
        SearchRequest("q", **argument)
    [error] = refused.value.errors()
    assert error["loc"][0] in argument


def test_query_carries_the_words_of_the_request_and_the_time() -> None:
    now = datetime(2026, 7, 1, tzinfo=UTC)
    request = prepare(SearchRequest("q", queries=["p"], instruction="newest"))
    query = query_of(request, clock=perf_counter, now=now)
    assert (query.text, query.texts, query.instruction) == ("q", ("q", "p"), "newest")
    assert (query.clock, query.now, query.has_deadline) == (perf_counter, now, False)


def test_a_single_phrasing_need_not_be_a_list() -> None:
    assert prepare(SearchRequest("q", queries="other words")).queries == ("other words",)
