"""A folder in whose place another lies is not taken for one whose files were deleted."""

from pathlib import Path

import pytest

from resift.ingest.watching.originals import Originals
from resift.store.protocols import Entry, FileState


@pytest.fixture
def docs(tmp_path: Path) -> Path:
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs/a.md").write_text("text")
    return tmp_path / "docs"


def held(*paths: Path) -> list[Entry]:
    return [
        Entry(
            digest="0",
            source=f"{path}/inner",
            passages=1,
            file=FileState(path.as_posix(), size=1, modified_ns=1, content="0", options="0", documents=1),
        )
        for path in paths
    ]


def emptied(originals: Originals, folder: Path, entries: list[Entry]) -> bool:
    return originals.emptied(originals.unknown([folder]), entries) == [folder]


def unmount(folder: Path) -> None:
    folder.rename(folder.with_name("away"))
    folder.mkdir()


def test_folder_whose_files_are_deleted_is_the_same(docs: Path) -> None:
    originals, entries = Originals(), held(docs / "a.md")
    assert not emptied(originals, docs, entries)
    (docs / "a.md").unlink()
    assert originals.unknown([docs]) == []


def test_empty_folder_in_the_place_of_another_has_lost_its_files_until_one_is_back(docs: Path) -> None:
    originals, entries = Originals(), held(docs / "a.md")
    assert not emptied(originals, docs, entries)
    unmount(docs)
    assert emptied(originals, docs, entries)
    (docs / "written beside the disk.md").write_text("text")
    more = [*entries, *held(docs / "written beside the disk.md")]
    assert emptied(originals, docs, more)
    (docs / "a.md").write_text("text")
    assert not emptied(originals, docs, more)
    assert originals.unknown([docs]) == []


def test_mount_point_that_is_empty_at_the_start_has_lost_its_files(docs: Path) -> None:
    unmount(docs)
    assert emptied(Originals(), docs, held(docs / "a.md"))


def test_folder_of_which_nothing_is_held_any_more_is_trusted(docs: Path) -> None:
    originals = Originals()
    unmount(docs)
    assert emptied(originals, docs, held(docs / "a.md"))
    assert not emptied(originals, docs, held(docs.with_name("docs2") / "a.md"))
