"""A model of known weights is found again, thresholds keep their promise, and pools are held out whole."""

from dataclasses import replace

import numpy as np
import pytest

from resift.core.verdict import VerdictModel
from resift.evaluation.tuning.verdict_fit import (
    FALSE_GOOD,
    FALSE_NONE,
    fit_verdicts,
    gain_by_question,
    log_losses,
    mask,
    rescale,
)
from resift.evaluation.tuning.verdict_samples import VerdictSample

TRUE = VerdictModel({"score": 1.5, "lead": 0.5}, -3.0, good=0.8, weak=0.2)


def drawn(count: int, *, seed: int = 1, group: str = "") -> list[VerdictSample]:
    random = np.random.default_rng(seed)
    samples: list[VerdictSample] = []
    for number in range(count):
        evidence = {"score": float(random.normal(2, 2)), "lead": float(random.normal(0, 2)), "words": random.normal()}
        is_right = random.random() < TRUE.probability(evidence)
        name = group or f"pool {number % 4}"
        samples.append(VerdictSample(name, "right" if is_right else "unanswered", evidence=evidence))
    return samples


def test_true_weights_are_found() -> None:
    fit = fit_verdicts(drawn(4000), ["score", "lead"])
    assert fit.model.weights == pytest.approx(TRUE.weights, rel=0.15)
    assert fit.model.intercept == pytest.approx(TRUE.intercept, rel=0.15)


def test_thresholds_hold_on_new_questions() -> None:
    model = fit_verdicts(drawn(4000), ["score", "lead"]).model
    fresh = drawn(4000, seed=2)
    verdicts = np.array([model.verdict(each.evidence) for each in fresh])
    assert np.mean(verdicts[mask(fresh, "right")] == "none") <= FALSE_NONE + 0.02
    assert np.mean(verdicts[mask(fresh, "unanswered")] == "good") <= FALSE_GOOD + 0.02


def test_evidence_that_would_count_against_a_hit_is_left_out() -> None:
    samples = drawn(400)
    reversed_ = [
        VerdictSample(each.group, each.outcome, evidence={**each.evidence, "cosine": -each.evidence["score"]})
        for each in samples
    ]
    assert fit_verdicts(reversed_, ["cosine", "score"]).model.weights.keys() == {"score"}


def test_no_weight_is_negative_if_all_evidence_counts_against_hits() -> None:
    reversed_ = [
        VerdictSample(each.group, each.outcome, evidence={"score": -each.evidence["score"]}) for each in drawn(400)
    ]
    model = fit_verdicts(reversed_, ["score"]).model
    assert model.weights == {"score": 0.0}
    assert model.probability({"score": 9.0}) == pytest.approx(mask(reversed_, "right").mean(), abs=0.05)


def test_each_pool_is_judged_by_models_of_the_others() -> None:
    strange = [
        VerdictSample("strange", "right" if each.outcome == "unanswered" else "unanswered", evidence=each.evidence)
        for each in drawn(300, seed=3)
    ]
    samples = [*drawn(600), *strange]
    fit = fit_verdicts(samples, ["score", "lead"])
    losses = log_losses(samples, fit.held_out)
    assert losses[600:].mean() > 2 * losses[:600].mean(), "the strange pool was not held out"


def test_few_questions_only_scale_and_shift_a_model() -> None:
    lenient = VerdictModel({"score": 1.5, "lead": 0.5}, 0.0, good=0.8, weak=0.2)
    samples = drawn(60, group="own")
    moved = rescale(lenient, samples)
    assert moved.model.intercept < -1
    ratio = moved.model.weights["score"] / moved.model.weights["lead"]
    assert ratio == pytest.approx(3, rel=0.01)
    assert (moved.model.good, moved.model.weak) == (0.8, 0.2)
    before = np.array([lenient.probability(each.evidence) for each in samples])
    assert log_losses(samples, moved.held_out).mean() < log_losses(samples, before).mean()


def twice(samples: list[VerdictSample]) -> list[VerdictSample]:
    """Return each sample as two of the same question."""
    return [replace(each, question=str(number)) for _ in range(2) for number, each in enumerate(samples)]


def test_samples_of_one_question_are_held_out_together() -> None:
    samples = twice(drawn(60, group="own"))
    lenient = VerdictModel({"score": 1.5, "lead": 0.5}, 0.0, good=0.8, weak=0.2)
    for fit in (rescale(lenient, samples), fit_verdicts(samples, ["score", "lead"])):
        assert fit.held_out[:60].tolist() == fit.held_out[60:].tolist()


def test_two_samples_of_a_question_do_not_make_the_gain_more_certain() -> None:
    samples = drawn(60, group="own")
    before, after = np.full(60, 0.5), np.array([TRUE.probability(each.evidence) for each in samples])
    once = gain_by_question(samples, before, after)
    again = gain_by_question(twice(samples), np.tile(before, 2), np.tile(after, 2))
    assert (again.mean, again.low, again.high) == pytest.approx((once.mean, once.low, once.high))


def test_questions_of_one_kind_give_no_thresholds() -> None:
    right = [VerdictSample("a", "right", evidence=each.evidence) for each in drawn(40)]
    with pytest.raises(ValueError, match="thresholds need"):
        fit_verdicts(right, ["score"])
