"""The last client of the SDK's first generation speaks to the server."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

import resift
from resift.server.http.bearer import new_token
from resift.tests.server.processes import COMMAND, TIMEOUT_S, environment, http_server

INTERPRETER = Path(resift.__file__).parent / ".venv" / "sdk1" / "bin" / "python"

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not INTERPRETER.exists(), reason=f"{INTERPRETER} is not there; `make test-all` makes it"),
]


def test_client_of_the_first_generation_does_the_whole_story_over_pipes(tmp_path: Path) -> None:
    assert_whole_story(_told(json.dumps(environment(tmp_path)), *COMMAND, "serve"))


def test_client_of_the_first_generation_does_the_whole_story_over_http(tmp_path: Path) -> None:
    token = new_token("writer", write=True)
    with http_server(tmp_path, {"RESIFT_HTTP__TOKENS": f"[{token.row.model_dump_json()}]"}) as url:
        assert_whole_story(_told(url, token.token))


def _told(*arguments: str) -> dict[str, Any]:
    """Return what the client saw."""
    script = Path(__file__).with_name("sdk1_client.py")
    done = subprocess.run(
        [str(INTERPRETER), str(script), *arguments], capture_output=True, text=True, timeout=TIMEOUT_S, check=False
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def assert_whole_story(seen: dict[str, Any]) -> None:
    assert seen["sdk"].startswith("1.30.")
    assert seen["protocol"] == "2025-11-25"
    assert len(seen["tools"]) == 7
    assert seen["taken"]["added"] == 2
    assert seen["heard"][0][0] == 0
    assert seen["found"]["hits"][0]["document_id"] == "pump"
    assert seen["found_text"] == seen["found"]
    assert seen["read"]["passages"][0]["text"] == "The pump hums."
    assert seen["ranked"]["hits"][0]["passage_id"] == "2"
    assert seen["refused"][0] is True
    assert "query is empty" in seen["refused"][1]
    assert seen["gone"]["documents"] == 1
