"""Maximal marginal relevance: what repeats comes later."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from resift.core.query import Query
from resift.core.values import Ranking
from resift.core.vectors import AnyVector
from resift.rerank.stages.diversity import diversify, maximal_marginal_relevance
from resift.rerank.stages.order import OrderStage, PlannedOrder, scored_by_rank
from resift.tests.rerank.stages.heads import Reverses, order, ranking, run

TWINS = np.array([[1, 0], [1, 0], [0.8, 0.6], [0, 1]], np.float32)


def test_twin_of_a_better_hit_comes_after_what_is_new() -> None:
    places = [place for place, _ in maximal_marginal_relevance([1.0, 0.9, 0.5, 0.4], TWINS, diversity=0.5)]
    assert places == [0, 3, 1, 2]
    assert [place for place, _ in maximal_marginal_relevance([1.0, 0.9, 0.5, 0.4], TWINS, diversity=0.1)] == [
        0,
        1,
        2,
        3,
    ]


def test_value_weighs_relevance_and_distance() -> None:
    values = [value for _, value in maximal_marginal_relevance([1.0, 0.9, 0.5, 0.4], TWINS, diversity=0.5)]
    assert values == pytest.approx([0.5 + 0.5, 0.2 + 0.5, 0.45, 0.25 + 0.5 * (1 - 0.8)])


def test_hit_without_a_vector_repeats_nothing() -> None:
    places = [
        place for place, _ in maximal_marginal_relevance([1.0, 0.9, 0.1], np.zeros((3, 2), np.float32), diversity=0.9)
    ]
    assert places == [0, 1, 2]


@pytest.mark.anyio
@pytest.mark.parametrize("diversity", [0.1, 0.2, 0.3])
async def test_irrelevant_hits_do_not_rise_after_a_model_that_only_orders(diversity: float) -> None:
    scores = [1.0, *(0.98 - n / 100 for n in range(9)), *(0.05 - n / 200 for n in range(10))]
    hits = [replace(hit, score=score) for hit, score in zip(ranking(20).hits, scores, strict=True)]
    before = Ranking(hits)
    places = (*range(9, -1, -1), *range(19, 9, -1))
    after = await run(before, PlannedOrder(OrderStage("llm", Reverses(places)), 20))
    angles = [*np.linspace(0.0, 0.3, 10), *np.linspace(1.4, 1.7, 10)]  # of two groups that have little in common
    vectors: list[AnyVector | None] = [np.array([np.cos(each), np.sin(each)], np.float32) for each in angles]
    diverse = diversify(scored_by_rank(after, before, 20), Query("q"), vectors=vectors, diversity=diversity)
    assert sorted(order(diverse)[:10]) == list(range(10))
    assert order(diverse)[0] == 9
    risen = diversify(after, Query("q"), vectors=vectors, diversity=diversity)
    assert sorted(order(risen)[:10]) != list(range(10)), "with 1/rank they would rise"


@given(scores=st.lists(st.floats(0, 1), min_size=1, max_size=12), seed=st.integers(0, 9999), diversity=st.floats(0, 1))
def test_each_hit_comes_once_and_values_fall(scores: list[float], seed: int, diversity: float) -> None:
    vectors = np.random.default_rng(seed).standard_normal((len(scores), 3)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    chosen = maximal_marginal_relevance(scores, vectors, diversity=diversity)
    assert sorted(place for place, _ in chosen) == list(range(len(scores)))
    values = [value for _, value in chosen]
    assert all(one >= other - 1e-6 for one, other in pairwise(values))
    assert all(-1e-6 <= value <= 1 + 1e-6 for value in values)
    if diversity == 0:
        assert [place for place, _ in chosen] == sorted(range(len(scores)), key=lambda place: -scores[place])
