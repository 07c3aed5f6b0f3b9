"""`resift export` and `resift import` on the command line."""

import io
import json
import os
import sys
from pathlib import Path

import anyio
import pytest

from resift.core.vectors import standard_vectors
from resift.encoders.bm25 import Bm25Options
from resift.store.edge.store import EdgeStore
from resift.store.manifest import Manifest
from resift.tests.server.engine.serving import start
from resift.tests.server.in_process import Run


@pytest.mark.slow
def test_collection_goes_through_a_file_and_through_pipes(
    run: Run, files: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert run("ingest", str(files), "-c", "notes").code == 0
    file = tmp_path / "notes.jsonl"
    written = run("export", "notes", str(file))
    assert (written.code, f"notes: 1 document, 1 passage written to {file}" in written.out) == (0, True)
    content = file.read_bytes()
    assert json.loads(content.splitlines()[0])["collection"] == "notes"

    monkeypatch.setenv("RESIFT_DATA_DIR", str(tmp_path / "elsewhere"))
    read = run("import", str(file))
    assert (read.code, "notes: 1 document imported, 0 already there; 1 passage encoded." in read.out) == (0, True)
    assert "0 documents imported, 1 already there" in run("import", str(file)).out
    assert run("search", "squealing brakes", "-c", "notes", "--reranker", "none", "--json").json["hits"]

    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content)))
    assert "copy: 1 document imported" in run("import", "-", "-c", "copy").out
    assert "No collection 'nots'" in run("export", "nots", "-").err


def test_file_that_is_not_there_or_cannot_be_written_is_told(run: Run, tmp_path: Path) -> None:
    missing = run("import", str(tmp_path / "missing.jsonl"))
    assert (missing.code, "cannot be read: No such file or directory" in missing.err) == (1, True)
    (tmp_path / "other.jsonl").write_text('{"text": "x"}\n')
    assert (
        "is not the first line of a file that `resift export` wrote" in run("import", str(tmp_path / "other.jsonl")).err
    )


def test_folder_of_the_file_is_made_as_for_a_backup(run: Run, tmp_path: Path) -> None:
    async def create() -> None:
        store = EdgeStore(tmp_path / "data", reserve_bytes=0)
        await store.open(
            "notes",
            create=Manifest(standard_vectors("by-hand@1", 4), Bm25Options(average_length=10), chunking="200/40/40"),
        )
        await store.close()

    anyio.run(create)
    file = tmp_path / "new" / "folder" / "notes.jsonl"
    assert run("export", "notes", str(file)).code == 0
    assert json.loads(file.read_bytes())["collection"] == "notes"
    if os.name == "posix":
        assert file.stat().st_mode & 0o777 == 0o600
        file.chmod(0o640)
        assert run("export", "notes", str(file)).code == 0
        assert file.stat().st_mode & 0o777 == 0o640, "whoever gave the old file to others gives them the new one"
    refused = run("export", "notes", str(file / "below.jsonl"))
    assert (refused.code, "cannot be written: " in refused.err, "Choose another place." in refused.err) == (
        1,
        True,
        True,
    )


@pytest.mark.slow
def test_reader_that_goes_away_ends_the_export(run: Run, files: Path, tmp_path: Path) -> None:
    (files / "long.md").write_text("\n\n".join(f"Paragraph {number} of many words. " * 20 for number in range(200)))
    assert run("ingest", str(files), "-c", "notes").code == 0
    with start(tmp_path, "export", "notes", "-") as exporting:
        assert exporting.stdout is not None
        assert exporting.stdout.read(1)
        exporting.stdout.close()
        told = exporting.stderr.read() if exporting.stderr else ""
    assert "Traceback" not in str(told)
