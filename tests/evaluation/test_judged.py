import json
from pathlib import Path

import pytest

from resift.core.errors import InvalidInput, NotFound, UnreadableFile
from resift.evaluation.judged import choose_split, load, sample
from resift.tests.evaluation.conftest import NOTES, QUESTIONS, write_set


def test_set_is_read_with_its_grades(bicycles: Path) -> None:
    judged = load(bicycles, "test")
    assert judged.name == "bicycles"
    assert [document.id for document in judged.documents] == list(NOTES)
    assert judged.queries == {key: text for key, (text, _) in QUESTIONS.items()}
    assert judged.grades == {key: grades for key, (_, grades) in QUESTIONS.items()}


@pytest.mark.parametrize(("splits", "chosen"), [(("dev", "test", "train"), "test"), (("dev",), "dev")])
def test_split_is_test_or_the_only_one(tmp_path: Path, splits: tuple[str, ...], chosen: str) -> None:
    assert choose_split(write_set(tmp_path / "set", *splits)) == chosen


def test_split_that_cannot_be_chosen_is_asked_for(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="has the splits dev, train, and none is called test"):
        choose_split(write_set(tmp_path / "two", "train", "dev"))
    with pytest.raises(NotFound, match=r"No judgements in .*qrels"):
        choose_split(write_set(tmp_path / "none"))
    with pytest.raises(NotFound, match=r"No judgements .*tset\.tsv\. Splits there: test\."):
        load(write_set(tmp_path / "one", "test"), "tset")


def test_sample_is_the_same_for_a_seed_and_keeps_queries_and_grades_together(bicycles: Path) -> None:
    judged = load(bicycles, "test")
    drawn = sample(judged, 2, seed=3)
    assert drawn == sample(judged, 2, seed=3)
    assert drawn.queries.keys() == drawn.grades.keys()
    assert len(drawn.queries) == 2
    assert len({tuple(sample(judged, 2, seed=seed).queries) for seed in range(20)}) > 1
    assert sample(judged, 0, seed=3).queries == judged.queries
    assert len(sample(judged, 99, seed=3).queries) == 6


def test_faulty_line_is_named(tmp_path: Path) -> None:
    folder = write_set(tmp_path / "set", "test")
    (folder / "corpus.jsonl").write_text(
        json.dumps({"_id": "a", "text": "x"}) + "\n\n" + json.dumps({"_id": "b"}) + "\n"
    )
    with pytest.raises(UnreadableFile, match=r"corpus\.jsonl:3 lacks text"):
        load(folder, "test")
