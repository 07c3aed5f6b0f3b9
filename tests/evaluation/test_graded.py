"""Graded lists are read as a judged set for each pool, and every fault names its line."""

import json
from pathlib import Path
from typing import Any

import pytest

from resift.core.errors import InvalidInput, NotFound, UnreadableFile
from resift.evaluation.graded import read_graded, read_pools

CORPUS = [{"_id": each, "title": f"Title {each}", "text": f"Text of {each}."} for each in "abc"]
LISTS = [
    {"q": "one?", "pool": "docs", "style": "question", "passages": ["a", "b"], "grades": [3, 1], "best": ["a"]},
    {"q": "two?", "pool": "code", "passages": ["c"], "grades": [2]},
    {"q": "three?", "pool": "docs", "passages": ["b"], "grades": [0]},
]


def written(folder: Path, lists: list[Any], corpus: list[Any]) -> Path:
    for name, rows in (("lists.jsonl", lists), ("corpus.jsonl", corpus)):
        (folder / name).write_text("".join(f"{json.dumps(row)}\n" for row in rows), encoding="utf-8")
    return folder


def test_pools_are_judged_sets_with_the_passages_of_their_lists(tmp_path: Path) -> None:
    pools = read_graded(written(tmp_path, LISTS, CORPUS))
    assert list(pools) == ["code", "docs"]
    docs = pools["docs"]
    assert list(docs.queries.values()) == ["one?", "three?"]
    assert [dict(each) for each in docs.grades.values()] == [{"a": 1, "b": 0}, {"b": 0}]
    assert [(each.id, each.title, each.text) for each in docs.documents] == [
        ("a", "Title a", "Text of a."),
        ("b", "Title b", "Text of b."),
    ]
    assert docs.has_documents


def test_pools_keep_all_grades_and_what_is_known_of_a_question(tmp_path: Path) -> None:
    first, second = read_pools(written(tmp_path, LISTS, CORPUS))["docs"].questions.values()
    assert dict(first.grades) == {"a": 3, "b": 1}
    assert (first.query, first.style, first.best, first.is_answered) == ("one?", "question", ("a",), True)
    assert (second.style, second.best, second.is_answered) == ("", (), False)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"best": ["b"]}, "lists.jsonl:1: Value error, best names 'b', which has no grade of 2 or more"),
        ({"passages": ["a", "z"]}, "lists.jsonl:1: corpus.jsonl has no passage 'z'"),
        ({"grades": [3]}, "lists.jsonl:1: Value error, 2 passages have 1 grades"),
        ({"grades": [3, 4]}, "lists.jsonl:1: Input should be less than or equal to 3"),
        ({"pool": "../x"}, "lists.jsonl:1: String should match pattern"),
        ({"q": " "}, "lists.jsonl:1: The query is empty"),
    ],
)
def test_malformed_list_is_refused_with_its_line(tmp_path: Path, change: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        read_graded(written(tmp_path, [{**LISTS[0], **change}], CORPUS))


def test_blank_lines_are_passed_over_and_lines_keep_their_numbers(tmp_path: Path) -> None:
    written(tmp_path, [], CORPUS)
    lists = "\n".join([json.dumps(LISTS[0]), "", json.dumps(LISTS[1]), "  ", ""])
    (tmp_path / "lists.jsonl").write_text(lists, encoding="utf-8")
    assert list(read_graded(tmp_path)) == ["code", "docs"]
    (tmp_path / "lists.jsonl").write_text(lists.replace('"c"', '"z"'), encoding="utf-8")
    with pytest.raises(InvalidInput, match=r"lists\.jsonl:3: corpus\.jsonl has no passage 'z'"):
        read_graded(tmp_path)


@pytest.mark.parametrize("name", ["lists.jsonl", "corpus.jsonl"])
def test_file_in_another_encoding_is_refused_with_its_line(tmp_path: Path, name: str) -> None:
    with (written(tmp_path, LISTS, CORPUS) / name).open("ab") as file:
        file.write('{"q": "caf\u00e9?"}\n'.encode("latin-1"))
    with pytest.raises(UnreadableFile, match=rf"{name}:4 is not UTF-8.*Save the file as UTF-8"):
        read_graded(tmp_path)


def test_folder_without_lists_says_what_belongs_there(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match=r"A folder of graded lists has lists\.jsonl and corpus\.jsonl"):
        read_graded(tmp_path)
