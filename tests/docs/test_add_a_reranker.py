"""docs/add-a-reranker.md: the example is a plug-in that works as the page says."""

import shlex
from pathlib import Path

import pytest

from resift.tests.docs.plugin_page import blocks, write_package
from resift.tests.plugins.installed import installed
from resift.tests.server.conftest import run
from resift.tests.server.in_process import Run

__all__ = ["run"]

PAGE = "add-a-reranker.md"

pytestmark = pytest.mark.slow


def test_commands_of_the_page_rerank_by_phrases(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_package(PAGE, tmp_path)
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "keys.md").write_text("# Keys\n\nTo rotate the API key, revoke the old one first.\n")
    (tmp_path / "docs" / "wheels.md").write_text("# Wheels\n\nHow wheels rotate on an axle.\n")
    monkeypatch.chdir(tmp_path)
    [commands] = blocks(PAGE, "sh")
    exported, *commands = commands.splitlines()
    [_, assignment] = shlex.split(exported)
    name, _, value = assignment.partition("=")
    monkeypatch.setenv(name, value)
    with installed(tmp_path):
        doctor, ingest, search = [run(*shlex.split(command)[1:]) for command in commands]
    assert "✓ reranker 'exact': phrases gave 0" in doctor.out
    assert "2 added" in ingest.out
    assert search.code == 0
    assert search.out.index("Keys") < search.out.index("Wheels")
