"""Filters: what is refused, and what is said of it."""

import re
from typing import Any

import pytest

from resift.core.errors import InvalidFilter
from resift.store.fields import FieldType
from resift.store.filters import MAX_VALUES, MAX_WORD_CONDITIONS, All, AnyOf, parse_filter

FIELDS: dict[str, FieldType] = {
    "lang": "keyword",
    "größe": "integer",
    "version.minor": "number",
    "last seen": "date",
    "漢字 🚀": "boolean",
    "a/b[0]": "mixed",
}


def test_no_filter_is_no_condition() -> None:
    assert parse_filter({}, FIELDS) is None


def test_unknown_field_lists_the_known_ones_and_suggests_the_nearest() -> None:
    with pytest.raises(InvalidFilter) as caught:
        parse_filter({"langg": "en"}, {"lang": "keyword", "year": "integer"})
    assert "Unknown filter field 'langg'. Did you mean 'lang'?" in str(caught.value)
    assert "Known fields: document_id, lang, source, text, title, year." in str(caught.value)


@pytest.mark.parametrize("filter_", [{"not": {"colour": 1}}, {"any": [{"lang": "en"}, {"all": [{"colour": 1}]}]}])
def test_unknown_field_is_found_at_any_depth(filter_: dict[str, Any]) -> None:
    with pytest.raises(InvalidFilter, match="Unknown filter field 'colour'"):
        parse_filter(filter_, FIELDS)


def test_filter_that_would_overflow_the_stack_is_refused() -> None:
    filter_: dict[str, Any] = {"lang": "en"}
    for _ in range(5_000):
        filter_ = {"not": filter_}
    with pytest.raises(InvalidFilter, match="nests at most 16 deep"):
        parse_filter(filter_, FIELDS)


@pytest.mark.parametrize(
    "filter_",
    [
        {"lang": [str(number) for number in range(150_000)]},
        {"any": [{"lang": str(number)} for number in range(150_000)]},
        {"not": {"all": [{"größe": {"gte": number, "lt": 5}} for number in range(75_000)]}},
    ],
)
def test_filter_of_more_values_than_a_store_compares_soon_is_refused_with_their_number(filter_: dict[str, Any]) -> None:
    with pytest.raises(InvalidFilter, match=r"has 150,000 values, more than the limit of 1,000\."):
        parse_filter(filter_, FIELDS)


def test_filter_of_many_values_is_accepted() -> None:
    assert parse_filter({"lang": [str(number) for number in range(MAX_VALUES)]}, FIELDS)


def test_many_searches_for_words_in_one_filter_are_refused() -> None:
    matches = [{"text": {"match": f"word{number}"}} for number in range(MAX_WORD_CONDITIONS)]
    assert parse_filter({"any": matches}, FIELDS)
    with pytest.raises(InvalidFilter, match=r"has 17 conditions with 'match', more than the limit of 16\."):
        parse_filter({"any": matches, "not": {"title": {"match": "one more"}}}, FIELDS)
    with pytest.raises(InvalidFilter, match=r"'match' has 1,000,000 characters, more than the limit of 10,000\."):
        parse_filter({"text": {"match": "w" * 1_000_000}}, FIELDS)


