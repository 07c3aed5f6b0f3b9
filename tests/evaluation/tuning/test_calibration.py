"""Best hits of questions with and without an answer, and how well a calibration predicts them."""

import numpy as np

from resift.core.values import Logistic
from resift.evaluation.tuning.calibration import JudgedScores, best_hits, reliability


def read(*hits: tuple[float, bool]) -> JudgedScores:
    scores, relevant = zip(*hits, strict=True)
    return np.array(scores, np.float32), np.array(relevant, bool)


def test_best_hits_are_returned_with_and_without_the_answers() -> None:
    values, relevant = best_hits(
        [
            read((1.0, False), (3.0, True), (2.0, False)),  # 2.0 is the best without the answer
            read((5.0, False), (4.0, True)),  # not counted again
            read((6.0, True), (7.0, True)),  # no hit is left without the answers
            (np.array([]), np.array([], bool)),  # nothing was found
        ]
    )
    # Every third question counts a second time: of these only the first.
    assert values.tolist() == [3.0, 2.0, 5.0, 7.0]
    assert relevant.tolist() == [1.0, 0.0, 0.0, 1.0]


def test_no_questions_have_no_best_hits() -> None:
    assert [each.shape for each in best_hits([])] == [(0,), (0,)]


def test_reliability_compares_predicted_with_actual_relevance() -> None:
    scores = np.array([-9.0, 9.0, 9.0, 0.0])
    rows = reliability(Logistic(1.0, 0.0), (scores, np.array([0.0, 1.0, 0.0, 1.0])))
    assert [(name, round(said, 2), found, count) for name, said, found, count in rows] == [
        ("0.0-0.2", 0.0, 0.0, 1),
        ("0.4-0.6", 0.5, 1.0, 1),
        ("0.8-1.0", 1.0, 0.5, 2),
    ]
