"""Where documents come from: files below the roots, and text that the caller passes."""

from pathlib import Path

from resift.core.values import Document
from resift.ingest.job import Failure, Skipped
from resift.ingest.roots import Roots
from resift.ingest.sources import Files, files_below, text_document


def below(folder: Path, *paths: str, **metadata: object) -> Files:
    return files_below(paths, glob="**/*", roots=Roots.of([folder]), metadata=metadata, max_bytes=100)


def test_files_are_read_when_they_are_asked_for(tmp_path: Path) -> None:
    (tmp_path / "a.md").write_text("# A\n\nOld text.")
    files = below(tmp_path, ".")
    (tmp_path / "a.md").write_text("# A\n\nNew text.")
    [document] = files
    assert isinstance(document, Document)
    assert document.text == "# A\n\nNew text."
    assert (document.id, document.source, document.title) == (f"{tmp_path}/a.md", f"{tmp_path}/a.md", "A")


def test_files_that_cannot_be_read_are_failures_and_counted(tmp_path: Path) -> None:
    for name, data in {"good.md": b"good", "blank.md": b" ", "bad.md": b"\xff\xfe\xff", "big.md": b"x" * 101}.items():
        (tmp_path / name).write_bytes(data)
    files = below(tmp_path, ".", "missing.md", "../outside")
    items = list(files)
    assert len(items) == len(files) == 6
    assert [item for item in items if isinstance(item, Skipped)] == [Skipped(f"{tmp_path}/blank.md", "blank")]
    failures = {Path(item.source).name: item.reason for item in items if isinstance(item, Failure)}
    assert failures.keys() == {"missing.md", "outside", "bad.md", "big.md"}
    assert "RESIFT_INGEST_ROOTS" in failures["outside"]
    assert "the limit is 100" in failures["big.md"]


def test_blank_file_that_is_named_is_a_failure(tmp_path: Path) -> None:
    (tmp_path / "blank.md").write_text(" \n")
    [failure] = below(tmp_path, "blank.md")
    assert isinstance(failure, Failure)
    assert "has no text" in failure.reason


def test_file_that_vanishes_meanwhile_is_a_failure(tmp_path: Path) -> None:
    (tmp_path / "a.md").write_text("text")
    files = below(tmp_path, ".")
    (tmp_path / "a.md").unlink()
    [failure] = files
    assert isinstance(failure, Failure)


def test_metadata_given_is_added_and_wins(tmp_path: Path) -> None:
    (tmp_path / "a.md").write_text("---\nlang: en\nstatus: draft\n---\ntext")
    [document] = below(tmp_path, ".", lang="de", team="docs")
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
