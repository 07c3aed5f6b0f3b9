"""Jobs in real engines: they keep the engine alive, give way to maintenance, and go on in the next engine."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock

from resift.server.relay.maintenance import engine_kept_out
from resift.tests.server.processes import (
    COMMAND,
    TIMEOUT_S,
    RawServer,
    engine_pid,
    environment,
    resift,
    stop_engine,
)

pytestmark = pytest.mark.slow

FILES = 120
SENTENCE = "The pump of unit {0} hums at night, and bolt {1} of its seat has to be tightened crosswise and twice. "
SLOWLY = {"RESIFT_THREADS": "1"}  # for every process: an engine with other settings would run no commands


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "docs").mkdir()
    for number in range(FILES):
        text = "".join(SENTENCE.format(number, bolt) for bolt in range(8))
        (tmp_path / "docs" / f"unit-{number:03}.md").write_text(f"# Unit {number}\n\n{text}\n", encoding="utf-8")
    return tmp_path


def run(folder: Path, *arguments: str) -> str:
    done = resift(folder, *arguments, **SLOWLY)
    assert done.returncode == 0, done.stderr
    return done.stdout


def job(folder: Path, job_id: str) -> dict[str, Any]:
    return next(each for each in json.loads(run(folder, "jobs", "--json")) if each["id"] == job_id)


def test_job_is_stopped_with_the_engine_and_resumed_by_the_next(folder: Path) -> None:
    server = RawServer(folder, SLOWLY)
    job_id = run(folder, "ingest", "docs", "--background").strip()
    run(folder, "stop")
    assert job(folder, job_id)["state"] == "queued"
    server.call("list_collections", {})  # which starts the next engine
    run(folder, "jobs", "wait", job_id)
    assert job(folder, job_id)["state"] == "done"
    [listed] = server.structured("list_collections", {})["collections"]
    assert listed["documents"] == FILES
    assert server.end() == 0
    stop_engine(folder)


def test_waiting_for_a_job_goes_on_with_the_next_engine(folder: Path) -> None:
    server = RawServer(folder, SLOWLY)
    job_id = run(folder, "ingest", "docs", "--background").strip()
    with engine_kept_out(folder / "data", "resift backup", tell=print):  # the job cannot end
        waiting = subprocess.Popen(
            [*COMMAND, "jobs", "wait", job_id], stderr=subprocess.PIPE, env=environment(folder) | SLOWLY, text=True
        )
        while "resift jobs" not in run(folder, "status"):
            assert waiting.poll() is None
        run(folder, "stop", "--now")
    server.call("list_collections", {})  # which starts the next engine
    _, told = waiting.communicate(timeout=TIMEOUT_S)
    assert "The engine stopped. This command goes on in a process of its own." in told
    assert (waiting.returncode, job(folder, job_id)["state"]) == (0, "done")
    log = (folder / "data" / "logs" / "engine.log").read_text(encoding="utf-8")
    assert "are cut off" not in log
    assert server.end() == 0
    stop_engine(folder)


def test_engine_with_a_job_stays_although_no_client_is_left(folder: Path) -> None:
    settings = {"RESIFT_SERVE__IDLE_TIMEOUT_S": "0.5", "RESIFT_SERVE__INGEST_WAIT_S": "0", **SLOWLY}
    server = RawServer(folder, settings)
    begun = server.structured("ingest_documents", {"paths": ["docs"]})
    pid = engine_pid(folder)
    assert server.end() == 0
    record = folder / "data" / "jobs" / f"{begun['job']['id']}.json"
    with FileLock(folder / "data" / "engine.lock", timeout=TIMEOUT_S):  # free when the engine has left
        ended = json.loads(record.read_text(encoding="utf-8"))
    assert (ended["state"], ended["report"]["added"]) == ("done", FILES)
    log = (folder / "data" / "logs" / "engine.log").read_text(encoding="utf-8")
    assert log.count("Started, process") == 1
    assert f"Started, process {pid}" in log


def test_maintenance_pauses_a_job_that_goes_on_afterwards(folder: Path) -> None:
    server = RawServer(folder, SLOWLY)
    server.call("ingest_documents", {"documents": [{"text": "The lamp flickers."}], "collection": "other"})
    job_id = run(folder, "ingest", "docs", "--background").strip()
    assert "other (1 passage)" in run(folder, "backup", str(folder / "all.backup"))
    run(folder, "jobs", "wait", job_id)
    [listed] = server.structured("list_collections", {"collection": "default"})["collections"]
    assert listed["documents"] == FILES
    assert server.end() == 0
    stop_engine(folder)
