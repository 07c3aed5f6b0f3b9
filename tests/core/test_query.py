"""The query keeps its words on the way, and its deadline only ever comes nearer."""

from math import inf

import pytest

from resift.core.query import Query


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_texts_are_the_query_and_its_phrasings_without_empty_ones() -> None:
    assert Query("a", phrasings=("b", "")).texts == ("a", "b")
    assert Query("", phrasings=("b",)).texts == ("b",)


def test_without_a_deadline_there_is_time_for_every_stage() -> None:
    query = Query("a", clock=Clock())
    assert (query.has_deadline, query.seconds_left) == (False, inf)
    assert query.share(3) == query


def test_deadline_comes_nearer_and_never_moves_away() -> None:
    clock = Clock()
    query = Query("a", clock=clock).within(6.0)
    clock.now += 1
    assert query.seconds_left == pytest.approx(5.0)
    assert query.within(10.0).seconds_left == pytest.approx(5.0)
    assert query.share(5).seconds_left == pytest.approx(1.0)
    clock.now += 9
    assert query.seconds_left == pytest.approx(-4.0)


def test_model_that_follows_no_instructions_gets_none() -> None:
    query = Query("a", instruction="prefer tables")
    assert query.without_instruction().instruction == ""
    assert query.without_instruction().text == "a"
    plain = Query("a")
    assert plain.without_instruction() is plain
