"""The command line in this process, with a data directory of its own."""

from math import inf
from pathlib import Path

import pytest

from resift.server.cli import console
from resift.tests.server.in_process import Run, runner


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Run a command; modules that need more of the environment add it to this fixture.

    However busy the machine is, a command prints no progress lines, which are for what takes seconds.
    """
    monkeypatch.setattr(console, "LINE_EVERY_S", inf)
    monkeypatch.setenv("RESIFT_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("COLUMNS", "200")
    return runner(monkeypatch, capsys)
