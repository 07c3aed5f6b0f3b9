"""Training lists: what is in them, what they are labelled, and in what proportion they come."""

from collections import Counter
from pathlib import Path
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resift.training.lists.drawing import (
    LIST_SIZE,
    SAFE_NEGATIVE,
    UNJUDGED_CEILING,
    CandidateList,
    TrainingSource,
    draw_lists,
    read_source,
)
from resift.training.mined import Candidate, MinedFile, MinedQuestion


def question(name: str, *grades: int, candidates: int = 20) -> MinedQuestion:
    """Return a question whose best candidates have `grades`; the others nobody judged."""
    padded = [*grades, *[-1] * (candidates - len(grades))]
    return MinedQuestion(name, [Candidate(f"{name} {n}", 1 - n / candidates, grade) for n, grade in enumerate(padded)])


@st.composite
def mined(draw: st.DrawFn) -> MinedQuestion:
    fused = sorted(draw(st.lists(st.floats(0, 1), min_size=LIST_SIZE, max_size=50)), reverse=True)
    grades = draw(st.lists(st.sampled_from([-1, -1, 0, 1, 2]), min_size=len(fused), max_size=len(fused)))
    candidates = [Candidate(f"text {n}", *each) for n, each in enumerate(zip(fused, grades, strict=True))]
    return MinedQuestion("question", candidates)


def source_of(each: MinedQuestion) -> TrainingSource:
    return TrainingSource([each], []) if each.judged else TrainingSource([], [each])


@given(mined(), st.integers(0, 1000))
def test_lists_are_of_distinct_candidates_with_their_scores(each: MinedQuestion, seed: int) -> None:
    for drawn in draw_lists([source_of(each)], [1], 5, random=Random(seed)):
        assert len(set(drawn.passages)) == len(drawn.passages) == len(drawn.fused) <= LIST_SIZE
        assert len(drawn.labels) == (len(drawn.passages) if each.judged else 0)
        known = {candidate.text: candidate.fused for candidate in each.candidates}
        assert [known[text] for text in drawn.passages] == drawn.fused


@given(mined().filter(lambda each: each.judged), st.integers(0, 1000))
def test_a_positive_is_present_and_likely_answers_that_nobody_marked_are_not(each: MinedQuestion, seed: int) -> None:
    by_text = {candidate.text: candidate for candidate in each.candidates}
    for drawn in draw_lists([source_of(each)], [1], 5, random=Random(seed)):
        chosen = [by_text[text] for text in drawn.passages]
        positives = [candidate for candidate in chosen if candidate.grade > 0]
        assert positives
        bar = max(UNJUDGED_CEILING * max(candidate.fused for candidate in positives), SAFE_NEGATIVE)
        assert all(candidate.fused < bar for candidate in chosen if candidate.grade < 0)


def test_positives_share_the_labels() -> None:
    for drawn in draw_lists([TrainingSource([question("q", 0, 1, 2)], [])], [1], 20, random=Random(1)):
        labelled = {text: label for text, label in zip(drawn.passages, drawn.labels, strict=True) if label}
        assert labelled.keys() <= {"q 1", "q 2"}
        assert set(labelled.values()) == {1 / len(labelled)}


def test_lists_are_filled_from_near_candidates_where_there_are_none_further_down() -> None:
    drawn = next(draw_lists([TrainingSource([question("q", 1, candidates=9)], [])], [1], 1, random=Random(1)))
    assert len(drawn.passages) == LIST_SIZE


def test_same_seed_gives_the_same_lists() -> None:
    source = TrainingSource([question(f"q{n}", 0, 1) for n in range(9)], [question("u")])

    def draw(seed: int) -> list[CandidateList]:
        return list(draw_lists([source], [1], 30, random=Random(seed)))

    assert draw(3) == draw(3) != draw(4)


def test_sources_come_in_proportion_to_their_weights() -> None:
    sources = [TrainingSource([question("large", 1)], []), TrainingSource([question("small", 1)], [question("cut")])]
    for share in (0.0, 0.5, 1.0):
        lists = draw_lists(sources, [3, 1], 4000, random=Random(5), unlabelled=share)
        counts = Counter(each.query for each in lists)
        assert counts["large"] == pytest.approx(3000, rel=0.05)
        assert counts["cut"] / (counts["cut"] + counts["small"]) == pytest.approx(share, abs=0.05)


@pytest.mark.parametrize(("judged", "held_out"), [(3, 0), (8, 2), (80, 20), (1000, 50)])
def test_a_share_of_the_judged_questions_is_held_out(tmp_path: Path, judged: int, held_out: int) -> None:
    file = MinedFile(tmp_path / "set.jsonl")
    for number in range(judged):
        file.append(question(f"q{number}", 1, candidates=LIST_SIZE))
    file.append(question("unlabelled"))
    file.append(question("too few", 1, candidates=LIST_SIZE - 1))
    source, kept = read_source(tmp_path / "set.jsonl", hold_out=True, random=Random(1))
    assert (len(source.judged), len(kept)) == (judged - held_out, held_out)
    assert not {each.query for each in source.judged} & {each.query for each in kept}
    assert [each.query for each in source.unlabelled] == ["unlabelled"]
    source, kept = read_source(tmp_path / "set.jsonl", hold_out=False, random=Random(1))
    assert (len(source.judged), kept) == (judged, [])
