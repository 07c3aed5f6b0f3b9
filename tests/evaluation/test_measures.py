from math import log2

import pytest

from resift.evaluation.measures import MEASURES, first_relevant_rank, means, oracle_recall, per_query

GRADES = {"q": {"z": 2, "b": 1, "n": 0}, "r": {"a": 1}}


def test_measures_are_those_of_the_definitions() -> None:
    found = per_query(GRADES, {"q": ["x", "b", "z"]}, MEASURES)
    ideal = 2 + 1 / log2(3)
    assert found["nDCG@10"]["q"] == pytest.approx((1 / log2(3) + 2 / log2(4)) / ideal)
    assert (found["RR@10"]["q"], found["R@5"]["q"]) == (0.5, 1.0)
    assert list(found) == list(MEASURES)


def test_order_decides_and_document_ids_do_not() -> None:
    # trec_eval puts the greater id first where scores are equal.
    for first, second in (("z", "x"), ("z", "zz")):
        assert per_query(GRADES, {"q": [first, second]}, ["RR@10"])["RR@10"]["q"] == 1.0
        assert per_query(GRADES, {"q": [second, first]}, ["RR@10"])["RR@10"]["q"] == 0.5


def test_ranks_deep_in_an_order_stay_distinct() -> None:
    order = [f"d{place:03}" for place in range(199)]
    assert per_query(GRADES, {"q": [*order, "z"]}, ["R@199", "R@200"]) == {"R@199": {"q": 0.0}, "R@200": {"q": 0.5}}


def test_query_without_hits_scores_zero_and_a_query_not_asked_is_left_out() -> None:
    found = per_query(GRADES, {"q": [], "r": ["a"]}, ["R@5"])
    assert found == {"R@5": {"q": 0.0, "r": 1.0}}
    assert means(found) == {"R@5": 0.5}
    assert per_query(GRADES, {"r": ["a"]}, ["R@5"]) == {"R@5": {"r": 1.0}}


def test_rank_of_the_first_relevant_document_counts_from_one() -> None:
    assert first_relevant_rank(GRADES["q"], ["n", "x", "b", "z"]) == 3
    assert first_relevant_rank(GRADES["q"], ["n", "x"]) == 0


def test_oracle_recall_is_bounded_by_the_cutoff_and_by_what_was_found() -> None:
    many = {f"d{number}": 1 for number in range(10)} | {"n": 0}
    assert oracle_recall(many, [*many], cutoff=5) == 0.5
    assert oracle_recall(many, ["x", "d1", "n"], cutoff=5) == 0.1
    assert oracle_recall({"n": 0}, ["n"], cutoff=5) == 0.0
