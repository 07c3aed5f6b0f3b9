"""The repository says nothing about the machine it was written on."""

import re
import subprocess
from pathlib import Path

import pytest

import resift

ROOT = Path(resift.__file__).parent
HOMES = re.compile(r"(?<![\w.])(?:/(?:work|home|Users|tmp)/\w+|\.\./\w+/data/)")
"""Folders of somebody's machine, or beside somebody's checkout."""


def test_no_file_names_a_folder_of_somebodys_machine() -> None:
    if not (ROOT / ".git").exists():
        pytest.skip("not a git checkout")
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split("\0")
    found: list[str] = []
    for name in filter(None, listed):
        path = ROOT / name
        if not path.is_file() or path.suffix in {".onnx", ".png", ".xz"} or path == Path(__file__):
            continue
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
            if HOMES.search(line):
                found.append(f"{name}:{number}: {line.strip()[:100]}")
    assert found == []
