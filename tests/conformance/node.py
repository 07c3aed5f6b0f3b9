"""The Node.js programs that `make test-all` installs."""

import os
import subprocess
from pathlib import Path

import pytest

import resift
from resift.tests.server.processes import TIMEOUT_S

FOLDER = Path(__file__).parent
PACKAGES = Path(resift.__file__).parent / ".venv" / "node" / "node_modules"
NODE = PACKAGES / ".bin" / "node"
SUITE = PACKAGES / "@modelcontextprotocol" / "conformance" / "dist" / "index.js"
INSPECTOR = PACKAGES / "@modelcontextprotocol" / "inspector" / "clients" / "launcher" / "build" / "index.js"

needs_node = pytest.mark.skipif(
    not (PACKAGES.parent / ".installed").exists(),
    reason="the packages of tests/conformance are not installed; install Node.js with npm, then run `make test-all`",
)


def run_node(home: Path, script: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a program with a home folder of its own, and return what it printed and its exit code."""
    return subprocess.run(
        [str(NODE), str(script), *arguments],
        capture_output=True,
        text=True,
        encoding="utf-8",
        env={**os.environ, "HOME": str(home), "NO_COLOR": "1"},
        cwd=home,
        timeout=2 * TIMEOUT_S,
        check=False,
    )
