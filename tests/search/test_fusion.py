"""Fusion: what every form of it must keep, and exact values."""

from collections.abc import Callable, Sequence
from typing import TypeAlias

import pytest
from hypothesis import given
from hypothesis import strategies as st
from qdrant_client.hybrid.fusion import distribution_based_score_fusion, reciprocal_rank_fusion
from qdrant_client.models import ScoredPoint

from resift.search.fusion import RRF_K, Scaling, best_first, convex, distribution_based, reciprocal_rank, scale

Leg: TypeAlias = list[tuple[int, float]]
Fuse: TypeAlias = Callable[[Sequence[Leg]], list[tuple[int, float]]]

SCORES = st.floats(-100, 100, width=32)


@st.composite
def a_leg(draw: st.DrawFn) -> Leg:
    keys = draw(st.lists(st.integers(0, 30), unique=True, max_size=15))
    scores = draw(st.lists(SCORES, min_size=len(keys), max_size=len(keys)))
    return list(zip(keys, sorted(scores, reverse=True), strict=True))


LEGS = st.lists(a_leg(), min_size=1, max_size=4)
WEIGHTS = st.lists(st.floats(0.01, 10), min_size=4, max_size=4)


def equal_convex(legs: Sequence[Leg]) -> list[tuple[int, float]]:
    scalings: list[Scaling] = ["min-max"] * len(legs)
    return convex(legs, weights=[1.0] * len(legs), scalings=scalings)


EVERY_FUSION = pytest.mark.parametrize("fuse", [reciprocal_rank, distribution_based, equal_convex])


@EVERY_FUSION
@given(legs=LEGS)
def test_fused_order_is_a_permutation_of_the_union(fuse: Fuse, legs: list[Leg]) -> None:
    fused = fuse(legs)
    assert sorted(key for key, _ in fused) == sorted({key for leg in legs for key, _ in leg})
    assert [score for _, score in fused] == sorted((score for _, score in fused), reverse=True)


@EVERY_FUSION
@given(leg=a_leg(), other=a_leg())
def test_order_does_not_depend_on_the_order_of_legs(fuse: Fuse, leg: Leg, other: Leg) -> None:
    assert fuse([leg, other]) == fuse([other, leg])


@EVERY_FUSION
def test_nothing_found_fuses_to_nothing(fuse: Fuse) -> None:
    assert fuse([[], []]) == []


@given(legs=LEGS)
def test_one_leg_keeps_its_order_in_rrf(legs: list[Leg]) -> None:
    assert [key for key, _ in reciprocal_rank(legs[:1])] == [key for key, _ in legs[0]]


@given(keys=st.lists(st.text(max_size=4), unique=True, max_size=20), data=st.data())
def test_ties_are_ordered_by_key_whatever_the_order_they_come_in(keys: list[str], data: st.DataObject) -> None:
    shuffled = data.draw(st.permutations(keys))
    assert best_first(dict.fromkeys(shuffled, 1.0)) == [(key, 1.0) for key in sorted(keys)]


@given(legs=LEGS, weights=WEIGHTS, factor=st.sampled_from([0.25, 2.0, 8.0]))
def test_only_the_ratio_of_weights_counts(legs: list[Leg], weights: list[float], factor: float) -> None:
    weights = weights[: len(legs)]
    more = [factor * weight for weight in weights]
    scaled = reciprocal_rank(legs, weights=more)
    assert scaled == [(key, factor * score) for key, score in reciprocal_rank(legs, weights=weights)]
    scalings: list[Scaling] = ["max"] * len(legs)
    before, after = (convex(legs, weights=each, scalings=scalings) for each in (weights, more))
    assert dict(after) == pytest.approx(dict(before))


@given(legs=LEGS)
def test_weights_of_one_are_no_weights(legs: list[Leg]) -> None:
    assert reciprocal_rank(legs, weights=[1.0] * len(legs)) == reciprocal_rank(legs)


@given(leg=a_leg(), other=a_leg())
def test_leg_without_weight_adds_nothing(leg: Leg, other: Leg) -> None:
    alone = dict(equal_convex([leg]))
    fused = dict(convex([leg, other], weights=[1.0, 0.0], scalings=["min-max", "min-max"]))
    assert fused == {**dict.fromkeys(dict(other), 0.0), **alone}


@given(legs=LEGS.filter(lambda legs: len(legs[0]) > 1), weights=WEIGHTS, data=st.data())
def test_better_rank_never_lowers_the_score(legs: list[Leg], weights: list[float], data: st.DataObject) -> None:
    place = data.draw(st.integers(1, len(legs[0]) - 1))
    first = list(legs[0])
    first[place - 1], first[place] = first[place], first[place - 1]
    key, weights = legs[0][place][0], weights[: len(legs)]
    before = dict(reciprocal_rank(legs, weights=weights))
    after = dict(reciprocal_rank([first, *legs[1:]], weights=weights))
    assert after[key] > before[key]


