"""The blend: a convex combination, between the orders of its signals."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resift.rerank.blend import blend, restrict, with_shares
from resift.search.fusion import scale

PAIRS = st.lists(st.tuples(st.integers(-50, 50), st.integers(-50, 50)), min_size=1, max_size=20)
SHARES = st.fixed_dictionaries({}, optional={"recency": st.floats(0, 0.5), "boost": st.floats(0, 0.5)})


def order(scores: Sequence[float]) -> list[int]:
    return sorted(range(len(scores)), key=lambda place: -scores[place])


def blend_pairs(pairs: Sequence[tuple[int, int]], weight: float) -> list[float]:
    fused, reranked = (scale([float(pair[side]) for pair in pairs], "min-max") for side in (0, 1))
    return blend({"fused": fused, "rerank": reranked}, {"fused": 1 - weight, "rerank": weight})


@given(PAIRS, st.floats(0, 1))
def test_blend_lies_between_zero_and_one(pairs: list[tuple[int, int]], weight: float) -> None:
    blended = blend_pairs(pairs, weight)
    assert len(blended) == len(pairs)
    assert all(0 <= score <= 1 + 1e-9 for score in blended)


@given(PAIRS)
def test_weight_zero_keeps_the_order_and_weight_one_is_the_rerankers(pairs: list[tuple[int, int]]) -> None:
    assert order(blend_pairs(pairs, 0.0)) == order([pair[0] for pair in pairs])
    assert order(blend_pairs(pairs, 1.0)) == order([pair[1] for pair in pairs])


@given(PAIRS, st.floats(0.01, 0.99))
def test_hit_that_both_prefer_stays_ahead(pairs: list[tuple[int, int]], weight: float) -> None:
    blended = blend_pairs(pairs, weight)
    for one, first in zip(pairs, blended, strict=True):
        for other, second in zip(pairs, blended, strict=True):
            if one[0] >= other[0] and one[1] >= other[1]:
                assert first >= second - 1e-9


def test_blend_by_hand() -> None:
    signals = {"fused": [1.0, 0.5, 0.0], "rerank": [0.0, 1.0, 0.5], "recency": [0.5, 0.0, 1.0], "unused": [1.0]}
    assert blend(signals, {"fused": 0.5, "rerank": 0.3, "recency": 0.2}) == pytest.approx([0.6, 0.55, 0.35])


@pytest.mark.parametrize("weights", [{"a": 0.4}, {"a": 1.2, "b": -0.2}, {}])
def test_weights_that_are_not_convex_are_a_mistake(weights: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="sum to 1"):
        blend({"a": [1.0], "b": [1.0]}, weights)


def test_weight_without_a_signal_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="weights without a signal: b"):
        blend({"a": [1.0]}, {"a": 0.5, "b": 0.5})


def test_lists_of_different_lengths_are_a_mistake() -> None:
    with pytest.raises(ValueError, match="zip"):
        blend({"a": [1.0, 2.0], "b": [1.0]}, {"a": 0.5, "b": 0.5})


@given(st.floats(0, 1), SHARES)
def test_further_signals_leave_the_others_their_proportions(weight: float, shares: dict[str, float]) -> None:
    weights = with_shares({"fused": 1 - weight, "rerank": weight}, shares)
    assert sum(weights.values()) == pytest.approx(1)
    left = 1 - sum(shares.values())
    assert weights["rerank"] == pytest.approx(left * weight)
    if left > 1e-3:
        back = restrict(weights, ["fused", "rerank"])
        assert back == pytest.approx({"fused": 1 - weight, "rerank": weight})


def test_without_any_signal_left_retrieval_decides() -> None:
    assert restrict({"recency": 1.0}, ["fused", "rerank"]) == {"fused": 1.0}
