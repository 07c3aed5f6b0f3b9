"""What scores mean: the weight in the blend, and best hits with answers taken away."""

import numpy as np
import pytest

from resift.training.mined import Candidate, MinedQuestion

pytest.importorskip("torch", reason="the extra [train] is not installed")
pytest.importorskip("sentence_transformers", reason="the extra [train] is not installed")

from resift.training.development import WEIGHTS, best_outcomes, best_weight, mean_ndcg

pytestmark = pytest.mark.torch


def question(*grades: int) -> MinedQuestion:
    """Return a question whose candidates have falling fused scores and these grades."""
    return MinedQuestion("?", [Candidate(str(n), 1 - n / len(grades), grade) for n, grade in enumerate(grades)])


def scores(*rows: tuple[float, ...]) -> list[np.ndarray]:
    return [np.array(row, np.float32) for row in rows]


def test_ndcg_is_of_the_order_by_both_scores() -> None:
    asked, mine = [question(0, 2, 1)], scores((0.0, 1.0, 2.0))
    discounts = 1 / np.log2([2, 3, 4])
    ideal = 2 * discounts[0] + discounts[1]
    assert mean_ndcg(asked, mine, weight=1.0) == pytest.approx((discounts[0] + 2 * discounts[1]) / ideal)
    assert mean_ndcg(asked, mine, weight=0.0) == pytest.approx((2 * discounts[1] + discounts[2]) / ideal)
    assert mean_ndcg([question(-1, -1)], scores((1.0, 0.0)), weight=0.5) == 0
    assert mean_ndcg([question(1, 0)], scores((3.0, 3.0)), weight=1.0) == 1  # ties keep retrieval's order


def test_weight_is_the_one_that_orders_best() -> None:
    asked = [question(0, 1, 0, 0), question(1, 0, 0, 0)]
    # From 0.25 on the first question is right; from 0.65 on the second would be wrong.
    mine = scores((0.0, 1.0, 0.2, 0.1), (0.6, 0.0, 1.0, 0.5))
    values = [mean_ndcg(asked, mine, weight=weight) for weight in WEIGHTS]
    assert best_weight(asked, mine) == WEIGHTS[int(np.argmax(values))]
    assert mean_ndcg(asked, mine, weight=best_weight(asked, mine)) == 1 > min(values)


def test_best_hits_come_with_and_without_the_answers() -> None:
    asked = [question(0, 1, -1), question(1, 1), question(0, 0)]
    values, relevant = best_outcomes(asked, scores((1.0, 3.0, 2.0), (5.0, 4.0), (6.0, 7.0)))
    # Every third counts a second time, with its answers taken away: of these only the first.
    assert values.tolist() == [3.0, 2.0, 5.0, 7.0]
    assert relevant.tolist() == [1.0, 0.0, 1.0, 0.0]