@given(legs=LEGS, weights=WEIGHTS, data=st.data())
def test_convex_scores_lie_between_zero_and_one(legs: list[Leg], weights: list[float], data: st.DataObject) -> None:
    choice: st.SearchStrategy[Scaling] = st.sampled_from(["max", "min-max"])
    scalings = data.draw(st.lists(choice, min_size=len(legs), max_size=len(legs)))
    fused = convex(legs, weights=weights[: len(legs)], scalings=scalings)
    assert all(0 <= score <= 1 + 1e-9 for _, score in fused)


@given(legs=LEGS)
def test_legs_are_not_changed(legs: list[Leg]) -> None:
    before = [list(leg) for leg in legs]
    for fuse in (reciprocal_rank, distribution_based, equal_convex):
        fuse(legs)
    assert legs == before


def test_rrf_is_the_published_formula() -> None:
    legs = [[("a", 9.0), ("b", 8.0)], [("b", 0.5), ("c", 0.4), ("a", 0.3)]]
    expected = {"a": 1 / 61 + 1 / 63, "b": 1 / 62 + 1 / 61, "c": 1 / 62}
    assert dict(reciprocal_rank(legs)) == pytest.approx(expected)
    weighted = {"a": 2 / 61 + 0.5 / 63, "b": 2 / 62 + 0.5 / 61, "c": 0.5 / 62}
    assert dict(reciprocal_rank(legs, weights=[2, 0.5])) == pytest.approx(weighted)
    assert dict(reciprocal_rank(legs, k=1)) == pytest.approx({"a": 1 / 2 + 1 / 4, "b": 1 / 3 + 1 / 2, "c": 1 / 3})


def points(legs: list[Leg]) -> list[list[ScoredPoint]]:
    return [[ScoredPoint(id=key, version=0, score=score) for key, score in leg] for leg in legs]


@given(legs=LEGS)
def test_rrf_agrees_with_qdrant(legs: list[Leg]) -> None:
    # Qdrant adds its constant to ranks that count from 0, less one.
    theirs = reciprocal_rank_fusion(points(legs), limit=100, ranking_constant_k=RRF_K + 1)
    assert dict(reciprocal_rank(legs)) == pytest.approx({point.id: point.score for point in theirs})


# Eighths are exact in binary, so that the mean of equal scores is exact and their deviation 0 in Qdrant too.
APART = st.integers(-1000, 1000).map(lambda number: number / 8)


@st.composite
def a_leg_apart(draw: st.DrawFn) -> Leg:
    keys = [key for key, _ in draw(a_leg())]
    scores = draw(st.lists(APART, min_size=len(keys), max_size=len(keys)))
    return list(zip(keys, sorted(scores, reverse=True), strict=True))


@given(legs=st.lists(a_leg_apart(), min_size=1, max_size=4))
def test_dbsf_agrees_with_qdrant(legs: list[Leg]) -> None:
    theirs = distribution_based_score_fusion(points(legs), limit=100)
    assert dict(distribution_based(legs)) == pytest.approx({point.id: point.score for point in theirs}, abs=1e-6)


def test_dbsf_by_hand() -> None:
    # Mean 2, deviation 1: from -1 to 5.
    assert distribution_based([[("a", 3.0), ("b", 2.0), ("c", 1.0)]]) == [("a", 4 / 6), ("b", 3 / 6), ("c", 2 / 6)]
    assert distribution_based([[("a", 7.0)], [("a", 1.0), ("b", 1.0)]]) == [("a", 1.0), ("b", 0.5)]


def test_bm25_over_its_maximum_keeps_the_worth_of_its_last_hit() -> None:
    # A short query matches three documents about equally: min-max would call the third worthless.
    leg = [("a", 10.0), ("b", 9.5), ("c", 9.0)]
    assert scale([score for _, score in leg], "max") == [1.0, 0.95, 0.9]
    assert scale([score for _, score in leg], "min-max") == [1.0, 0.5, 0.0]
    dense = [("d", 0.8), ("c", 0.7), ("e", 0.4)]
    over_max = convex([dense, leg], weights=[0.4, 0.6], scalings=["min-max", "max"])
    assert [key for key, _ in over_max] == ["c", "a", "b", "d", "e"]
    assert dict(over_max) == pytest.approx({"c": 0.3 + 0.54, "a": 0.6, "b": 0.57, "d": 0.4, "e": 0.0})
    min_max = convex([dense, leg], weights=[0.4, 0.6], scalings=["min-max", "min-max"])
    assert next(key for key, _ in min_max) == "a"


def test_equal_scores_scale_to_one() -> None:
    assert scale([3.0, 3.0], "min-max") == [1.0, 1.0]
    assert scale([0.0, 0.0], "max") == [1.0, 1.0]
    assert scale([], "max") == []
