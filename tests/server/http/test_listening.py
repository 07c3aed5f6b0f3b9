"""Where the server listens, and how it stops."""

import json
import os
import re
import signal
import socket
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import IO, Any

import anyio
import httpx
import pytest
from anyio import to_thread
from uvicorn import Config

from resift.core.errors import Forbidden, InvalidInput
from resift.server.http.listening import announcement, at_address, listen, serve_http
from resift.server.http.metrics import SHARED_FOLDER
from resift.server.http.workers import Supervisor
from resift.settings.load import load_settings
from resift.tests.server.http.application import MCP, READER, bearer, engine_of, rows
from resift.tests.server.http.wire import answer_on, assert_closed, connected
from resift.tests.server.in_process import Run
from resift.tests.server.processes import COMMAND, TIMEOUT_S, environment
from resift.tests.standins.qdrant import serving

COUNTED = 'resift_http_requests_total{route="/mcp",status="200"} 4.0'

LIST = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "search.example.com"])
def test_server_without_a_token_stays_on_this_machine(tmp_path: Path, host: str) -> None:
    with pytest.raises(Forbidden, match=r"`resift token NAME`.*RESIFT_HTTP__TOKENS, or listen on 127\.0\.0\.1"):
        listen(at_address(load_settings(data_dir=tmp_path), host=host, port=0))


def test_server_with_a_token_listens_to_other_machines(tmp_path: Path) -> None:
    listener = listen(load_settings(data_dir=tmp_path, http={"host": "0.0.0.0", "port": 0, "tokens": rows(READER)}))
    with listener.socket:
        assert listener.socket.getsockname()[0] == "0.0.0.0"


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({}, "No tokens: every program on this machine may read, add and delete."),
        ({"read_only": True}, "No tokens: every program on this machine may search and read."),
    ],
)
def test_server_without_a_token_says_who_may_use_it(tmp_path: Path, settings: dict[str, bool], said: str) -> None:
    loaded = at_address(load_settings(data_dir=tmp_path, **settings), host="", port=0)
    with (listener := listen(loaded)).socket:
        assert announcement(listener, loaded).splitlines()[-1] == said
        safe = load_settings(data_dir=tmp_path, http={"tokens": rows(READER)}, **settings)
        assert "No tokens" not in announcement(listener, safe)


def test_server_says_where_what_is_served_and_which_files_it_may_read(tmp_path: Path) -> None:
    loaded = at_address(load_settings(data_dir=tmp_path), host="", port=0)
    with (listener := listen(loaded)).socket:
        root = f"http://127.0.0.1:{listener.socket.getsockname()[1]}"
        first, files, _ = announcement(listener, loaded).splitlines()
        assert first.startswith(
            f"Serving MCP at {root}/mcp, and plain HTTP at {root}/v1, described at {root}/openapi.json"
        )
        assert files == "No files may be ingested by path. To allow folders, set RESIFT_INGEST_ROOTS."
        rooted = load_settings(data_dir=tmp_path, ingest_roots=f"{tmp_path}{os.pathsep}/srv/docs")
        assert f"may be ingested by path: {tmp_path}, /srv/docs." in announcement(listener, rooted)
        here = load_settings(data_dir=tmp_path, ingest_roots=".")
        assert f"may be ingested by path: {Path.cwd()}." in announcement(listener, here)
        only_read = load_settings(data_dir=tmp_path, read_only=True)
        assert "ingested" not in announcement(listener, only_read)


def test_port_that_is_taken_is_told(tmp_path: Path) -> None:
    settings = load_settings(data_dir=tmp_path)
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(InvalidInput, match="Address already in use"):
        listen(at_address(settings, host="", port=taken.getsockname()[1]))


def test_several_workers_need_a_server_for_the_store(run: Run) -> None:
    refused = run("serve", "--http", "--workers", "2", "--port", "0")
    assert refused.code == 1
    assert "only one process can open the collections of a data folder. Set QDRANT_URL" in refused.err


