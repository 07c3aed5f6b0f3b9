"""Learning from use: hits at low ranks are seen less often, so each use of one counts more."""

import numpy as np
import pytest

from resift.core.values import Hit, Passage
from resift.evaluation.tuning.feedback import MAX_HIT_WEIGHT, join_repeated_searches, weight_by_propensity
from resift.evaluation.tuning.ranking_fit import RankingFit, fit_ranking
from resift.evaluation.tuning.samples import Sample
from resift.rerank.signals import Mix
from resift.store.feedback_log import Searched, ShownHit, UsedSearch

EVEN = {"fused": 0.5, "rerank": 0.5}


def sample(random: np.random.Generator, *, right: int, by_rerank: bool) -> Sample:
    """Return a sample of ten hits whose relevant one is at index `right`, and first by rerank score if `by_rerank`."""
    fused = np.linspace(1.0, 0.1, 10)
    rerank = random.random(10) * 0.8
    rerank[right] = 1.0 if by_rerank else 0.0
    hits = [
        Hit(
            Passage(f"d{place}", 0, text="text"),
            float(fused[place]),
            rank=place + 1,
            scores={"fused": float(fused[place]), "rerank": float(rerank[place])},
            ranks={"dense": place + 1},
            was=place + 1,
        )
        for place in range(10)
    ]
    return Sample(tuple(hits), {}, mix=Mix({}))


def use(*ranks: int) -> UsedSearch:
    shown = [ShownHit(f"d{place}#0", f"d{place}", rank=place + 1) for place in range(10)]
    return UsedSearch(Searched("c", "q", shown=shown), [each for each in shown if each.rank in ranks])


def fit_uses(position_bias: float) -> RankingFit:
    """Return the fit to uses by readers who look at rank r with probability 1/r.

    The reranker is right in two of three searches, but its relevant hits are at rank 5, which four in five readers
    never look at.
    """
    random = np.random.default_rng(4)
    samples, uses = list[Sample](), list[UsedSearch]()
    for number in range(180):
        by_rerank = number % 3 != 0
        place = 4 if by_rerank else 0
        if random.random() < 1 / (place + 1):
            samples.append(sample(random, right=place, by_rerank=by_rerank))
            uses.append(use(place + 1))
    assert sum(each.used[0].rank == 1 for each in uses) > len(uses) / 2, "most uses are of the first hit"
    return fit_ranking(
        weight_by_propensity(samples, uses, position_bias=position_bias), weights=EVEN, relevance=None, depths=[50]
    )


def test_position_bias_is_corrected() -> None:
    naive, corrected = fit_uses(0.0), fit_uses(1.0)
    assert naive.after.weights["rerank"] < 0.5, "uncorrected, uses favour the order that was shown"
    assert corrected.after.weights["rerank"] > 0.5
    assert corrected.after.depth == 50
    assert corrected.relevance is None


def test_weights_are_clipped_inverse_propensities_with_mean_one() -> None:
    random = np.random.default_rng(5)
    samples = [sample(random, right=0, by_rerank=True) for _ in range(3)]
    uses = [use(1), use(2, 4), UsedSearch(use().searched, [ShownHit("d0#0", "d0", rank=50)])]
    weighted = weight_by_propensity(samples, uses, position_bias=1.0)
    assert [each.grades for each in weighted] == [{"d0": 1.0}, {"d1": 2.0, "d3": 4.0}, {"d0": MAX_HIT_WEIGHT}]
    assert [each.weight for each in weighted] == pytest.approx([3 / 17, 18 / 17, 30 / 17])
    assert {each.weight for each in weight_by_propensity(samples[:1], uses[:1], position_bias=0.0)} == {1.0}


def test_searches_that_ask_the_same_are_one_question_in_the_order_of_the_last() -> None:
    def asked(query: str, rank: int, **searched_in: str) -> UsedSearch:
        shown = [ShownHit(f"d{rank}#0", f"d{rank}", rank=rank)]
        return UsedSearch(Searched("c", query, shown=shown, filter=searched_in), shown)

    uses = [asked("why?", 1), asked("what?", 2), asked("Why? ", 3), asked("why?", 4, kind="note"), asked("what?", 2)]
    joined = join_repeated_searches(uses)
    assert [(each.searched.query, [hit.rank for hit in each.used]) for each in joined] == [
        ("Why? ", [1, 3]),
        ("why?", [4]),
        ("what?", [2, 2]),
    ]


def test_document_used_at_several_ranks_counts_once_at_the_lowest() -> None:
    random = np.random.default_rng(6)
    at_both = UsedSearch(use().searched, [ShownHit("d0#1", "d0", rank=4), ShownHit("d0#0", "d0", rank=1)])
    samples = [sample(random, right=0, by_rerank=True)]
    (weighted,) = weight_by_propensity(samples, [at_both], position_bias=1.0)
    assert weighted.grades == {"d0": 4.0}
