"""What the engine watches is kept in a file of the data folder."""

from pathlib import Path

import pytest

from resift.ingest.watching.watched import WATCHED, Watched, WatchedFolders

DOCS, NOTES = Path("/somewhere/docs"), Path("/somewhere/notes")


def test_folders_are_remembered_with_how_they_are_ingested(tmp_path: Path) -> None:
    watched = Watched("default", (DOCS, NOTES), glob="*.md", metadata={"lang": "en", "year": 2026})
    WatchedFolders(tmp_path).add(watched)
    WatchedFolders(tmp_path).add(Watched("other", (DOCS,)))
    assert WatchedFolders(tmp_path).read() == [watched, Watched("other", (DOCS,))]


def test_folder_that_is_ingested_again_is_watched_as_it_was_ingested_last(tmp_path: Path) -> None:
    folders = WatchedFolders(tmp_path)
    folders.add(Watched("default", (DOCS, NOTES)))
    folders.add(Watched("default", (DOCS,), glob="*.md"))
    assert folders.read() == [Watched("default", (NOTES,)), Watched("default", (DOCS,), glob="*.md")]
    before = (tmp_path / WATCHED).stat()
    folders.add(Watched("default", (DOCS,), glob="*.md"))
    assert (tmp_path / WATCHED).stat() == before


def test_folders_and_collections_are_forgotten(tmp_path: Path) -> None:
    folders = WatchedFolders(tmp_path)
    folders.add(Watched("default", (DOCS, NOTES)))
    folders.add(Watched("other", (DOCS,)))
    assert folders.remove(folders=[DOCS], collection="default") == [Watched("default", (DOCS, NOTES))]
    assert folders.remove(folders=[DOCS], collection="none") == []
    assert folders.remove(collection="other") == [Watched("other", (DOCS,))]
    assert folders.read() == [Watched("default", (NOTES,))]


@pytest.mark.parametrize("text", ["{", "[1]", '[{"collection": "a"}]', '{"a": 1}'])
def test_damaged_file_counts_as_empty_and_is_logged(
    tmp_path: Path, text: str, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / WATCHED).write_text(text)
    assert WatchedFolders(tmp_path).read() == []
    assert "nothing is watched" in caplog.text
