"""Files in whose place something else lies now: they are gone, although there is something at their paths."""

import pytest

from resift.tests.ingest.sync.folder import Folder, counts

pytestmark = pytest.mark.anyio


async def test_file_that_became_a_folder_is_gone(folder: Folder) -> None:
    folder.write("guide", "The whole guide.")
    await folder.ingest()
    (folder.path / "guide").unlink()
    folder.write("guide/start.md", "How to start.")
    report = await folder.ingest()
    assert (counts(report), report.gone) == ({"added": 1}, 1)
    assert counts(await folder.ingest(prune=True)) == {"unchanged": 1, "removed": 1}
    assert set(await folder.held()) == {"guide/start.md"}


async def test_file_that_became_a_folder_with_it_is_renamed(folder: Folder) -> None:
    folder.write("guide", "The whole guide.")
    await folder.ingest()
    folder.move("guide", "rest")
    folder.move("rest", "guide/start.md")
    assert counts(await folder.ingest()) == {"renamed": 1}
    assert folder.encoded == []


async def test_files_and_folders_that_links_to_the_outside_replace_are_gone(folder: Folder) -> None:
    outside = folder.path.with_name("outside")
    outside.mkdir()
    for name in ("a.md", "kept.md", "sub/b.md"):
        folder.write(name, f"The text of {name}.")
    await folder.ingest()
    for name in ("a.md", "sub"):
        (folder.path / name).rename(outside / name)
        (folder.path / name).symlink_to(outside / name)
    report = await folder.ingest()
    assert (counts(report), report.gone) == ({"unchanged": 1}, 2)
    assert counts(await folder.ingest(prune=True)) == {"unchanged": 1, "removed": 2}
    assert set(await folder.held()) == {"kept.md"}


async def test_file_that_was_moved_and_left_as_a_link_is_renamed(folder: Folder) -> None:
    folder.write("a.md", "Some text.")
    await folder.ingest()
    folder.move("a.md", "sub/b.md")
    (folder.path / "a.md").symlink_to("sub/b.md")
    assert counts(await folder.ingest()) == {"renamed": 1}
    assert set(await folder.held()) == {"sub/b.md"}
    assert folder.encoded == []
