"""docs/add-a-parser.md: the example is a plug-in that works as the page says."""

import re
import runpy
import tomllib
from pathlib import Path

import pytest

from resift.tests.plugins.installed import installed

PAGE = Path(__file__).parents[2] / "docs" / "add-a-parser.md"


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)


def test_example_is_found_and_reads_its_format(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    parser, trial = blocks("python")
    [packaging] = map(tomllib.loads, blocks("toml"))
    project = packaging["project"]
    [module] = packaging["tool"]["setuptools"]["py-modules"]
    (tmp_path / f"{module}.py").write_text(parser)
    (tmp_path / "trial.py").write_text(trial)
    folder = tmp_path / f"{module}-{project['version']}.dist-info"  # as `pip install .` writes it
    folder.mkdir()
    (folder / "METADATA").write_text(f"Name: {project['name']}\nVersion: {project['version']}\n")
    points = "".join(
        f"[{group}]\n" + "".join(f"{name} = {target}\n" for name, target in named.items())
        for group, named in project["entry-points"].items()
    )
    (folder / "entry_points.txt").write_text(points)
    monkeypatch.chdir(tmp_path)
    with installed(tmp_path):
        run = runpy.run_path("trial.py")
    assert run["document"].parsed.lines