REFUSALS: list[tuple[dict[str, Any], str]] = [
    ({"any": {"lang": "en"}}, "'any' takes a list of objects"),
    ({"any": []}, "'any' takes a list of objects"),
    ({"all": [{}]}, "'all' takes a list of objects"),
    ({"all": ["en"]}, "'all' takes a list of objects"),
    ({"text": "pads"}, "{'text': {'match': 'pads'}}"),
    ({"lang": {"match": "-!"}}, "'match' takes a text of words; got '-!'"),
    ({"lang": {"match": ["en"]}}, "'match' takes a text of words"),
    ({"lang": {"prefix": ""}}, "'prefix' takes a text; got ''"),
    ({"größe": {"match": "1"}}, "holds integer values, but 'match' is for texts"),
    ({"漢字 🚀": {"prefix": "t"}}, "holds boolean values, but 'prefix' is for texts"),
    (
        {"lang": {"match": "en", "suffix": "n"}},
        "match or prefix for text, a plain value for equality, or a list for one of several; got ['match', 'suffix'].",
    ),
    ({"not": "en"}, "'not' takes an object"),
    ({"not": {}}, "'not' takes an object"),
    ({"lang": None}, "not a text, number"),
    ({"lang": []}, "not a text, number"),
    ({"lang": [["en"]]}, "not a text, number"),
    ({"lang": [{"gte": 1}]}, "not a text, number"),
    ({"größe": float("nan")}, "not a text, number"),
    ({"größe": 10**400}, "not a text, number"),
    ({"größe": {}}, "use gte, gt, lte or lt for a range"),
    ({"größe": {"min": 1}}, "got ['min']. Instead of 'min', write {'größe': {'gte': 1}}."),
    ({"größe": {"$gt": 1}}, "Instead of '$gt', write {'größe': {'gt': 1}}."),
    ({"lang": {"in": ["en"]}}, "Instead of 'in', write {'lang': ['en']}."),
    ({"lang": {"$in": ["en", "de"]}}, "Instead of '$in', write {'lang': ['en', 'de']}."),
    ({"lang": {"eq": "en"}}, "Instead of 'eq', write {'lang': 'en'}."),
    ({"lang": {"ne": "en"}}, "Instead of 'ne', write {'not': {'lang': 'en'}}."),
    ({"lang": {"Not-In": ["en"]}}, "Instead of 'Not-In', write {'not': {'lang': ['en']}}."),
    ({"lang": {"all": ["en", "de"]}}, "Instead of 'all', write {'all': [{'lang': 'en'}, {'lang': 'de'}]}."),
    ({"lang": {"startsWith": "e"}}, "Instead of 'startsWith', write {'lang': {'prefix': 'e'}}."),
    ({"größe": {"gte": 1, "$lt": 3}}, "Instead of '$lt', write {'größe': {'gte': 1, 'lt': 3}}."),
    (
        {"größe": {"$gte": 1, "$lt": 3, "$ne": 2}},
        "Instead of '$gte', '$lt', '$ne', write {'all': [{'größe': {'gte': 1, 'lt': 3}}, {'not': {'größe': 2}}]}.",
    ),
    ({"lang": {"not in": ["en"]}}, "Instead of 'not in', write {'not': {'lang': ['en']}}."),
    ({"or": [{"lang": "en"}]}, "'or'. Instead of 'or', write {'any': [{...}, {...}]}. Known fields:"),
    ({"$and": [{"lang": "en"}]}, "Instead of '$and', write {'all': [{...}, {...}]}."),
    ({"must": [{"lang": "en"}]}, "Instead of 'must', write {'all': [{...}, {...}]}."),
    ({"$not": {"lang": "en"}}, "Instead of '$not', write {'not': {...}}."),
    ({"$where": "1"}, "'$where'. Filters are combined by any, all, not."),
    ({"größe": {"gte": True}}, "all numbers or all ISO dates"),
    ({"größe": {"gte": float("inf")}}, "all numbers or all ISO dates"),
    ({"größe": {"gte": [1]}}, "all numbers or all ISO dates"),
    ({"last seen": {"gte": "yesterday"}}, "all numbers or all ISO dates"),
    ({"last seen": {"gte": "2024-02-30"}}, "all numbers or all ISO dates"),
    ({"last seen": {"gte": "2024-05-01T10"}}, "all numbers or all ISO dates"),
    ({"last seen": {"gte": "2024-01-01", "lt": 2025}}, "all numbers or all ISO dates"),
    ({"größe": {"gte": "2024-01-01"}}, "holds integer values, but the bounds are dates"),
    ({"漢字 🚀": {"gte": "2024-01-01"}}, "holds boolean values, but the bounds are dates"),
    ({"last seen": {"gte": 2024}}, "holds date values, but the bounds are numbers"),
    ({"größe": "2024"}, "the field holds integer values; write 2024 without quotes"),
    ({"größe": [1, "-2.5"]}, "the field holds integer values; write -2.5 without quotes"),
    ({"漢字 🚀": "True"}, "the field holds boolean values; write True without quotes"),
]


def test_field_that_has_the_name_of_a_word_of_other_languages_is_filtered_by() -> None:
    assert parse_filter({"or": "en"}, {"or": "keyword"}) == All((AnyOf("or", ("en",)),))


@pytest.mark.parametrize(
    "condition",
    [
        {"$not": {"$eq": "en"}},
        {"$eq": {"a": 1}},
        {"contains": ["en"]},
        {"$in": []},
        {"$gt": 1, "near": 2},
        {"eq": None},
    ],
)
def test_condition_that_cannot_be_written_otherwise_is_refused_without_an_example(condition: dict[str, Any]) -> None:
    with pytest.raises(InvalidFilter, match=r"for one of several; got \[[^]]*\]\.$"):
        parse_filter({"lang": condition}, FIELDS)


@pytest.mark.parametrize(("filter_", "message"), REFUSALS)
def test_malformed_filter_is_refused_with_what_would_do(filter_: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidFilter, match=re.escape(message)):
        parse_filter(filter_, FIELDS)
