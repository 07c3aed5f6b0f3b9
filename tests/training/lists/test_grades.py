"""Graded lists: which passages are learned from, and what their grades are worth."""

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resift.training.lists.drawing import LIST_SIZE, TrainingSource, draw_lists
from resift.training.lists.grades import GAINS, GRADED_PASSAGES, MAX_ANSWERS, STEP, draw_graded, targets_of
from resift.training.lists.teacher import UNKNOWN, add_targets
from resift.training.mined import Candidate, MinedQuestion


def graded(name: str, *grades: int, best: tuple[int, ...] = ()) -> MinedQuestion:
    candidates = [Candidate(f"{name} {n}", 1 - n / 100, grade) for n, grade in enumerate(grades)]
    return MinedQuestion(name, candidates, graded=True, best=best)


@given(st.lists(st.integers(-1, 3), min_size=1, max_size=40), st.integers(0, 99))
def test_drawn_passages_are_graded_ones_with_the_best_among_them(grades: list[int], seed: int) -> None:
    mined = graded("q", *grades)
    places = draw_graded(mined, Random(seed))
    assert len(set(places)) == len(places) <= GRADED_PASSAGES
    drawn = sorted((grades[place] for place in places), reverse=True)
    assert min(drawn, default=0) >= 0
    listed = sorted((grade for grade in grades if grade >= 0), reverse=True)
    answers = [grade for grade in listed if grade > 0][:MAX_ANSWERS]
    assert [grade for grade in drawn if grade > 0] == answers
    assert len(places) == min(len(answers) + listed.count(0), GRADED_PASSAGES)


def test_half_of_the_others_are_the_nearest_and_the_rest_vary() -> None:
    mined = graded("q", 3, *[0] * 30)
    drawn = [set(draw_graded(mined, Random(seed))) for seed in range(20)]
    assert all({0, 1, 2, 3} <= each for each in drawn)
    assert GRADED_PASSAGES + 1 == LIST_SIZE
    assert len({place for each in drawn for place in each}) > 15


@given(st.lists(st.integers(0, 3), min_size=1, max_size=9))
def test_targets_are_shares_that_follow_the_grades(grades: list[int]) -> None:
    targets = targets_of(graded("q", *grades), range(len(grades)))
    assert sum(targets) <= 1 + 1e-9
    assert (sum(targets) > 1 - 1e-9) or max(grades) < 2
    ordered = [target for _, target in sorted(zip(grades, targets, strict=True))]
    assert ordered == sorted(targets)


def test_order_of_the_best_decides_among_equals() -> None:
    first, second, partly, subject, other = targets_of(graded("q", 3, 3, 2, 1, 0, best=(1, 0, 2)), range(5))
    assert (first / second, second / partly) == pytest.approx((STEP, GAINS[3] / (GAINS[2] * STEP**2)))
    assert first > partly > subject > other == 0


def test_list_that_nothing_answers_counts_little_and_still_orders() -> None:
    on_subject, other = targets_of(graded("q", 1, 0), range(2))
    assert 0 < on_subject < 0.2
    assert other == 0
    assert targets_of(graded("q", 0, 0), range(2)) == [0, 0]


def test_sure_negative_is_no_candidate_of_the_question() -> None:
    source = TrainingSource([graded("one", 3, 0, -1), graded("two", 2, 0, -1)], [])
    for drawn in draw_lists([source], [1], 40, random=Random(1)):
        *own, sure = drawn.passages
        assert all(text.startswith(drawn.query) for text in own)
        assert not sure.startswith(drawn.query)
        assert (drawn.labels[-1], drawn.fused[-1], drawn.answers[-1]) == (0, 0, False)
        assert drawn.answers[0]


def test_pool_of_one_question_has_no_sure_negatives() -> None:
    drawn = next(draw_lists([TrainingSource([graded("one", 3, 0)], [])], [1], 1, random=Random(1)))
    assert sorted(drawn.passages) == ["one 0", "one 1"]


def test_teacher_is_not_asked_about_graded_lists() -> None:
    source = TrainingSource([graded("one", 3, 0)], [])

    def fail(_: object) -> list[float]:
        raise AssertionError

    [taught] = add_targets(draw_lists([source], [1], 1, random=Random(1)), fail, share=0.5)
    assert sorted(taught.targets) == [0, 1]
    assert sorted(taught.answers) == [0, 1]
    judged = MinedQuestion("two", [Candidate(str(n), 1 - n / 10, int(n == 0)) for n in range(9)])
    [other] = add_targets(
        draw_lists([TrainingSource([judged], [])], [1], 1, random=Random(1)), lambda each: each.fused, share=0.5
    )
    assert set(other.answers) == {UNKNOWN}
