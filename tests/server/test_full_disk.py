"""Real processes on a real, small file system that is nearly full: an answer, not a signal."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from resift.tests.server.processes import COMMAND, RawServer, environment

pytestmark = pytest.mark.slow

MB = 2**20
SIZE_MB = 320


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Path]:
    """A tmpfs of 320 MB, the harder case: it allocates mapped pages even when they are only read."""
    folder = tmp_path / "small"
    folder.mkdir()
    try:
        made = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", f"size={SIZE_MB}m", "tmpfs", str(folder)],
            capture_output=True,
            text=True,
            check=False,
        )
    except FileNotFoundError:
        pytest.skip("there is no `mount` on this machine")
    if made.returncode:
        pytest.skip(f"a size-limited file system cannot be mounted here: {made.stderr.strip()}")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def fill(folder: Path, *, leave_mb: float) -> None:
    """Write a file until only this much is free."""
    with (folder / "filler").open("ab", buffering=0) as file:
        while (excess := free_bytes(folder) - int(leave_mb * MB)) > 0:
            try:
                file.write(os.urandom(min(excess, MB)))
            except OSError:
                return


def free_bytes(folder: Path) -> int:
    status = os.statvfs(folder)
    return status.f_bavail * status.f_frsize


def resift(folder: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    done = subprocess.run(
        [*COMMAND, *arguments], env=environment(folder), cwd=folder, capture_output=True, text=True, check=False
    )
    assert done.returncode in (0, 1), f"{arguments}: ended with {done.returncode}: {done.stderr}"
    assert "Traceback" not in done.stderr
    return done


def ingest(folder: Path) -> None:
    (folder / "pump.md").write_text("# Pump\n\nThe pump hums because its bearing is worn.\n")
    (folder / "lamp.md").write_text("# Lamp\n\nThe lamp flickers when its contact is loose.\n")
    assert resift(folder, "ingest", "pump.md", "lamp.md").returncode == 0


def test_commands_tell_the_free_and_the_needed_space(small: Path) -> None:
    ingest(small)
    file = small / "backup.tar"
    fill(small, leave_mb=60)
    for command in (["search", "what hums"], ["ingest", "pump.md"], ["optimize"], ["backup", str(file)]):
        done = resift(small, *command)
        assert done.returncode == 1
        assert "Only 60 MB free" in done.stderr
        assert "MB are needed" in done.stderr
    assert "Only 60 MB free" in resift(small, "collections").stdout
    doctor = resift(small, "doctor")
    assert "✗ collections: Only 60 MB free" in doctor.stdout
    assert "✓ MCP server" in doctor.stdout
    fill(small, leave_mb=0)
    assert "✗ collections: Only 0 MB free" in resift(small, "doctor").stdout
    deleted = resift(small, "delete", "default", "--everything", "--yes")
    assert deleted.returncode == 0
    assert "could not be counted: Only 0 MB free" in deleted.stderr


def test_server_answers_and_ends_cleanly_when_the_disk_fills_up_under_it(small: Path) -> None:
    ingest(small)
    server = RawServer(small, None, "--in-process")
    question = {"query": "what hums", "limit": 1}
    before = server.structured("search_and_rerank", question)["hits"]
    fill(small, leave_mb=0)
    assert server.structured("search_and_rerank", question)["hits"] == before
    refused = server.call("ingest_documents", {"documents": [{"id": "new", "text": "A new text."}]})
    assert refused["isError"]
    assert "Only 0 MB free" in refused["content"][0]["text"]
    missing = server.call("delete_documents", {"collection": "default", "document_ids": ["x"]})
    assert missing["structuredContent"]["missing"] == ["x"]
    assert server.end() == 0
    assert "Traceback" not in (small / ".stderr").read_text()
    (small / "filler").unlink()
    found = resift(small, "search", "what hums", "-n", "1", "--json")
    assert '"title": "Pump"' in found.stdout
