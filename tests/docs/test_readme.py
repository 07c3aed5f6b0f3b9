"""What README.md says is true: its commands run, its filter is understood, and links lead somewhere."""

import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from resift.store.fields import hold
from resift.store.filters import parse_filter

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
NOT_RUN = ("make ", "pip ")  # they install; CI runs both


@pytest.mark.slow
def test_commands_of_the_readme_run(tmp_path: Path) -> None:
    environment = {**os.environ, "RESIFT_DATA_DIR": str(tmp_path / "data")}
    commands = [line[2:].split("  #")[0] for block in _blocks("console") for line in block.splitlines() if line]
    ours = [command for command in commands if not command.startswith(NOT_RUN)]
    assert len(ours) >= 5
    for command in ours:
        program, *arguments = shlex.split(command)
        assert program == "resift"
        done = subprocess.run(
            [sys.executable, "-m", "resift", *arguments],
            check=False,
            cwd=ROOT,
            env=environment,
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, f"{command}: {done.stderr}"


def test_filter_of_the_readme_is_understood() -> None:
    (block,) = _blocks("json")
    filter_ = json.loads(block)
    metadata = {"lang": "en", "year": 2020, "tag": ["a"], "status": "x", "published": "2024-01-01"}
    assert parse_filter(filter_, hold({}, metadata).fields) is not None


def test_relative_links_of_the_documentation_lead_somewhere() -> None:
    for page in [ROOT / "README.md", ROOT / "CHANGELOG.md", *ROOT.glob("docs/*.md"), ROOT / "benchmarks" / "README.md"]:
        for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text(encoding="utf-8")):
            assert (page.parent / target).exists(), f"{page.name} links to {target}"


def _blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)
