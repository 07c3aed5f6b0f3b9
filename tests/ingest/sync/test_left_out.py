"""Files that were ingested and that ignore files, or their names, leave out now: pruned, or named in a note."""

from dataclasses import asdict

import pytest

from resift.ingest.files.roots import Roots
from resift.ingest.report import IngestReport
from resift.ingest.sources import files_below
from resift.tests.ingest.sync.folder import MAX_BYTES, Folder, counts

pytestmark = pytest.mark.anyio


async def ingest_named(folder: Folder, *names: str, prune: bool = False) -> IngestReport:
    files = files_below(names, glob="**/*", roots=Roots.of([folder.path]), metadata={}, max_bytes=MAX_BYTES)
    return await folder.harness.ingest_files(files, prune_below=files.folders if prune else ())


async def test_document_that_an_ignore_file_leaves_out_now_is_noted_and_pruned(folder: Folder) -> None:
    for name in ("kept.md", "log.txt", "drafts/deep/plan.md", "drafts/gone.md"):
        folder.write(name, f"The text of {name}.")
    await folder.ingest()
    folder.write(".resiftignore", "drafts/\n*.txt\n")
    folder.write("drafts/deep/plan.md", "A secret plan.")
    (folder.path / "drafts/gone.md").unlink()
    report = await folder.ingest()
    assert (counts(report), report.gone) == ({"unchanged": 1}, 1)
    both = f"{folder.path}/drafts/deep/plan.md, {folder.path}/log.txt"
    assert report.notes == (
        f"Still in the collection, although their files are skipped now: {both}. Delete what you do not want.",
    )
    planned = await folder.ingest(prune=True, dry_run=True)
    assert len(planned.planned["removed"]) == 3
    pruned = await folder.ingest(prune=True)
    assert (counts(pruned), pruned.notes) == ({"unchanged": 1, "removed": 3}, ())
    assert set(await folder.held()) == {"kept.md"}


async def test_what_was_named_in_spite_of_the_rules_stays(folder: Folder) -> None:
    folder.write(".resiftignore", "drafts/\n")
    for name in ("kept.md", "drafts/a.md", "drafts/deep/b.md", ".hidden/c.md", ".d.md"):
        folder.write(name, f"The text of {name}.")
    await ingest_named(folder, "drafts/a.md", "drafts/deep", ".hidden", ".d.md")
    report = await folder.ingest(prune=True)
    assert (counts(report), report.notes) == ({"added": 1}, ())
    assert len(await folder.held()) == 5
    await ingest_named(folder, "drafts")  # found from there, b.md keeps what it is
    assert counts(await ingest_named(folder, ".", "drafts", prune=True)) == {"unchanged": 3}


async def test_document_of_an_older_version_is_noted_rather_than_pruned(folder: Folder) -> None:
    for name in ("kept.md", "drafts/a.md"):
        folder.write(name, f"The text of {name}.")
    await folder.ingest()
    state = asdict((await folder.held())["drafts/a.md"].file or pytest.fail("no state"))
    await folder.set_on_first_passages(
        {"file": {name: state[name] for name in state if name != "depth"}}, "drafts/a.md"
    )
    folder.write(".resiftignore", "drafts/\n")
    report = await folder.ingest(prune=True)
    assert counts(report) == {"unchanged": 1}
    assert f"skipped now: {folder.path}/drafts/a.md. Delete" in report.notes[0]
