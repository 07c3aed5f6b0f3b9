import pytest

from resift.core.errors import InvalidInput
from resift.core.values import Hit, Passage
from resift.pipeline.question import MAX_QUERY_CHARACTERS, Question, Verdict, check_query, checked, judge


@pytest.mark.parametrize("query", ["", "   ", "\n\t"])
def test_empty_query_is_refused_with_an_example(query: str) -> None:
    with pytest.raises(InvalidInput, match=r"The query is empty\. Ask in words"):
        check_query(query)


def test_query_of_a_megabyte_is_refused_with_its_length() -> None:
    with pytest.raises(InvalidInput, match="1,048,576 characters; at most 10,000 are taken"):
        check_query("x" * 2**20)
    assert check_query("x" * MAX_QUERY_CHARACTERS)


def test_space_around_a_query_is_taken_off() -> None:
    assert check_query("  how to \n") == "how to"


def test_instruction_is_cleaned_as_queries_are() -> None:
    assert checked(Question("q", instruction=" half of a pair: \ud800\n")).instruction == "half of a pair: ?"


@pytest.mark.parametrize(
    ("relevances", "verdict"),
    [
        ([], "none"),
        ([None, None], "unknown"),
        ([0.09, None], "none"),
        ([0.1, 0.2], "weak"),
        ([0.49, 0.5], "good"),
        ([None, 0.99], "good"),
    ],
)
def test_verdict_is_that_of_the_best_hit(relevances: list[float | None], verdict: Verdict) -> None:
    hits = [Hit(Passage("d", n, "text"), 0.0, n + 1, relevance=each) for n, each in enumerate(relevances)]
    assert judge(hits) == verdict
