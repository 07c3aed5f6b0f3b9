"""docs/api.md: its commands work one after another on a fresh server that was started as the page says."""

import json
import re
import shlex
import shutil
import subprocess
from base64 import b64decode
from pathlib import Path
from typing import Any

import httpx
import pytest

from resift.tests.server.processes import http_server

ROOT = Path(__file__).parents[4]
URL = "http://127.0.0.1:8848"


def _scripts() -> list[str]:
    """Return the commands of each block of the page; the first one starts the server."""
    text = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")
    blocks = re.findall(r"```console\n(.*?)```", text, re.DOTALL)
    return ["\n".join(line.removeprefix("$ ") for line in block.splitlines()) for block in blocks]


def _of_the_readme() -> list[str]:
    """Return the request of README.md, for a collection that the page ingests."""
    return re.findall(r"^curl .*$", (ROOT / "README.md").read_text(encoding="utf-8"), re.MULTILINE)


def _started_with(command: str) -> dict[str, str]:
    """Return the settings with which a command starts a server over HTTP."""
    *settings, resift, serve, http = shlex.split(command)
    assert [resift, serve, http] == ["resift", "serve", "--http"]
    named = {name: value for name, _, value in (each.partition("=") for each in settings)}
    assert named["RESIFT_INGEST_ROOTS"] == "."
    return {**named, "RESIFT_INGEST_ROOTS": str(ROOT)}  # the clone, in which the page starts the server


def _send(script: str, url: str) -> Any:
    """Run the commands of a block against a server at `url`, and return what the last one was answered."""
    script = script.replace(URL, url).replace("curl ", "curl -sS --fail-with-body ")
    done = subprocess.run(["bash", "-euo", "pipefail", "-c", script], check=False, capture_output=True, text=True)
    assert done.returncode == 0, f"{script}\n{done.stdout}{done.stderr}"
    return json.loads(done.stdout)


@pytest.mark.slow
def test_examples_of_the_page_work_one_after_another(tmp_path: Path) -> None:
    if not (shutil.which("curl") and shutil.which("bash")):
        pytest.skip("needs curl and bash")
    start, *scripts = _scripts()
    with http_server(tmp_path, _started_with(start)) as mcp:
        answers = [_send(each, mcp.removesuffix("/mcp")) for each in [*scripts, *_of_the_readme()]]
    found: list[list[dict[str, Any]]] = [each["hits"] for each in answers if "hits" in each]
    assert [hits[0]["document_id"] for hits in found][:2] == ["bees", "bees"]
    assert len(found) == 3
    assert [each["used"] for each in answers if "used" in each] == [1, 1]
    rows = [row for each in answers if "data" in each for row in each["data"]]
    [encoded] = [row["embedding"] for row in rows if isinstance(row["embedding"], str)]
    assert len(b64decode(encoded)) == 384 * 4
    assert len(answers) > 15


@pytest.mark.slow
def test_path_outside_the_folders_is_answered_as_the_page_says(tmp_path: Path) -> None:
    page = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")
    [meaning] = re.findall(r"^\| 422 \| (.*) \|$", page, re.MULTILINE)
    assert "outside the folders that the server may read" in meaning
    with http_server(tmp_path) as mcp:
        body = {"collection": "notes", "paths": ["/etc"]}
        refused = httpx.post(mcp.replace("/mcp", "/v1/documents"), json=body, timeout=60)
    assert (refused.status_code, refused.json()["error"]["type"]) == (422, "invalid_input")
    assert "outside the folders" in refused.json()["message"]
