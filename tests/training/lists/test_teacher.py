"""Targets: what share of them is the teacher's opinion, and whose opinion it is."""

from math import exp
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resift.models.bundled import RERANKER_FOLDER
from resift.models.pair.loading import find_cross_encoder
from resift.training.lists.drawing import CandidateList
from resift.training.lists.teacher import add_targets, score_by_reranker, score_by_retrieval

JUDGED = CandidateList("q", ["a", "b", "c"], labels=[0.0, 1.0, 0.0], fused=[0.9, 0.8, 0.1])
UNJUDGED = CandidateList("q", ["a", "b", "c"], labels=[], fused=[0.9, 0.8, 0.1])


def second(drawn: CandidateList) -> list[float]:
    """Think of nothing but the second passage."""
    return [-1000.0, 0.0, -1000.0]


@given(st.floats(0, 1), st.lists(st.floats(0, 1), min_size=2, max_size=8), st.booleans())
def test_targets_sum_to_one(share: float, fused: list[float], judged: bool) -> None:
    drawn = CandidateList(
        "q", list(map(str, fused)), labels=[1.0, *[0.0] * (len(fused) - 1)] if judged else [], fused=fused
    )
    [taught] = add_targets([drawn], score_by_retrieval, share=share)
    assert sum(taught.targets) == pytest.approx(1)
    assert min(taught.targets) >= 0


def test_without_a_share_only_labels_are_aimed_at() -> None:
    [taught] = add_targets([JUDGED], score_by_retrieval, share=0)
    assert taught.targets == JUDGED.labels


def test_what_nobody_judged_is_the_teachers_whatever_the_share() -> None:
    [taught] = add_targets([UNJUDGED], second, share=0.2)
    assert taught.targets == pytest.approx([0, 1, 0])


def test_retrieval_likes_what_it_scored_higher() -> None:
    [taught] = add_targets([UNJUDGED], score_by_retrieval, share=0.2)
    assert taught.targets == sorted(taught.targets, reverse=True)
    assert taught.targets[0] / taught.targets[1] == pytest.approx(exp(12 * 0.1))


def test_lists_stay_in_their_order_on_several_threads() -> None:
    drawn = [CandidateList(str(n), ["a", "b"], labels=[], fused=[Random(n).random(), 0.5]) for n in range(50)]
    assert [each.query for each in add_targets(drawn, score_by_retrieval, share=1, threads=4)] == [
        each.query for each in drawn
    ]


def test_a_reranker_teaches_its_own_order() -> None:
    passages = ["Bread is baked in an oven.", "The kettle boils water for tea.", "A loom weaves cloth."]
    question = CandidateList("what boils water?", passages, labels=[], fused=[0.9, 0.1, 0.9])
    [taught] = add_targets([question], score_by_reranker(find_cross_encoder(str(RERANKER_FOLDER)).open()), share=0.7)
    assert taught.targets[1] == max(taught.targets) > 0.5
