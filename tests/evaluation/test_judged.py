import json
import re
from dataclasses import replace
from pathlib import Path

import pytest

from resift.core.errors import InvalidInput, NotFound, UnreadableFile
from resift.evaluation.beir import choose_split, load
from resift.evaluation.judged import JudgedSet, answered_by_own_documents, describe_left_out, sample
from resift.evaluation.judged_files import load_judged
from resift.tests.evaluation.conftest import NOTES, QUESTIONS, write_set


def test_set_is_loaded_with_its_grades(bicycles: Path) -> None:
    judged = load(bicycles, "test")
    assert judged.name == "bicycles"
    assert [document.id for document in judged.documents] == list(NOTES)
    assert judged.queries == {key: text for key, (text, _) in QUESTIONS.items()}
    assert judged.grades == {key: grades for key, (_, grades) in QUESTIONS.items()}


@pytest.mark.parametrize(("splits", "chosen"), [(("dev", "test", "train"), "test"), (("dev",), "dev")])
def test_split_is_test_or_the_only_one(tmp_path: Path, splits: tuple[str, ...], chosen: str) -> None:
    assert choose_split(write_set(tmp_path / "set", *splits)) == chosen


def test_ambiguous_or_missing_split_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="has the splits dev, train, and none is called test"):
        choose_split(write_set(tmp_path / "two", "train", "dev"))
    with pytest.raises(NotFound, match=r"There are no judgements in .*qrels"):
        choose_split(write_set(tmp_path / "none"))
    with pytest.raises(NotFound, match=r"There is no file .*tset\.tsv\. Splits in that folder: test\."):
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


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ({"_id": "b"}, "lacks text"),
        ({"_id": "b", "text": None}, "text and title must be strings"),
        ({"_id": "b", "text": "x", "title": 7}, "text and title must be strings"),
        ({"_id": None, "text": "x"}, "_id is None, but must be a string or an integer"),
        ("_id text", "is not a JSON object. Write it as "),
    ],
)
@pytest.mark.parametrize("file", ["corpus.jsonl", "queries.jsonl"])
def test_malformed_line_is_named(tmp_path: Path, file: str, line: object, message: str) -> None:
    folder = write_set(tmp_path / "set", "test")
    (folder / file).write_text(json.dumps({"_id": "a", "text": "x"}) + "\n\n" + json.dumps(line) + "\n")
    with pytest.raises(UnreadableFile, match=rf"{re.escape(file)}:3:? {message}"):
        load(folder, "test")


@pytest.mark.parametrize("file", ["corpus.jsonl", "queries.jsonl", "qrels/test.tsv"])
def test_line_that_is_not_utf_8_is_named(tmp_path: Path, file: str) -> None:
    folder = write_set(tmp_path / "set", "test")
    with (folder / file).open("ab") as end:
        end.write('{"text": "größe"}'.encode("latin-1"))
    lines = (folder / file).read_bytes().count(b"\n") + 1
    with pytest.raises(UnreadableFile, match=rf"{re.escape(file)}:{lines} is not UTF-8: .* at byte 12 of the line"):
        load(folder, "test")


@pytest.mark.parametrize(
    ("query", "message"), [(" ", "The query is empty"), ("x" * 10_001, "The query has 10,001 characters, more than")]
)
def test_invalid_query_is_named(tmp_path: Path, query: str, message: str) -> None:
    folder = write_set(tmp_path / "set", "test")
    with (folder / "queries.jsonl").open("a") as end:
        end.write(json.dumps({"_id": "of another split", "text": ""}) + "\n")
    assert "of another split" not in load(folder, "test").queries
    (folder / "queries.jsonl").write_text(json.dumps({"_id": "q1", "text": query}))
    with pytest.raises(UnreadableFile, match=rf"queries\.jsonl:1: {message}"):
        load(folder, "test")


def test_title_stands_in_for_a_blank_text(tmp_path: Path) -> None:
    folder = write_set(tmp_path / "set", "test")
    lines = [
        {"_id": "blank", "title": "Chains", "text": " \n"},
        {"_id": "nothing", "title": " ", "text": ""},
        {"_id": 7, "title": None, "text": "one\u2028two"},
    ]
    text = "\n".join(json.dumps(line, ensure_ascii=False) for line in lines)
    (folder / "corpus.jsonl").write_text(text, encoding="utf-8")
    documents = load(folder, "test").documents
    assert [(each.id, each.title, each.text) for each in documents] == [
        ("blank", "Chains", "Chains"),
        ("7", "", "one\u2028two"),
    ]


def test_malformed_judgement_is_named(tmp_path: Path) -> None:
    folder = write_set(tmp_path / "set", "test")
    (folder / "qrels" / "test.tsv").write_text("query-id\tcorpus-id\tscore\nq1\tchain\thigh\n")
    with pytest.raises(UnreadableFile, match=r"test\.tsv:2: .* is not 'query<TAB>document<TAB>grade'"):
        load(folder, "test")


def test_queries_without_a_relevant_document_are_left_out_and_counted(tmp_path: Path) -> None:
    folder = write_set(tmp_path / "set", "test")
    with (folder / "queries.jsonl").open("a") as end:
        end.write("".join(json.dumps({"_id": f"n{number}", "text": "why?"}) + "\n" for number in range(4)))
    rows = ["n0\tchain\t0", "n1\tchain\t-1", "n2\tgone\t1", "n3\tlights\t1", "n3\talso gone\t1"]
    with (folder / "qrels" / "test.tsv").open("a") as end:
        end.write("\n".join(rows) + "\n")
    judged = load_judged(folder)
    assert (sorted(judged.queries), judged.unanswered) == ([*("n2", "n3"), *QUESTIONS], 2)
    assert len(load_judged(folder, allow_unanswered=True).queries) == 10
    kept = answered_by_own_documents(judged)
    assert sorted(kept.queries) == ["n3", *QUESTIONS]
    assert answered_by_own_documents(load(folder, "test")) == replace(kept, name="set")
    assert describe_left_out(kept, split="test") == [
        "2 queries without a relevant document were left out.",
        "2 relevant documents are not in the corpus and count as not found; 1 query that has no other was left out.",
    ]


def test_set_without_an_answer_is_refused(tmp_path: Path) -> None:
    folder = write_set(tmp_path / "set", "test")
    (folder / "qrels" / "test.tsv").write_text("query-id\tcorpus-id\tscore\nq1\tgone\t1\n")
    with pytest.raises(
        InvalidInput, match=r"set has no query that one of its documents answers: its corpus lacks 'gone'"
    ):
        answered_by_own_documents(load_judged(folder))
    (folder / "qrels" / "test.tsv").write_text("query-id\tcorpus-id\tscore\nq1\tchain\t0\n")
    with pytest.raises(InvalidInput, match=r"split 'test' names no relevant document"):
        load_judged(folder)


def test_collection_of_a_set_with_a_long_name_has_a_valid_name() -> None:
    assert JudgedSet("n" * 64, queries={}, grades={}).own_collection == "eval-" + "n" * 59


def test_files_may_begin_with_a_byte_order_mark(tmp_path: Path) -> None:
    folder = write_set(tmp_path / "marked", "test")
    plain = load(folder, "test")
    for path in [*folder.glob("*.jsonl"), folder / "qrels" / "test.tsv"]:
        path.write_text(path.read_text("utf-8"), encoding="utf-8-sig")
    assert load(folder, "test") == plain
