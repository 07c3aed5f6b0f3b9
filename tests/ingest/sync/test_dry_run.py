"""A dry run tells what an ingestion would do, and does nothing."""

from dataclasses import replace

import pytest

from resift.tests.ingest.harness import Harness, doc
from resift.tests.ingest.sync.folder import MAX_BYTES, Folder, counts

pytestmark = pytest.mark.anyio


async def test_dry_run_reports_what_the_ingestion_then_does(folder: Folder) -> None:
    for name in ("same.md", "changed.md", "moved.md", "gone.md", "touched.md"):
        folder.write(name, f"# {name}\n\nThe text of {name}.")
    await folder.ingest()
    folder.write("changed.md", "Another text.")
    folder.move("moved.md", "sub/moved.md")
    folder.touch("touched.md")
    folder.write("new.md", "A new text.")
    folder.write("large.txt", "x" * (MAX_BYTES + 1))
    folder.write("scripts.html", "<!DOCTYPE html><html><script>run()</script></html>")
    (folder.path / "gone.md").unlink()
    before = await folder.held()
    planned = await folder.ingest(prune=True, dry_run=True)
    assert await folder.held() == before
    assert folder.encoded == []
    path = folder.path.as_posix()
    assert planned.planned == {
        "updated": (f"{path}/changed.md",),
        "added": (f"{path}/new.md",),
        "renamed": (f"{path}/moved.md -> {path}/sub/moved.md",),
        "removed": (f"{path}/gone.md",),
    }
    report = await folder.ingest(prune=True)
    assert counts(report) == {"added": 1, "updated": 1, "renamed": 1, "unchanged": 2, "removed": 1}
    assert len(report.failures) >= 1
    assert replace(planned, planned={}) == report


async def test_notes_of_one_kind_are_told_once_with_how_many_there_are(folder: Folder) -> None:
    for number in range(3):
        folder.write(f"{number}.md", "---\n" + "a: 1\n" * number + "b: [\n---\n\nA text.")
    folder.write("cut.json", '{"a": ')
    notes = (await folder.ingest(dry_run=True)).notes
    assert len(notes) == 2
    assert "0.md" in notes[0]
    assert "was read as text" in notes[0]
    assert notes[0].endswith("(2 more documents with such a note.)")
    assert "more document" not in notes[1]


async def test_renamed_file_is_not_gone(folder: Folder) -> None:
    folder.write("a.md", "One text.")
    folder.write("b.md", "Two text.")
    await folder.ingest()
    folder.move("a.md", "sub/a.md")
    (folder.path / "b.md").unlink()
    assert (await folder.ingest(dry_run=True)).gone == 1
    report = await folder.ingest()
    assert (counts(report), report.gone) == ({"renamed": 1}, 1)


async def test_documents_are_counted_as_gone_when_no_file_is_left(folder: Folder) -> None:
    folder.write("a.md", "One text.")
    await folder.ingest()
    (folder.path / "a.md").unlink()
    assert (await folder.ingest()).gone == 1


async def test_dry_run_makes_no_collection(harness: Harness) -> None:
    report = await harness.ingest(doc("a", year=1), doc("b", "Text.", year=2), doc("empty", ""), dry_run=True)
    assert (report.added, report.passages, len(report.failures)) == (2, 2, 1)
    assert report.planned == {"added": ("a", "b")}
    assert harness.name not in await harness.store.names()
    assert harness.encoder.texts == []
