"""`resift serve --http` is the engine of its data folder: clients on this machine and over HTTP share it."""

import subprocess
from pathlib import Path
from urllib.parse import urlsplit

import httpx2
import pytest

from resift.tests.server.engine.serving import maintenance, start
from resift.tests.server.processes import (
    COMMAND,
    TIMEOUT_S,
    RawServer,
    engine_pid,
    environment,
    http_server,
    resift,
    stop_engine,
)

pytestmark = pytest.mark.slow

PUMP = {"documents": [{"id": "pump", "text": "The pump hums at night."}]}
SEARCH = {"name": "hybrid_search", "arguments": {"query": "pump"}}
MCP = {"accept": "application/json, text/event-stream", "mcp-protocol-version": "2025-06-18"}


def _search(url: str) -> str:
    request = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": SEARCH}
    return httpx2.post(url, json=request, headers=MCP, timeout=60).text


def test_clients_of_an_engine_go_on_with_the_http_server_that_takes_its_place(tmp_path: Path) -> None:
    client = RawServer(tmp_path)
    client.call("ingest_documents", PUMP)
    before = engine_pid(tmp_path)
    with http_server(tmp_path) as url:
        assert engine_pid(tmp_path) != before
        assert "hums at night" in _search(url)
        client.call("ingest_documents", {"documents": [{"id": "lamp", "text": "The lamp flickers beside the pump."}]})
        assert "flickers" in _search(url)
        assert client.structured("hybrid_search", SEARCH["arguments"])["hits"]  # pyright: ignore[reportArgumentType]
    assert len(client.structured("hybrid_search", {"query": "pump"})["hits"]) == 2
    assert client.end() == 0
    stop_engine(tmp_path)


def test_http_server_waits_for_maintenance_before_it_takes_the_place_of_an_engine(tmp_path: Path) -> None:
    client = RawServer(tmp_path)
    with maintenance(tmp_path) as holder, start(tmp_path, "serve", "--http", "--port", "0") as server:
        assert server.stderr is not None
        assert server.stderr.readline() == b"Waiting for `resift backup` ...\n"
        assert holder.poll() is None
        holder.communicate()
        assert server.stderr.readline().startswith(b"Serving MCP at http://")
        assert engine_pid(tmp_path) == server.pid
        server.terminate()
    assert client.end() == 0
    stop_engine(tmp_path)


@pytest.mark.parametrize("other", ["RESIFT_HTTP__REQUESTS_PER_MINUTE", "RESIFT_THREADS"])
def test_http_server_stays_when_a_client_with_other_settings_starts(tmp_path: Path, other: str) -> None:
    with http_server(tmp_path, {other: "1"}) as url:
        before = engine_pid(tmp_path)
        client = RawServer(tmp_path)
        client.call("ingest_documents", PUMP)
        assert client.end() == 0
        assert engine_pid(tmp_path) == before
        assert "hums at night" in _search(url)
        is_told = "RESIFT_THREADS" in (tmp_path / ".stderr").read_text(encoding="utf-8")
        assert is_told == (other == "RESIFT_THREADS")


def test_client_that_starts_beside_an_http_server_uses_its_engine(tmp_path: Path) -> None:
    with http_server(tmp_path) as url:
        client = RawServer(tmp_path)
        client.call("ingest_documents", PUMP)
        assert "hums at night" in _search(url)
        assert client.end() == 0


def test_who_stops_an_http_server_is_told_that_clients_do_not_start_it_again(tmp_path: Path) -> None:
    with start(tmp_path, "serve", "--http", "--port", "0") as server:
        assert server.stderr is not None
        assert server.stderr.readline().startswith(b"Serving MCP at http://")
        told = resift(tmp_path, "stop").stdout
        assert server.wait(TIMEOUT_S) == 0
    assert (
        "has stopped. The next client starts an engine without HTTP; `resift serve --http` serves HTTP again." in told
    )


@pytest.mark.parametrize("same_port", [False, True])
def test_second_http_server_on_a_data_folder_leaves_the_first_one_alone(tmp_path: Path, same_port: bool) -> None:
    with http_server(tmp_path) as url:
        port = urlsplit(url).port if same_port else 0
        second = subprocess.run(
            [*COMMAND, "serve", "--http", "--port", str(port)],
            capture_output=True,
            text=True,
            env=environment(tmp_path),
            timeout=TIMEOUT_S,
            check=False,
        )
        assert second.returncode == 1
        assert f"at {url} already" in second.stderr
        assert "resift stop" in second.stderr
        assert '"result"' in _search(url)
