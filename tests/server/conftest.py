"""The command line in this process, with a data directory of its own."""

from pathlib import Path

import pytest

from resift.tests.server.in_process import Run, runner


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Run a command; modules that need more of the environment add it to this fixture."""
    monkeypatch.setenv("RESIFT_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("RESIFT_MIN_FREE_MB", "0")
    monkeypatch.setenv("COLUMNS", "200")
    return runner(monkeypatch, capsys)
