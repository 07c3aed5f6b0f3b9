import json
from dataclasses import replace
from pathlib import Path

import pytest

from resift.core.errors import InvalidInput, NotFound, UnreadableFile
from resift.evaluation.judged import describe_left_out, sample
from resift.evaluation.question_file import DraftQuestion, check_new, read_questions, write_drafts


def test_query_ids_are_line_numbers(tmp_path: Path) -> None:
    path = tmp_path / "mine.jsonl"
    path.write_text('{"query": " why? ", "relevant": ["a", 7]}\n\n{"query": "wie groß?", "relevant": ["b"]}\n', "utf-8")
    judged = read_questions(path)
    assert judged.name == "mine"
    assert judged.queries == {"1": "why?", "3": "wie groß?"}
    assert judged.grades == {"1": {"a": 1, "7": 1}, "3": {"b": 1}}


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('{"query": "why?"}', r"mine\.jsonl:2 has no query or no list of relevant ids. Write it as"),
        ('{"query": "why?", "relevant": "a"}', r"mine\.jsonl:2 has no query or no list of relevant ids"),
        ('["why?"]', r"mine\.jsonl:2 has no query or no list of relevant ids"),
        (
            json.dumps({"query": "x" * 10_001, "relevant": ["a"]}),
            r"mine\.jsonl:2: The query has 10,001 characters, more than",
        ),
        ('{"query"', r"mine\.jsonl:2 is not JSON: "),
    ],
)
def test_malformed_line_is_named(tmp_path: Path, line: str, message: str) -> None:
    path = tmp_path / "mine.jsonl"
    path.write_text(f'{{"query": "why?", "relevant": ["a"]}}\n{line}\n')
    with pytest.raises(InvalidInput, match=message):
        read_questions(path)


def test_missing_empty_or_undecodable_file_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "mine.jsonl"
    with pytest.raises(NotFound, match=r"resift eval --make .*mine\.jsonl"):
        read_questions(path)
    path.write_text("\n")
    with pytest.raises(InvalidInput, match="holds no questions"):
        read_questions(path)
    path.write_bytes("größe".encode("latin-1"))
    with pytest.raises(UnreadableFile, match=r"not UTF-8: .* at byte 2"):
        read_questions(path)


def test_questions_that_no_document_answers_are_left_out_and_counted_unless_they_are_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "mine.jsonl"
    path.write_text(
        '{"query": "why?", "relevant": []}\n{"query": "what?", "relevant": ["a"]}\n{"query": "", "relevant": []}\n'
    )
    judged = read_questions(path)
    assert (judged.queries, judged.unanswered, judged.unwritten) == ({"2": "what?"}, 1, 1)
    judged = read_questions(path, allow_unanswered=True)
    assert (judged.grades, judged.unanswered, judged.unwritten) == ({"1": {}, "2": {"a": 1}}, 0, 1)
    path.write_text('{"query": "why?", "relevant": []}\n')
    with pytest.raises(InvalidInput, match="holds only questions that no document answers"):
        read_questions(path)


def test_drafts_are_questions_once_they_are_filled_in(tmp_path: Path) -> None:
    path = tmp_path / "new" / "mine.jsonl"
    check_new(path)
    write_drafts(path, [DraftQuestion("", ["a"], "a text — with a\nbreak"), DraftQuestion("why?", ["b"], "")])
    judged = read_questions(path)
    assert (judged.queries, judged.unwritten) == ({"2": "why?"}, 1)
    assert sample(judged, 1, seed=0).unwritten == 1
    path.write_text(path.read_text("utf-8").replace('"query": ""', '"query": "what?"'), "utf-8")
    judged = read_questions(path)
    assert (judged.queries, judged.unwritten) == ({"1": "what?", "2": "why?"}, 0)
    with pytest.raises(InvalidInput, match="already exists and was not overwritten"):
        check_new(path)


def test_drafts_alone_are_no_questions(tmp_path: Path) -> None:
    path = tmp_path / "mine.jsonl"
    write_drafts(path, [DraftQuestion("", ["a"], "one"), DraftQuestion(" ", ["b"], "two")])
    with pytest.raises(InvalidInput, match=r"mine\.jsonl holds no questions yet: the `query` of every line is empty"):
        read_questions(path)


def test_only_line_feeds_end_a_line(tmp_path: Path) -> None:
    path = tmp_path / "mine.jsonl"
    write_drafts(
        path,
        [DraftQuestion("why\u2028now?", ["a"], "one\u0085two\u2029three\x0cfour"), DraftQuestion("what?", ["b"], "")],
    )
    assert read_questions(path).queries == {"1": "why\u2028now?", "2": "what?"}


def test_file_that_cannot_be_written_is_found_before_drafting(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InvalidInput, match=r"file cannot be written: .* Choose another file\."):
        check_new(tmp_path / "file" / "mine.jsonl")
    with pytest.raises(InvalidInput, match=r"mine\.jsonl cannot be written: .* Choose another file\."):
        write_drafts(tmp_path / "file" / "mine.jsonl", [])


def test_check_leaves_no_folder_behind(tmp_path: Path) -> None:
    check_new(tmp_path / "new" / "one" / "mine.jsonl")
    assert not (tmp_path / "new").exists()
    (tmp_path / "here").mkdir()
    check_new(tmp_path / "here" / "mine.jsonl")
    assert (tmp_path / "here").exists()


def test_lines_that_repeat_a_question_are_one_question_about_all_their_documents(tmp_path: Path) -> None:
    path = tmp_path / "mine.jsonl"
    lines = [("Why?", ["a"]), ("what?", ["b"]), ("why? ", ["c"]), ("how?", list[str]())]
    path.write_text("\n".join(json.dumps({"query": query, "relevant": relevant}) for query, relevant in lines))
    judged = read_questions(path)
    assert judged.queries == {"1": "Why?", "2": "what?"}
    assert judged.grades == {"1": {"a": 1, "c": 1}, "2": {"b": 1}}
    assert (judged.repeated, judged.unanswered) == (1, 1)
    told = describe_left_out(replace(judged, unanswered=0), split="")
    assert told == ["1 line that repeats a question was joined with the first of it."]
    told = describe_left_out(replace(judged, unanswered=0, repeated=2), split="")
    assert told[0].startswith("2 lines that repeat a question were")


def test_byte_order_mark_is_not_part_of_the_first_line(tmp_path: Path) -> None:
    path = tmp_path / "mine.jsonl"
    path.write_text('{"query": "why?", "relevant": ["a"]}\n', encoding="utf-8-sig")
    assert read_questions(path).queries == {"1": "why?"}
