from math import exp

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resift.core.values import Logistic

SCORES = st.floats(-1e6, 1e6)


@given(SCORES, SCORES)
def test_probability_rises_with_the_score(one: float, other: float) -> None:
    low, high = sorted((one, other))
    logistic = Logistic(10.0, -5.0)
    assert 0 <= logistic.probability(low) <= logistic.probability(high) <= 1


@given(st.floats(-30, 30))
def test_probability_is_that_of_platt(score: float) -> None:
    assert Logistic(2.0, 1.0).probability(score) == pytest.approx(1 / (1 + exp(-(2 * score + 1))))


def test_middle_is_a_half() -> None:
    assert Logistic(10.0, -5.0).probability(0.5) == 0.5
