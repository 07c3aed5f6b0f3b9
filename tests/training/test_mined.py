"""What mining found survives on disk, whatever kills the process."""

import json
from pathlib import Path

import pytest

from resift.training.mined import Candidate, MinedFile, MinedQuestion

FIRST = MinedQuestion("first?", [Candidate("a\nb", 0.9, 1), Candidate("c", 0.5)])
SECOND = MinedQuestion("second: é \u2028 ?", [Candidate("c", 0.7, 0), Candidate("d", 0.25, -1)])
THIRD = MinedQuestion("third?", [])
GRADED = MinedQuestion(
    "graded?",
    [
        Candidate("a\nb", 0.9, 1),
        Candidate("c", 0.8),
        Candidate("d", 0.7, 3),
        Candidate("e", 0.0, 2),
        Candidate("f", 0, 0),
    ],
    graded=True,
    best=(2, 3),
)


def write(path: Path, *entries: MinedQuestion) -> Path:
    file = MinedFile(path)
    for entry in entries:
        file.append(entry)
    return path


def test_questions_come_back_as_they_went(tmp_path: Path) -> None:
    path = write(tmp_path / "set.jsonl", FIRST, SECOND, THIRD, GRADED)
    assert list(MinedFile(path).read()) == [FIRST, SECOND, THIRD, GRADED]
    assert MinedFile(path).count() == 4
    assert [each.judged for each in (FIRST, SECOND, THIRD, GRADED)] == [True, False, False, True]


def test_graded_list_is_measured_by_its_own_passages_and_what_answers_is_relevant() -> None:
    measured = GRADED.for_measuring()
    assert [(each.text, each.grade) for each in measured.candidates] == [("a\nb", 0), ("d", 2), ("e", 1), ("f", 0)]
    assert measured.judged
    only_on_subject = MinedQuestion("?", [Candidate("a", 0.5, 1)], graded=True)
    assert not only_on_subject.judged
    assert not only_on_subject.for_measuring().judged
    assert FIRST.for_measuring() == FIRST


def test_passages_that_questions_share_are_stored_once(tmp_path: Path) -> None:
    path = write(tmp_path / "set.jsonl", FIRST)
    write(path, SECOND)  # by another process
    passages = (tmp_path / "set.passages.jsonl").read_text(encoding="utf-8").splitlines()
    assert [json.loads(line) for line in passages] == ["a\nb", "c", "d"]


@pytest.mark.parametrize("name", ["set.jsonl", "set.passages.jsonl"])
def test_kill_in_the_middle_of_a_line_loses_that_line_only(tmp_path: Path, name: str) -> None:
    path = write(tmp_path / "set.jsonl", FIRST)
    before = (tmp_path / name).read_bytes()
    with (tmp_path / name).open("ab") as file:
        file.write(b'{"query": "cut o')
    file = MinedFile(path)
    assert list(file.read()) == [FIRST]
    assert (tmp_path / name).read_bytes() == before
    file.append(SECOND)
    assert list(MinedFile(path).read()) == [FIRST, SECOND]


def test_passages_without_their_question_do_no_harm(tmp_path: Path) -> None:
    path = write(tmp_path / "set.jsonl", FIRST)
    with (tmp_path / "set.passages.jsonl").open("a") as file:
        file.write('"written just before the kill"\n')
    assert list(MinedFile(write(path, SECOND)).read()) == [FIRST, SECOND]


def test_half_a_surrogate_pair_can_be_kept(tmp_path: Path) -> None:
    path = write(tmp_path / "set.jsonl", MinedQuestion("\ud800!", [Candidate("\udfff", 0.5)]))
    assert list(MinedFile(path).read()) == [MinedQuestion("?!", [Candidate("?", 0.5)])]


def test_resumed_run_knows_passages_with_half_a_surrogate_pair_again(tmp_path: Path) -> None:
    odd, plain = Candidate("odd \ud800 text", 0.5), Candidate("another", 0.25)
    for query in ("one", "two", "three"):
        path = write(tmp_path / "set.jsonl", MinedQuestion(query, [odd, Candidate(f"right {query}", 0.75), plain]))
    for mined in MinedFile(path).read():
        assert [each.text for each in mined.candidates] == ["odd ? text", f"right {mined.query}", "another"]


def test_passages_written_twice_by_an_older_version_do_not_move_later_ones(tmp_path: Path) -> None:
    path = write(tmp_path / "set.jsonl", FIRST)
    with (tmp_path / "set.passages.jsonl").open("a") as file:
        file.write('"c"\n')
    assert list(MinedFile(write(path, SECOND)).read()) == [FIRST, SECOND]