def test_several_workers_are_refused_where_folders_are_to_be_watched(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QDRANT_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("RESIFT_SERVE__WATCH", "true")
    refused = run("serve", "--http", "--workers", "2", "--port", "70", "--host", "192.0.2.1")
    assert refused.code == 1
    assert "unset RESIFT_SERVE__WATCH" in refused.err


@pytest.mark.parametrize("option", [("--port", "0"), ("--host", "127.0.0.1"), ("--workers", "1")])
def test_options_of_http_are_refused_without_it(run: Run, option: tuple[str, str]) -> None:
    refused = run("serve", *option)
    assert (refused.code, refused.out) == (2, "")
    assert f"{option[0]} is for a server over HTTP: add --http" in refused.err


@pytest.mark.parametrize("port", ["-5", "65536"])
def test_port_out_of_range_is_refused(run: Run, port: str) -> None:
    refused = run("serve", "--http", "--port", port)
    assert refused.code == 2
    assert "--port" in refused.err


def test_help_of_serve_shows_the_range_of_ports(run: Run) -> None:
    shown = run("serve", "--help").out
    assert "0<=x<=65535" in shown
    assert "-1" not in shown


def test_port_of_the_settings_is_kept_if_none_is_given(tmp_path: Path) -> None:
    settings = load_settings(data_dir=tmp_path, http={"port": 8899})
    assert at_address(settings, host="", port=None).http.port == 8899
    assert at_address(settings, host="", port=0).http.port == 0


@pytest.mark.anyio
async def test_requests_in_flight_are_finished_when_the_server_stops(tmp_path: Path) -> None:
    listener = listen(at_address(load_settings(data_dir=tmp_path), host="", port=0))
    url = listener.url.removesuffix("/mcp")
    engine = engine_of(tmp_path)
    body = b'{"jsonrpc":"2.0","id":1,"method":"tools/list"}'
    head = "".join(f"{name}: {value}\r\n" for name, value in MCP.items())
    request = f"POST /mcp HTTP/1.1\r\nHost: localhost\r\n{head}Content-Length: {len(body)}\r\n\r\n".encode()
    async with anyio.create_task_group() as group, connected(url) as idle, connected(url) as stream:
        group.start_soon(serve_http, engine, listener)
        await idle.send(b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert (await answer_on(idle))[0] == 200
        await stream.send(request)  # its body follows when the server is stopping already
        async with httpx.AsyncClient(timeout=TIMEOUT_S) as client:
            assert (await client.get(f"{url}/health")).status_code == 200
        group.cancel_scope.cancel()
        with anyio.CancelScope(shield=True):
            await assert_closed(idle)
            await stream.send(body)
            assert (await answer_on(stream))[0] == 200
            await assert_closed(stream)
            with pytest.raises(OSError):
                await anyio.connect_tcp("127.0.0.1", int(url.rpartition(":")[2]))
    await engine.close()


def _start(folder: Path, settings: Mapping[str, str], *options: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [*COMMAND, "serve", "--http", "--port", "0", *options],
        env={**environment(folder), **settings},
        cwd=folder,
        stderr=subprocess.PIPE,
        encoding="utf-8",
    )


def _until_told_the_url(output: IO[str]) -> str:
    for line in output:
        if found := re.search(r"Serving MCP at (http://\S+)/mcp", line):
            return found[1]
    raise AssertionError("The server ended.")


@pytest.fixture
def process(tmp_path: Path) -> Iterator["subprocess.Popen[str]"]:
    tokens = httpx.Response(200, json=rows(READER)).text
    started = _start(
        tmp_path, {"RESIFT_HTTP__TOKENS": tokens, "RESIFT_LOG_FORMAT": "json", "RESIFT_LOG_LEVEL": "DEBUG"}
    )
    yield started
    started.kill()
    started.communicate()


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGTERM")
def test_process_serves_holders_of_tokens_and_ends_when_told_to(process: "subprocess.Popen[str]") -> None:
    assert process.stderr is not None
    url = _until_told_the_url(process.stderr)
    answer = httpx.post(f"{url}/mcp", json=LIST, headers={**MCP, **bearer(READER)}, timeout=TIMEOUT_S)
    assert answer.status_code == 200
    assert httpx.post(f"{url}/mcp", json=LIST, headers=MCP, timeout=TIMEOUT_S).status_code == 401
    process.send_signal(signal.SIGTERM)
    _, errors = process.communicate(timeout=TIMEOUT_S)
    assert process.returncode == 0, errors
    requests = [line for line in map(json.loads, errors.splitlines()) if "route" in line]
    assert [(line["route"], line["status"], line["caller"]) for line in requests] == [
        ("/mcp", 200, "reader"),
        ("/mcp", 401, ""),
    ]
    assert READER.token not in errors


def _gauges(folder: Path) -> set[Path]:
    return set(folder.glob("resift-metrics-*/gauge_livesum_*.db"))


def test_worker_that_was_replaced_is_no_longer_in_the_metrics(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(SHARED_FOLDER, str(tmp_path))
    files = [tmp_path / f"gauge_livesum_{pid}.db" for pid in (7, 8)]
    for file in files:
        file.touch()
    supervisor = Supervisor(Config("none:app"), sockets=[])
    supervisor.should_exit.set()  # it starts no processes
    processes: list[Any] = [SimpleNamespace(pid=7), SimpleNamespace(pid=8)]
    supervisor.processes = processes
    supervisor.keep_subprocess_alive()
    assert all(file.exists() for file in files)
    processes[0] = SimpleNamespace(pid=9)
    supervisor.keep_subprocess_alive()
    assert [file.exists() for file in files] == [False, True]


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGTERM")
@pytest.mark.anyio
async def test_workers_share_a_port_a_store_and_their_metrics(tmp_path: Path) -> None:
    async with serving() as qdrant:
        started = _start(tmp_path, {"QDRANT_URL": qdrant.url, "TMPDIR": str(tmp_path)}, "--workers", "2")
        try:
            assert started.stderr is not None
            url = await to_thread.run_sync(_until_told_the_url, started.stderr)
            async with httpx.AsyncClient(timeout=TIMEOUT_S, base_url=url) as client:
                for _ in range(4):
                    assert (await client.post("/mcp", json=LIST, headers=MCP)).status_code == 200
                with anyio.fail_after(TIMEOUT_S):  # a request is counted after its answer has left
                    while COUNTED not in (await client.get("/metrics")).text:
                        pass
                    files = _gauges(tmp_path)
                    for file in files:
                        os.kill(int(file.stem.rpartition("_")[2]), signal.SIGKILL)
                    while _gauges(tmp_path) & files:
                        await anyio.lowlevel.checkpoint()
            assert files
            started.send_signal(signal.SIGTERM)
            _, errors = await to_thread.run_sync(started.communicate)
            assert started.returncode == 0, errors
            assert "No tokens: every program on this machine may read, add and delete." in errors
        finally:
            started.kill()
