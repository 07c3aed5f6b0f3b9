"""No command fails with a traceback where the extras are not installed."""

import json
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from resift.tests.server.processes import environment

pytestmark = pytest.mark.slow

SCRIPT = """
import io, json, sys, traceback
from contextlib import redirect_stderr, redirect_stdout
from resift.core.extras import EXTRAS

for module in {name for names in EXTRAS.values() for name in names}:
    sys.modules[module] = None

from resift.server.cli.app import run

outcomes = {}
for command in json.loads(sys.argv[1]):
    code = None
    with redirect_stdout(io.StringIO()) as out, redirect_stderr(out):
        try:
            run(command)
        except SystemExit as end:
            code = end.code or 0
        except BaseException:
            traceback.print_exc()
    outcomes[" ".join(command)] = [code, out.getvalue()]
print(json.dumps(outcomes))
"""

WORKS = (
    ("ingest", "notes"),
    ("collections",),
    ("search", "pads"),
    ("eval", "drafts.jsonl", "--make"),
    ("tune", "--reset"),
    ("optimize",),
    ("backup", "saved.resift"),
    ("token", "ci"),
    ("prompts",),
    ("doctor",),
)

LACKS_DATA: Mapping[tuple[str, ...], str] = {
    ("tune", "--data", "judged.jsonl"): "tuning needs 20",
    ("tune", "--data", "judged.jsonl", "--verdicts"): "questions",
    ("tune", "--feedback"): "tuning needs 20",
    ("tune", "--memory"): "with fewer than 1,000 no memory is saved",
}

NEED_AN_EXTRA: Mapping[tuple[str, ...], str] = {
    ("eval", "judged.jsonl"): "eval",
    ("train", "--data", "judged.jsonl", "--out", "model"): "train",
}


@pytest.fixture(scope="module")
def outcomes(ingested: Path, tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, tuple[int | None, str]]:
    """By command, its exit code, which is None after a traceback, and what it printed."""
    folder = shutil.copytree(ingested, tmp_path_factory.mktemp("bare") / "root")
    (folder / "notes").mkdir()
    (folder / "notes" / "tyres.md").write_text("Tyres lose pressure in the cold.", encoding="utf-8")
    question = json.dumps({"query": "what squeals when it is worn", "relevant": ["brakes"]})
    (folder / "judged.jsonl").write_text(question, encoding="utf-8")
    commands = json.dumps([*WORKS, *LACKS_DATA, *NEED_AN_EXTRA])
    ran = subprocess.run(
        [sys.executable, "-c", SCRIPT, commands],
        capture_output=True,
        text=True,
        encoding="utf-8",
        env=environment(folder),
        cwd=folder,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    return json.loads(ran.stdout)


@pytest.mark.parametrize("command", WORKS, ids=" ".join)
def test_command_works_without_extras(outcomes: Mapping[str, tuple[int | None, str]], command: tuple[str, ...]) -> None:
    code, output = outcomes[" ".join(command)]
    assert code == 0, output


@pytest.mark.parametrize("command", LACKS_DATA, ids=" ".join)
def test_tuning_needs_data_but_no_extra(
    outcomes: Mapping[str, tuple[int | None, str]], command: tuple[str, ...]
) -> None:
    code, output = outcomes[" ".join(command)]
    assert code == 1, output
    assert LACKS_DATA[command] in output


@pytest.mark.parametrize("command", NEED_AN_EXTRA, ids=" ".join)
def test_command_that_needs_an_extra_gives_its_install_line(
    outcomes: Mapping[str, tuple[int | None, str]], command: tuple[str, ...]
) -> None:
    code, output = outcomes[" ".join(command)]
    assert code == 1, output
    assert f"needs the extra {NEED_AN_EXTRA[command]!r}" in output
    assert "to install it" in output
