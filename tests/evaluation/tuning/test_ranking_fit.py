"""Fits to synthetic samples: settings that must be found, settings that must not, and the gain measured."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from resift.core.values import Hit, Logistic, Passage
from resift.evaluation.measures import per_query
from resift.evaluation.tuning.calibration import best_hits, fit_logistic, smoothed
from resift.evaluation.tuning.ranking_fit import fit_ranking, weight_grid
from resift.evaluation.tuning.samples import Sample, judged_scores, ndcg
from resift.rerank.blend import blend
from resift.rerank.signals import Mix, signals_of

WEIGHTS = {"fused": 0.8, "rerank": 0.2}
HITS = 60


def always_certain(score: float) -> float:
    return 0.99


def sample(random: np.random.Generator, rerank: Callable[[int, int], float]) -> Sample:
    """Return a sample whose relevant hit stands anywhere; `rerank` gives scores by place and relevant place."""
    right = int(random.integers(HITS))
    fused = np.sort(random.random(HITS))[::-1]
    hits = [
        Hit(
            Passage(f"d{place}", 0, text="text"),
            score=float(fused[place]),
            rank=place + 1,
            scores={"fused": float(fused[place]), "dense": float(fused[place]), "rerank": rerank(place, right)},
            ranks={"dense": place + 1},
            was=place + 1,
        )
        for place in range(HITS)
    ]
    return Sample(tuple(hits), {f"d{right}": 1}, mix=Mix({}))


def test_good_reranker_gets_weight_and_depth() -> None:
    random = np.random.default_rng(1)
    samples = [sample(random, lambda place, right: float(place == right) + random.random() / 2) for _ in range(60)]
    found = fit_ranking(samples, weights=WEIGHTS, relevance=always_certain)
    assert found.after.weights["rerank"] > 0.5
    assert found.after.depth == 75, "the relevant hits lie down to the sixtieth"
    assert found.gain.low > 0.3
    assert found.after.ndcg > 0.9
    assert found.is_safe
    assert sum(found.after.weights.values()) == pytest.approx(1)


def test_worthless_reranker_shows_no_certain_gain() -> None:
    random = np.random.default_rng(2)
    samples = [sample(random, lambda place, right: random.random()) for _ in range(60)]
    found = fit_ranking(samples, weights=WEIGHTS, relevance=always_certain)
    assert found.gain.low <= 0
    assert abs(found.gain.mean) < 0.05


def good(count: int) -> list[Sample]:
    random = np.random.default_rng(1)
    return [sample(random, lambda place, right: float(place == right) + random.random() / 2) for _ in range(count)]


def test_settings_in_use_are_compared_with_and_change_nothing_in_what_is_found() -> None:
    samples = good(40)
    first = fit_ranking(samples, weights=WEIGHTS, relevance=None)
    again = fit_ranking(samples, weights=WEIGHTS, relevance=None, in_use=(first.after.weights, first.after.depth))
    assert again.before == again.after == first.after
    assert not again.changes_settings
    assert again.gain.mean < 0.01 < first.gain.mean

    worse = fit_ranking(samples, weights=WEIGHTS, relevance=None, in_use=({"fused": 1.0, "rerank": 0.0}, 7))
    assert worse.after == first.after
    assert (worse.before.depth, worse.changes_settings) == (7, True)
    assert worse.gain.mean > first.gain.mean


def test_better_settings_in_use_are_not_replaced_by_a_gain_over_the_defaults() -> None:
    samples = good(40)
    best = fit_ranking(samples, weights=WEIGHTS, relevance=None).after
    narrow = fit_ranking(samples, weights=WEIGHTS, relevance=None, depths=[10], in_use=(best.weights, best.depth))
    assert narrow.after.ndcg < narrow.before.ndcg == best.ndcg
    assert narrow.gain.high < 0
    assert not narrow.is_safe


def test_same_samples_give_the_same_fit() -> None:
    random = np.random.default_rng(3)
    samples = [sample(random, lambda place, right: random.random()) for _ in range(25)]
    assert fit_ranking(samples, weights=WEIGHTS, relevance=always_certain) == fit_ranking(
        samples, weights=WEIGHTS, relevance=always_certain
    )


def unclear(random: np.random.Generator) -> Callable[[int, int], float]:
    """Return a reranker whose scores of right passages are often no higher than those of the best wrong ones."""
    return lambda place, right: random.normal(3.0, 1.0) if place == right else random.normal()


def correct_calibration() -> Logistic:
    """Return the calibration fitted to the best hits of many questions."""
    random = np.random.default_rng(9)
    return fit_logistic([best_hits(judged_scores(sample(random, unclear(random)), HITS) for _ in range(2000))])


@pytest.mark.slow
def test_correct_calibration_is_kept() -> None:
    right = correct_calibration()
    assert right.probability(1.5) < 0.2, "the best irrelevant passages score as high"
    for seed in range(3):
        random = np.random.default_rng(seed)
        samples = [sample(random, unclear(random)) for _ in range(100)]
        found = fit_ranking(samples, weights=WEIGHTS, relevance=right.probability)
        assert found.relevance is not None
        assert found.calibration is None, seed
        assert found.relevance.loss_after == found.relevance.loss_before < 0.6


def test_calibration_that_is_always_certain_is_replaced() -> None:
    random = np.random.default_rng(4)
    samples = [sample(random, unclear(random)) for _ in range(100)]
    found = fit_ranking(samples, weights=WEIGHTS, relevance=always_certain)
    assert found.relevance is not None
    assert found.calibration is not None
    assert found.relevance.loss_after < found.relevance.loss_before
    assert found.calibration.probability(4.0) > 0.8
    assert found.calibration.probability(1.5) < 0.2, "questions without an answer have no verdict `none`"


def test_calibration_is_also_fitted_to_the_settings_in_use() -> None:
    random = np.random.default_rng(4)
    samples = [sample(random, unclear(random)) for _ in range(100)]
    best = fit_ranking(samples, weights=WEIGHTS, relevance=None).after
    in_use = (best.weights, best.depth)
    found = fit_ranking(samples, weights=WEIGHTS, relevance=always_certain, depths=[10], in_use=in_use)
    assert not found.is_safe
    alone = found.relevance_alone
    assert alone is not None
    assert alone.calibration is not None
    assert alone.loss_after < alone.loss_before
    assert found.relevance != alone, "scores at another depth"
    same = fit_ranking(samples, weights=WEIGHTS, relevance=always_certain, depths=[best.depth])
    assert same.relevance == same.relevance_alone == alone
    assert fit_ranking(samples, weights=WEIGHTS, relevance=None).relevance_alone is None


def test_calibration_needs_right_and_wrong_best_hits() -> None:
    random = np.random.default_rng(5)
    samples = [sample(random, lambda place, right: float(place != right)) for _ in range(30)]
    found = fit_ranking(samples, weights=WEIGHTS, relevance=always_certain)
    assert found.relevance is not None
    assert found.calibration is None
    assert found.relevance.loss_after == found.relevance.loss_before


@given(
    scores=st.lists(st.tuples(st.floats(0, 1), st.floats(-5, 5)), min_size=1, max_size=30),
    grades=st.dictionaries(st.integers(0, 40).map(lambda place: f"d{place}"), st.integers(0, 3), max_size=20),
    weight=st.sampled_from([0.0, 0.25, 0.5, 1.0]),
)
def test_ndcg_equals_trec_eval_on_the_blended_order(
    scores: list[tuple[float, float]], grades: dict[str, int], weight: float
) -> None:
    scores = sorted(((round(one, 3), round(two, 3)) for one, two in scores), reverse=True)
    hits = tuple(
        Hit(
            Passage(f"d{place}", 0, text="text"),
            one,
            rank=place + 1,
            scores={"fused": one, "rerank": two},
            ranks={"dense": place + 1},
            was=place + 1,
        )
        for place, (one, two) in enumerate(scores)
    )
    weights = {"fused": 1 - weight, "rerank": weight}
    final = np.round(blend(signals_of(hits, [two for _, two in scores], Mix(weights)), weights), 12)
    order = [f"d{place}" for place in sorted(range(len(hits)), key=lambda place: (-final[place], place))]
    expected = per_query({"q": grades}, {"q": order}, ["nDCG@10"])["nDCG@10"]["q"] if any(grades.values()) else 0.0
    measured = ndcg(Sample(hits, grades, mix=Mix({})), len(hits), ["fused", "rerank"], np.array([[1 - weight, weight]]))
    assert measured == pytest.approx([expected])


@pytest.mark.parametrize("names", [["fused", "rerank"], ["fused", "rerank", "dense", "bm25"], list("abcdef")])
def test_weight_grid_is_convex_and_begins_with_the_settings(names: list[str]) -> None:
    grid = weight_grid(names, {names[0]: 0.7, names[1]: 0.2, "absent": 0.1})
    assert grid.sum(axis=1) == pytest.approx(1)
    assert (grid >= 0).all()
    assert grid[0][:2] == pytest.approx([7 / 9, 2 / 9])
    assert len({tuple(row) for row in grid.tolist()}) >= len(grid) - 1


def test_logistic_is_recovered() -> None:
    random = np.random.default_rng(5)
    scores = random.normal(size=4000)
    relevant = (random.random(4000) < 1 / (1 + np.exp(-(2 * scores - 1)))).astype(float)
    found = fit_logistic([(scores, relevant)])
    assert (found.slope, found.intercept) == (pytest.approx(2, abs=0.2), pytest.approx(-1, abs=0.2))


def test_fit_to_perfectly_separated_outcomes_stays_finite_and_uncertain() -> None:
    scores, relevant = np.linspace(-300, 300, 40), np.repeat([0.0, 1.0], 20)
    found = fit_logistic([(scores, smoothed(relevant))])
    assert 0.5 < found.probability(20.0) < 1
    assert 0 < found.slope < 10
