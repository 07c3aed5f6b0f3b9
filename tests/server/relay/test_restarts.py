"""A client of the relay goes on when the engine stops, is replaced or dies."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from resift.server.engine.greeting import MCP
from resift.server.relay.connect import EngineFailed, connect_or_start
from resift.server.relay.conversation import LOST
from resift.server.relay.maintenance import engine_kept_out
from resift.tests.server.processes import TIMEOUT_S, RawServer, engine_pid, environment, stop_engine

PUMP = {"documents": [{"id": "pump", "text": "The pump hums at night."}]}


def _kill_engine(folder: Path) -> int:
    pid = engine_pid(folder)
    os.kill(pid, signal.SIGKILL)
    return pid


@pytest.mark.slow
def test_client_goes_on_when_the_engine_is_killed(folder: Path) -> None:
    server = RawServer(folder)
    server.call("ingest_documents", PUMP)
    killed = _kill_engine(folder)
    search = {"name": "hybrid_search", "arguments": {"query": "pump"}}
    answer = server.request("tools/call", search)
    if "error" in answer:  # the engine had read the call before it was gone
        assert answer["error"]["message"] == LOST
        answer = server.request("tools/call", search)
    assert answer["result"]["structuredContent"]["hits"]
    assert engine_pid(folder) != killed
    assert len(server.request("tools/list", {})["result"]["tools"]) == 7
    assert server.end() == 0


@pytest.mark.slow
def test_call_in_flight_when_the_engine_is_killed_gets_an_error_and_the_next_one_is_served(folder: Path) -> None:
    server = RawServer(folder)
    server.call("list_collections", {})
    text = "The pump hums. " * 40
    many = {"documents": [{"id": f"d{each}", "text": f"{each} {text}"} for each in range(400)]}
    stdin = server.process.stdin
    assert stdin is not None
    call = {"jsonrpc": "2.0", "id": "long", "method": "tools/call"}
    stdin.write(json.dumps({**call, "params": {"name": "ingest_documents", "arguments": many}}) + "\n")
    stdin.flush()
    server.request("ping", {})  # the engine has read the call
    _kill_engine(folder)
    assert server.process.stdout is not None
    lost = json.loads(server.process.stdout.readline())
    assert lost["id"] == "long"
    assert "engine stopped while it worked on this call" in lost["error"]["message"]
    assert server.structured("list_collections", {})
    assert server.end() == 0


@pytest.mark.slow
def test_engine_that_is_told_to_stop_answers_the_call_in_flight_and_the_next_finishes_its_work(folder: Path) -> None:
    server = RawServer(folder)
    server.call("list_collections", {})
    stdin, stdout = server.process.stdin, server.process.stdout
    assert stdin is not None
    assert stdout is not None
    many = {"documents": [{"id": f"d{each}", "text": f"Pump {each} hums at night. " * 20} for each in range(60)]}
    call = {"jsonrpc": "2.0", "id": "long", "method": "tools/call"}
    stdin.write(json.dumps({**call, "params": {"name": "ingest_documents", "arguments": many}}) + "\n")
    stdin.flush()
    server.request("ping", {})
    os.kill(engine_pid(folder), signal.SIGTERM)
    answer = json.loads(stdout.readline())["result"]["structuredContent"]
    stop_engine(folder)
    assert not (folder / "data" / "engine.json").exists()
    assert not (folder / "data" / "owner.json").exists()
    if "job" in answer:  # not finished before the stop
        server.call("ingest_documents", {"job": answer["job"]["id"]})
    assert server.structured("list_collections", {})["collections"][0]["documents"] == 60
    assert server.end() == 0


@pytest.mark.slow
def test_no_call_fails_when_the_engine_is_restarted_under_a_busy_client(folder: Path) -> None:
    server, passages = RawServer(folder), ["a lamp", "the pump hums"]
    for call in range(100):
        if call % 25 == 24:
            os.kill(engine_pid(folder), signal.SIGTERM)
        found = server.structured("rerank", {"query": f"pump {call}", "passages": passages})
        assert found["hits"][0]["was"] == 2
    assert server.end() == 0


@pytest.mark.slow
def test_call_that_the_engine_has_not_read_is_answered_by_the_next_one_although_stdin_is_closed(folder: Path) -> None:
    server, rerank = (
        RawServer(folder),
        {"name": "rerank", "arguments": {"query": "pump", "passages": ["a lamp", "a pump"]}},
    )
    with engine_kept_out(folder / "data", "resift backup", tell=print):
        server.send("tools/call", {"name": "hybrid_search", "arguments": {"query": "pump"}})  # waits for its turn
        server.request("ping", {})  # the engine has read it
        os.kill(engine_pid(folder), signal.SIGTERM)
        while (folder / "data" / "engine.json").exists():
            pass
        late = server.send("tools/call", rerank)
        assert server.process.stdin is not None
        server.process.stdin.close()
    assert server.process.stdout is not None
    with server.process.stdout as lines:
        answers = {each["id"]: each for each in map(json.loads, lines)}
    assert answers.keys() == {late - 2, late}
    assert answers[late]["result"]["structuredContent"]["hits"][0]["was"] == 2
    assert server.process.wait(TIMEOUT_S) == 0


def test_engine_that_is_told_to_stop_while_it_starts_ends_in_order(folder: Path) -> None:
    program = [sys.executable, "-m", "resift.server.engine.process"]
    with subprocess.Popen(program, env=environment(folder), cwd=folder) as engine:
        while not (folder / "data" / "engine.json").exists():
            assert engine.poll() is None
        engine.terminate()
        assert engine.wait(TIMEOUT_S) == 0, "a relay would count it as a crash"
    assert not (folder / "data" / "engine.json").exists()


def test_engine_that_is_killed_at_each_start_is_given_up_with_the_signal(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = folder / "killed"
    program.write_text("#!/bin/sh\nkill -KILL $$\n", encoding="ascii")
    program.chmod(0o700)
    monkeypatch.setattr(sys, "executable", str(program))
    monkeypatch.setenv("RESIFT_DATA_DIR", str(folder / "data"))
    with pytest.raises(EngineFailed, match=r"killed 6 times while it started, last by SIGKILL\. .* Its log is in"):
        connect_or_start(MCP)
