"""Pruning: which documents are removed because their files are gone, and which are kept."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from resift.ingest.files.roots import Roots
from resift.ingest.report import IngestReport
from resift.ingest.sources import files_below
from resift.tests.ingest.harness import Harness, doc

pytestmark = pytest.mark.anyio


async def test_prune_removes_only_what_is_gone_below_the_folder(harness: Harness, tmp_path: Path) -> None:
    for name in ("in/kept.md", "in/gone.md", "in/bad.md", "in/sub/gone.md", "inside.md", "out/other.md"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(f"# {name}\n\nText of {name}.")
    roots = Roots.of([tmp_path])

    async def run(*paths: str, prune: bool) -> IngestReport:
        files = files_below(paths, glob="**/*", roots=roots, metadata={}, max_bytes=10_000)
        return await harness.ingest_files(files, prune_below=files.folders if prune else ())

    await run(".", prune=False)
    await harness.ingest(doc("text"))
    (tmp_path / "in/gone.md").unlink()
    (tmp_path / "in/sub/gone.md").unlink()
    (tmp_path / "out/other.md").unlink()
    (tmp_path / "in/bad.md").write_bytes(b"# now \xff\xfe bad")
    kept = await run("in", prune=False)
    assert (kept.removed, kept.gone) == (0, 2)
    report = await run("in", prune=True)
    assert (report.removed, report.gone, report.unchanged, len(report.failures)) == (2, 0, 1, 1)
    assert (await run("in", prune=False)).gone == 0
    held = await (await harness.store.open(harness.name)).entries()
    assert {Path(key).name if "/" in key else key for key in held} == {
        "kept.md", "bad.md", "inside.md", "other.md", "text"
    }  # fmt: skip


async def test_prune_keeps_documents_whose_files_exist_but_were_not_read(harness: Harness, tmp_path: Path) -> None:
    documents = [replace(doc(name), source=f"{tmp_path}/{name}") for name in ("picked.md", "other.txt", "gone.md")]
    await harness.ingest(*documents)
    (tmp_path / "other.txt").write_text("Still here.")
    report = await harness.ingest(documents[0], prune_below=[tmp_path])
    assert report.removed == 1
    assert set(await (await harness.store.open(harness.name)).entries()) == {"picked.md", "other.txt"}


@pytest.mark.parametrize("text", ["", " \n"])
async def test_emptied_file_is_pruned(harness: Harness, tmp_path: Path, text: str) -> None:
    (tmp_path / "note.md").write_text("Some text.")
    files = files_below([tmp_path], glob="**/*", roots=Roots.of([tmp_path]), metadata={}, max_bytes=1000)
    await harness.ingest_files(files)
    await harness.ingest(doc("b"))
    (tmp_path / "note.md").write_text(text)
    files = files_below([tmp_path], glob="**/*", roots=Roots.of([tmp_path]), metadata={}, max_bytes=1000)
    assert (await harness.ingest_files(files, prune_below=[tmp_path])).removed == 1


async def test_document_whose_file_became_junk_or_blank_is_noted_unless_it_is_pruned(
    harness: Harness, tmp_path: Path
) -> None:
    async def run(**options: Any) -> IngestReport:
        files = files_below([tmp_path], glob="**/*", roots=Roots.of([tmp_path]), metadata={}, max_bytes=99_999)
        return await harness.ingest_files(files, **options)

    for name in ("app.js", "note.md"):
        (tmp_path / name).write_text("// Prints a greeting.\nprint('hello');\n")
    assert (await run()).notes == ()
    (tmp_path / "app.js").write_text("function a(b){return b+1};" * 1000)
    (tmp_path / "note.md").write_text(" \n")
    report = await run()
    assert report.skipped == {"minified": 1, "blank": 1}
    both = f"{tmp_path}/app.js, {tmp_path}/note.md"
    assert report.notes == (
        f"Still in the collection, although their files are skipped now: {both}. Delete what you do not want.",
    )
    pruned = await run(prune_below=[tmp_path])
    assert pruned.removed == 1
    assert f"skipped now: {tmp_path}/app.js. Delete" in pruned.notes[0]


async def test_source_of_a_text_may_be_a_folder_or_a_link(harness: Harness, tmp_path: Path) -> None:
    (tmp_path / "linked.md").write_text("Elsewhere.")
    (tmp_path / "guide").mkdir()
    (tmp_path / "link").symlink_to("linked.md")
    documents = [replace(doc(name), source=f"{tmp_path}/{name}") for name in ("guide", "link")]
    await harness.ingest(*documents)
    assert (await harness.ingest(doc("b"), prune_below=[tmp_path])).removed == 0
