"""Where documents come from: files below the roots, and text that the caller passes."""

import logging
from base64 import b64encode
from collections import Counter
from pathlib import Path
from random import Random

import pytest

from resift.core.values import Document
from resift.evaluation.question_file import DraftQuestion, write_drafts
from resift.ingest.files.roots import Roots
from resift.ingest.files.skipping import notes_on
from resift.ingest.report import Failure, IngestReport, Skipped
from resift.ingest.sources import Files, files_below, text_document
from resift.tests.ingest.harness import outcomes


def below(folder: Path, *paths: str, **metadata: object) -> Files:
    return files_below(paths, glob="**/*", roots=Roots.of([folder]), metadata=metadata, max_bytes=100)


def test_files_are_read_when_they_are_asked_for(tmp_path: Path) -> None:
    (tmp_path / "a.md").write_text("# A\n\nOld text.")
    files = below(tmp_path, ".")
    (tmp_path / "a.md").write_text("# A\n\nNew text.")
    [document] = outcomes(files)
    assert isinstance(document, Document)
    assert document.text == "# A\n\nNew text."
    assert (document.id, document.source, document.title) == (f"{tmp_path}/a.md", f"{tmp_path}/a.md", "A")


def test_files_that_cannot_be_read_are_failures_and_counted(tmp_path: Path) -> None:
    for name, data in {"good.md": b"good", "blank.md": b" ", "bad.md": b"\xff\xfe\xff", "big.md": b"x" * 101}.items():
        (tmp_path / name).write_bytes(data)
    files = below(tmp_path, ".", "missing.md", "../outside")
    items = outcomes(files)
    assert len(items) == len(files) == 6
    assert [item for item in items if isinstance(item, Skipped)] == [Skipped(f"{tmp_path}/blank.md", "blank")]
    failures = {Path(item.source).name: item.reason for item in items if isinstance(item, Failure)}
    assert failures.keys() == {"missing.md", "outside", "bad.md", "big.md"}
    assert "RESIFT_INGEST_ROOTS" in failures["outside"]
    assert failures["bad.md"].startswith("It is binary")
    assert not any(str(tmp_path / name) in reason for name, reason in failures.items() if name != "missing.md")
    assert "the limit is 100" in failures["big.md"]


def test_blank_file_that_is_named_is_a_failure(tmp_path: Path) -> None:
    (tmp_path / "blank.md").write_text(" \n")
    [failure] = outcomes(below(tmp_path, "blank.md"))
    assert isinstance(failure, Failure)
    assert failure.reason == "It has no text, so there is nothing to search in it. Leave it out."


def test_file_that_vanishes_meanwhile_is_a_failure(tmp_path: Path) -> None:
    (tmp_path / "a.md").write_text("text")
    files = below(tmp_path, ".")
    (tmp_path / "a.md").unlink()
    [failure] = outcomes(files)
    assert isinstance(failure, Failure)


def test_metadata_given_is_added_and_wins(tmp_path: Path) -> None:
    (tmp_path / "a.md").write_text("---\nlang: en\nstatus: draft\n---\ntext")
    [document] = outcomes(below(tmp_path, ".", lang="de", team="docs"))
    assert isinstance(document, Document)
    assert document.metadata == {"lang": "de", "status": "draft", "team": "docs"}


def test_only_folders_that_may_be_read_can_be_pruned(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "a.md").write_text("text")
    assert below(tmp_path, "sub", "a.md", "missing", "..").folders == (tmp_path / "sub",)


def test_id_of_a_text_is_given_or_its_source_or_a_hash() -> None:
    assert text_document("text", id_="x", source="s", metadata={}).id == "x"
    assert text_document("text", source="https://a/b", metadata={}).id == "https://a/b"
    one, same, titled, other = (
        text_document(text, title=title, metadata={}).id
        for text, title in [("text", ""), ("text", ""), ("text", "Title"), ("other", "")]
    )
    assert one == same
    assert len({one, titled, other}) == 3
    assert one.startswith("text-")


