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


async def test_dry_run_makes_no_collection(harness: Harness) -> None:
    report = await harness.ingest(doc("a", year=1), doc("b", "Text.", year=2), doc("empty", ""), dry_run=True)
    assert (report.added, report.passages, len(report.failures)) == (2, 2, 1)
    assert report.planned == {"added": ("a", "b")}
    assert harness.name not in await harness.store.names()
    assert harness.encoder.texts == []
