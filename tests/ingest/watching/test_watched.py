"""What the engine watches is kept in a file of the data folder."""

import stat
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from resift.core.errors import StoreError
from resift.ingest.watching.watched import WATCHED, WATCHED_LOCK, Watched, WatchedFolders

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
def test_damaged_file_counts_as_empty_is_logged_and_never_overwritten(
    tmp_path: Path, text: str, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / WATCHED).write_text(text)
    folders = WatchedFolders(tmp_path)
    assert folders.read() == folders.read() == []
    assert caplog.text.count("Nothing is watched") == 1
    with pytest.raises(StoreError, match=r"watched\.json.*Correct the file or delete it"):
        folders.add(Watched("default", (DOCS,)))
    with pytest.raises(StoreError, match="cannot be read"):
        folders.remove(collection="default")
    assert (tmp_path / WATCHED).read_text() == text


def test_changes_at_the_same_time_all_count_and_the_file_is_private(tmp_path: Path) -> None:
    def add(number: int) -> None:
        WatchedFolders(tmp_path).add(Watched(f"c{number}", (DOCS,)))

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(add, range(20)))
    assert {row.collection for row in WatchedFolders(tmp_path).read()} == {f"c{number}" for number in range(20)}
    assert {each.name for each in tmp_path.iterdir()} == {WATCHED, WATCHED_LOCK}
    if sys.platform != "win32":
        assert stat.S_IMODE((tmp_path / WATCHED).stat().st_mode) == 0o600


def test_nothing_is_made_to_forget_what_nobody_watches(tmp_path: Path) -> None:
    assert WatchedFolders(tmp_path / "data").remove(collection="default") == []
    assert not (tmp_path / "data").exists()
