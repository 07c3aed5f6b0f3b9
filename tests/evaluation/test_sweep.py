import pytest

from resift.evaluation.judged import MIN_QUESTIONS, JudgedSet, select
from resift.evaluation.run import QueryResult
from resift.evaluation.sweep import Milliseconds, distinct_depths, percentiles, sweep_depths

KEYS = [f"q{number}" for number in range(100)]
JUDGED = JudgedSet("set", queries=dict.fromkeys(KEYS, "?"), grades={key: {"right": 1} for key in KEYS})
RIGHT = ("right", *(f"x{number}" for number in range(9)))
WRONG = tuple(f"x{number}" for number in range(10))


def runs(first: dict[int, int]) -> dict[int, dict[str, QueryResult]]:
    """Return runs by depth in which the first so many queries have the right document first; a passage takes 2 ms."""
    return {
        depth: {
            key: QueryResult(RIGHT if index < right else WRONG, 1.0, added_ms=2.0 * depth)
            for index, key in enumerate(KEYS)
        }
        for depth, right in first.items()
    }


@pytest.mark.parametrize(
    ("first", "recommended", "is_plateau"),
    [
        ({10: 50, 20: 70, 50: 70, 100: 70}, 20, True),  # flat from 20 on
        ({200: 40, 10: 50, 50: 45}, 10, True),  # worse with depth
        ({10: 50, 20: 49, 50: 60, 100: 60}, 50, True),  # a dip is not a plateau
        ({10: 50, 20: 60, 50: 70}, 50, False),  # still rising
        ({30: 50}, 30, False),
    ],
)
def test_least_depth_that_no_greater_one_beats_is_recommended(
    first: dict[int, int], recommended: int, is_plateau: bool
) -> None:
    found = sweep_depths(JUDGED, runs(first))
    assert (found.recommended, found.is_plateau) == (recommended, is_plateau)
    assert [each.depth for each in found.depths] == sorted(first)
    assert str(recommended) in found.advice
    assert "Depth counts documents, each read at its best passage" in found.advice
    assert ("still rising" in found.advice) == (not is_plateau and len(first) > 1)
    assert "too few" not in found.advice


@pytest.mark.parametrize(("count", "decides"), [(1, False), (MIN_QUESTIONS - 1, False), (MIN_QUESTIONS, True)])
def test_few_questions_do_not_decide(count: int, decides: bool) -> None:
    asked = {depth: {key: run[key] for key in KEYS[:count]} for depth, run in runs({10: 5, 20: 5}).items()}
    found = sweep_depths(select(JUDGED, KEYS[:count]), asked)
    assert found.decides == decides
    few = "1 question is too few to decide: judge at least 20." if count == 1 else "19 questions are too few to decide"
    assert found.advice.startswith("Rerank 10 documents" if decides else few)
    assert "ank 10 documents" in found.advice


@pytest.mark.parametrize(
    ("depths", "documents", "kept"),
    [((10, 20, 30), 27, [10, 20]), ((10, 20), 20, [10, 20]), ((10, 20), 7, [7]), ((10, 20), 0, [1])],
)
def test_depths_beyond_the_documents_are_left_out(depths: tuple[int, ...], documents: int, kept: list[int]) -> None:
    assert distinct_depths(depths, documents=documents) == kept


def test_each_depth_has_its_quality_and_time() -> None:
    (found,) = sweep_depths(JUDGED, runs({50: 40})).depths
    assert (found.ceiling, found.recall_at_5, found.ndcg_at_10) == pytest.approx((0.4, 0.4, 0.4))
    assert found.added == Milliseconds(100.0, 100.0)


def test_ceiling_is_recall_at_the_depth() -> None:
    late = (*(f"x{number}" for number in range(7)), "right")
    run = {key: QueryResult(late, 1.0, added_ms=1.0) for key in KEYS}
    seven, eight = sweep_depths(JUDGED, {7: run, 8: run}).depths
    assert (seven.ceiling, eight.ceiling) == (0.0, 1.0)


def test_percentiles_are_of_the_values() -> None:
    found = percentiles([float(value) for value in range(101)])
    assert found == Milliseconds(50.0, 95.0)


def test_percentiles_are_not_known_if_one_value_was_not_measured() -> None:
    assert percentiles([1.0, None, 3.0]) is None
