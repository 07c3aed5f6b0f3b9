import pytest

from resift.evaluation.judged import Judged
from resift.evaluation.run import Answer
from resift.evaluation.sweep import milliseconds, sweep

KEYS = [f"q{number}" for number in range(100)]
JUDGED = Judged("set", [], queries=dict.fromkeys(KEYS, "?"), grades={key: {"right": 1} for key in KEYS})
RIGHT = ("right", *(f"x{number}" for number in range(9)))
WRONG = tuple(f"x{number}" for number in range(10))


def runs(first: dict[int, int]) -> dict[int, dict[str, Answer]]:
    """So many queries of a depth have the right document first, the others nowhere; a passage takes 2 ms."""
    return {
        depth: {key: Answer(RIGHT if place < right else WRONG, 1.0, 2.0 * depth) for place, key in enumerate(KEYS)}
        for depth, right in first.items()
    }


@pytest.mark.parametrize(
    ("first", "recommended", "is_plateau"),
    [
        ({10: 50, 20: 70, 50: 70, 100: 70}, 20, True),  # flat from 20 on
        ({200: 40, 10: 50, 50: 45}, 10, True),  # worse with depth
        ({10: 50, 20: 49, 50: 60, 100: 60}, 50, True),  # a dip is no plateau
        ({10: 50, 20: 60, 50: 70}, 50, False),  # still rising
        ({30: 50}, 30, False),
    ],
)
def test_least_depth_that_no_greater_one_beats_is_recommended(
    first: dict[int, int], recommended: int, is_plateau: bool
) -> None:
    found = sweep(JUDGED, runs(first))
    assert (found.recommended, found.is_plateau) == (recommended, is_plateau)
    assert [each.depth for each in found.depths] == sorted(first)
    assert str(recommended) in found.advice
    assert "Depths count documents, each read at its best passage" in found.advice
    assert ("still rising" in found.advice) == (not is_plateau and len(first) > 1)


def test_each_depth_has_its_quality_and_time() -> None:
    (found,) = sweep(JUDGED, runs({50: 40})).depths
    assert (found.ceiling, found.recall_at_5, found.ndcg_at_10) == pytest.approx((0.4, 0.4, 0.4))
    assert (found.added.p50, found.added.p95) == (100.0, 100.0)


def test_ceiling_is_recall_among_as_many_as_were_reranked() -> None:
    late = (*(f"x{number}" for number in range(7)), "right")
    run = {key: Answer(late, 1.0, 1.0) for key in KEYS}
    seven, eight = sweep(JUDGED, {7: run, 8: run}).depths
    assert (seven.ceiling, eight.ceiling) == (0.0, 1.0)


def test_percentiles_are_of_the_values() -> None:
    found = milliseconds([float(value) for value in range(101)])
    assert (found.p50, found.p95) == (50.0, 95.0)
