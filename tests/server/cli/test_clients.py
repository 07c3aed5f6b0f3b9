"""`resift clients` prints entries that start this installation, without the PATH of a shell."""

import json
import re
import shlex
import subprocess
from pathlib import Path

import pytest

from resift.tests.server.in_process import Run


def test_entries_are_json_with_absolute_paths(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "Dokumente für alle").mkdir()
    shown = run("clients", "Dokumente für alle")
    assert (shown.code, shown.err) == (0, "")
    standard, vscode = (json.loads(each) for each in re.findall(r"(?m)^  \{\n(?:.*\n)*?  \}$", shown.out))
    desktop = standard["mcpServers"]["resift"]
    assert desktop["env"] == {"RESIFT_INGEST_ROOTS": str(tmp_path / "Dokumente für alle")}
    code = vscode["servers"]["resift"]
    assert (desktop["command"], desktop["args"]) == (code["command"], code["args"])
    assert Path(desktop["command"]).is_absolute()
    assert desktop["args"][-1] == "serve"
    assert f" -- {shlex.join([desktop['command'], *desktop['args']])}\n" in shown.out


def test_folder_of_documents_is_the_current_one_by_default(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert f'"RESIFT_INGEST_ROOTS": "{tmp_path}"' in run("clients").out


@pytest.mark.slow
def test_printed_command_starts_without_a_path(run: Run) -> None:
    [line] = re.findall("claude mcp add resift -- (.*)", run("clients").out)
    program = [*shlex.split(line)[:-1], "--version"]
    done = subprocess.run(program, env={"PATH": ""}, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_folder_that_is_named_is_in_every_entry(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "my docs").mkdir()
    named, unnamed = run("clients", "my docs").out, run("clients").out
    roots = f"RESIFT_INGEST_ROOTS={tmp_path / 'my docs'}"
    assert f"claude mcp add resift -e {shlex.quote(roots)} -- " in named
    assert (named.count("RESIFT_INGEST_ROOTS"), unnamed.count("RESIFT_INGEST_ROOTS")) == (3, 1)


def test_folder_that_does_not_exist_is_refused(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "docs").mkdir()
    refused = run("clients", "dcos")
    assert (refused.code, refused.out) == (2, "")
    assert "There is no folder 'dcos'. Did you mean 'docs'?" in refused.err
    (tmp_path / "dcos.md").touch()
    assert "There is no folder 'dcso'. Did you mean 'docs'?" in run("clients", "dcso").err
    assert "'dcos.md' is a file. Name the folder that it is in." in run("clients", "dcos.md").err