def test_skipped_files_are_logged_and_the_first_of_those_that_may_matter_are_named(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "src").mkdir()
    for name in ("a.min.js", "b.min.js", "c.min.js", "d.min.js", "src/prod.env", "e.mp4"):
        (tmp_path / name).write_text("text")
    (tmp_path / "blank.md").write_text(" \n")
    (tmp_path / "gone\n.md").symlink_to(tmp_path / "nowhere.md")
    with caplog.at_level(logging.DEBUG, "resift.ingest"):
        files = below(tmp_path, ".")
        assert outcomes(files) == [Skipped(f"{tmp_path}/blank.md", "blank")]
    logged = {record.getMessage() for record in caplog.records}
    assert {f"Skipped (minified): {tmp_path}/d.min.js", f"Skipped (blank): {tmp_path}/blank.md"} <= logged
    [note] = notes_on(IngestReport(skipped=files.found.skipped, examples=files.found.examples), files.folders)
    assert note.startswith(
        "Skipped 4 minified files (a.min.js, b.min.js, c.min.js, …), 1 dangling link (gone\ufffd.md), 1 .mp4 file, "
        "1 secret file (src/prod.env). "
    )


def test_questions_for_an_evaluation_are_skipped_and_taken_when_they_are_named(tmp_path: Path) -> None:
    drafts = tmp_path / "questions.jsonl"
    write_drafts(drafts, [DraftQuestion("", ["notes.md"], "Bees make honey."), DraftQuestion("Who?", ["notes.md"], "")])
    (tmp_path / "unanswered.jsonl").write_text('{"query": "How old is the sea?", "relevant": []}\n')
    (tmp_path / "searches.jsonl").write_text('{"query": "honey", "relevant": "very"}\n')
    files = files_below(["."], glob="**/*", roots=Roots.of([tmp_path]), metadata={}, max_bytes=9999)
    kinds = {Path(item.source).name: item.kind for item in outcomes(files) if isinstance(item, Skipped)}
    assert kinds == dict.fromkeys(["questions.jsonl", "unanswered.jsonl"], "question files")
    assert [item.source for item in outcomes(files) if isinstance(item, Document)] == [
        f"{tmp_path}/searches.jsonl/line 1"
    ]
    named = files_below([drafts.name], glob="**/*", roots=Roots.of([tmp_path]), metadata={}, max_bytes=9999)
    assert len([item for item in outcomes(named) if isinstance(item, Document)]) == 2


def test_junk_in_a_folder_is_skipped_and_taken_when_it_is_named(tmp_path: Path) -> None:
    data = b64encode(Random(12).randbytes(3000)).decode()
    junk = {
        "app.js": "function f(a,b){return a>0?b:{value:-a}}" * 50,
        "api.go": "// Code generated by protoc. DO NOT EDIT.\npackage api\n",
        "image.txt": data,
        "uv.lock": 'name = "resift"\n',
        "app.css.map": '{"version":3}',
        "style.min.css": "a{b:c}",
    }
    words = "It rises, falls and rests. " * 9
    notes = f"# Plot\n\n{words}\n\n![plot](data:image/png;base64,{data})\n"
    for name, text in {**junk, "notes.md": notes}.items():
        (tmp_path / name).write_text(text)
    (tmp_path / "vendor").mkdir()
    (tmp_path / "vendor" / "library.py").write_text("import os\n")

    files = files_below(["."], glob="**/*", roots=Roots.of([tmp_path]), metadata={}, max_bytes=9999)
    [document, *skipped] = sorted(outcomes(files), key=lambda item: isinstance(item, Skipped))
    assert isinstance(document, Document)
    assert document.title == "Plot"
    kinds = Counter(item.kind for item in skipped if isinstance(item, Skipped)) + Counter(files.found.skipped)
    assert kinds.pop("minified") == 2
    assert kinds == dict.fromkeys(["generated", "encoded", "lock files", "source maps", "generated folders"], 1)

    named = files_below(list(junk), glob="**/*", roots=Roots.of([tmp_path]), metadata={}, max_bytes=9999)
    assert {Path(item.source).name for item in outcomes(named) if isinstance(item, Document)} == junk.keys()
