"""`resift status` and `resift stop`, beside a real engine."""

import json
import os
import subprocess
from pathlib import Path

import pytest

from resift.tests.server.processes import COMMAND, RawServer, environment, resift

HEAVY = {"mcp", "pydantic", "typer", "rich", "numpy", "anyio", "onnxruntime", "qdrant_edge"}


@pytest.mark.slow
def test_status_tells_clients_collections_and_log_until_the_engine_is_stopped(tmp_path: Path) -> None:
    server = RawServer(tmp_path)
    server.call("ingest_documents", {"documents": [{"text": "The pump hums."}]})
    told = resift(tmp_path, "status", "--json")
    state = json.loads(told.stdout)
    assert told.returncode == 0
    assert [(each["kind"], each["pid"], each["folder"]) for each in state["clients"]] == [
        ("mcp", server.process.pid, os.path.realpath(tmp_path))
    ]
    assert [(each["name"], each["documents"], each["passages"]) for each in state["collections"]] == [("default", 1, 1)]
    assert (state["calls"], state["jobs"], state["difference"], state["problem"]) == (0, [], "", "")
    assert 50 < state["memory_mb"] < 4_000
    assert Path(state["log"]).is_file()
    text = resift(tmp_path, "status").stdout
    assert f"Engine: process {state['pid']}, version " in text
    assert f"mcp, process {server.process.pid}, in " in text
    assert "Calls in flight: none\nIngestions: none\nWatched folders: none\nCollections:\n" in text
    assert "default: 1 document, 1 passage\n" in text

    stopped = resift(tmp_path, "stop")
    assert (stopped.returncode, stopped.stderr) == (0, "")
    assert f"process {state['pid']}, has stopped. The next client starts it again." in stopped.stdout
    gone = resift(tmp_path, "status", "--json")
    assert (gone.returncode, json.loads(gone.stdout)["running"]) == (1, False)

    hits = server.call("hybrid_search", {"query": "hums"})
    assert "The pump hums." in json.dumps(hits), "the client did not go on after `resift stop`"
    assert server.end() == 0


def test_without_an_engine_status_ends_with_one_and_stop_with_zero(tmp_path: Path) -> None:
    told, stopped = resift(tmp_path, "status"), resift(tmp_path, "stop")
    nothing = f"No engine is running for the data folder {tmp_path / 'data'}."
    assert (told.returncode, told.stdout.startswith(nothing)) == (1, True)
    assert (stopped.returncode, stopped.stdout.strip()) == (0, nothing)


@pytest.mark.slow
def test_other_settings_are_told(tmp_path: Path) -> None:
    server = RawServer(tmp_path)
    told = resift(tmp_path, "status", RESIFT_THREADS="1")
    assert "Note: The running engine was started with other settings: RESIFT_THREADS." in told.stdout
    assert server.end() == 0
    assert resift(tmp_path, "stop").returncode == 0


@pytest.mark.parametrize("arguments", [["status"], ["status", "--json"], ["stop"], ["stop", "--now"]])
def test_status_and_stop_import_nothing_heavy(tmp_path: Path, arguments: list[str]) -> None:
    code = f"""
import sys
sys.argv = ["resift", *{arguments!r}]
from resift.server.entry import main
try:
    main()
finally:
    print(*sorted({{name.partition(".")[0] for name in sys.modules}}), file=sys.stderr)
"""
    done = subprocess.run(
        [*COMMAND[:1], "-c", code], capture_output=True, text=True, env=environment(tmp_path), check=False
    )
    assert str(tmp_path / "data") in done.stdout
    assert not set(done.stderr.split()) & HEAVY
