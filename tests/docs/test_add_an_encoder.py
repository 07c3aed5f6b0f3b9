"""docs/add-an-encoder.md: the example is a plug-in that works as the page says."""

import shlex
from pathlib import Path

import pytest

from resift.tests.docs.plugin_page import blocks, write_package
from resift.tests.plugins.installed import installed
from resift.tests.server.conftest import run
from resift.tests.server.in_process import Run

__all__ = ["run"]

PAGE = "add-an-encoder.md"

pytestmark = pytest.mark.slow


def test_commands_of_the_page_ingest_and_search(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_package(PAGE, tmp_path)
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "settings.md").write_text("# Tokenizer settings\n\nThe tokenizer is set by its name.\n")
    (tmp_path / "docs" / "other.md").write_text("# Wheels\n\nA wheel turns on its axle.\n")
    monkeypatch.chdir(tmp_path)
    [commands] = blocks(PAGE, "sh")
    exported, *commands = commands.splitlines()
    for name, value in (pair.split("=") for pair in exported.removeprefix("export ").split()):
        monkeypatch.setenv(name, value)
    with installed(tmp_path):
        doctor, ingest, search = [run(*shlex.split(command)[1:]) for command in commands]
    assert "✓ encoder: trigrams-512@1, 512 dimensions" in doctor.out
    assert "2 added" in ingest.out
    assert search.code == 0
    assert search.out.index("Tokenizer settings") < search.out.index("Wheels")
