"""The blend: between the order of retrieval and that of the reranker."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resift.rerank.blend import blend

PAIRS = st.lists(st.tuples(st.integers(-50, 50), st.integers(-50, 50)), min_size=1, max_size=20)


def order(scores: list[float]) -> list[int]:
    return sorted(range(len(scores)), key=lambda place: -scores[place])


@given(PAIRS, st.floats(0, 1))
def test_blend_lies_between_zero_and_one(pairs: list[tuple[int, int]], weight: float) -> None:
    fused, reranked = zip(*pairs, strict=True)
    blended = blend(fused, reranked, weight=weight)
    assert len(blended) == len(pairs)
    assert all(0 <= score <= 1 + 1e-9 for score in blended)


@given(PAIRS)
def test_weight_zero_keeps_the_order_and_weight_one_is_the_rerankers(pairs: list[tuple[int, int]]) -> None:
    fused, reranked = ([float(pair[side]) for pair in pairs] for side in (0, 1))
    assert order(blend(fused, reranked, weight=0.0)) == order(fused)
    assert order(blend(fused, reranked, weight=1.0)) == order(reranked)


@given(PAIRS, st.floats(0.01, 0.99))
def test_hit_that_both_prefer_stays_ahead(pairs: list[tuple[int, int]], weight: float) -> None:
    fused, reranked = zip(*pairs, strict=True)
    blended = blend(fused, reranked, weight=weight)
    for one, first in zip(pairs, blended, strict=True):
        for other, second in zip(pairs, blended, strict=True):
            if one[0] >= other[0] and one[1] >= other[1]:
                assert first >= second - 1e-9


def test_blend_by_hand() -> None:
    assert blend([0.9, 0.5, 0.1], [1.0, 3.0, 2.0], weight=0.5) == pytest.approx([0.5, 0.75, 0.25])


def test_lists_of_different_lengths_are_a_mistake() -> None:
    with pytest.raises(ValueError, match="zip"):
        blend([1.0, 2.0], [1.0], weight=0.5)
