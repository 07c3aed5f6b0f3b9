"""`resift serve` starts an engine, or finds one that runs."""

import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from resift.server.engine.address import EngineAddress
from resift.server.engine.greeting import STATUS, Hello
from resift.tests.server.processes import COMMAND, TIMEOUT_S, RawServer, engine_pid, environment, stop_engine

PUMP = {"documents": [{"id": "pump", "text": "The pump hums at night."}]}

NO_PROCESS = 2**30  # above what systems give to processes


def test_relay_imports_the_standard_library_and_little_of_ours() -> None:
    code = "import json, sys; import resift.server.relay.pump; print(json.dumps(sorted(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    names = json.loads(done.stdout)
    outside = {name.partition(".")[0] for name in names} - sys.stdlib_module_names
    environment_s_own = {"__main__", "sitecustomize", "_virtualenv", "_distutils_hack"}
    assert {name for name in outside - environment_s_own if "__editable__" not in name} == {"resift", "platformdirs"}
    heavy = {"asyncio", "importlib.metadata", "inspect", "logging", "subprocess", "ssl"}
    assert heavy & set(names) == set()


@pytest.mark.slow
def test_clients_that_start_at_once_share_one_engine(folder: Path) -> None:
    with ThreadPoolExecutor(5) as pool:
        servers = list(pool.map(RawServer, [folder] * 5))
    servers[0].call("ingest_documents", PUMP)
    for each in servers:
        assert each.structured("hybrid_search", {"query": "pump"})["hits"]
        assert each.end() == 0
    log = (folder / "data" / "logs" / "engine.log").read_text(encoding="utf-8")
    assert log.count("Started, process") == 1


def test_remains_of_an_engine_that_was_killed_are_recognized(folder: Path) -> None:
    data = folder / "data"
    data.mkdir()
    address = {"pid": NO_PROCESS, "version": "0", "path": str(data / "engine.sock")}
    (data / "engine.json").write_text(json.dumps(address), encoding="utf-8")
    (data / "engine.sock").touch()
    (data / "engine.lock").touch()
    server = RawServer(folder)
    assert server.structured("list_collections", {})["collections"] == []
    assert server.end() == 0


def test_engine_imports_nothing_from_the_folder_of_its_client(folder: Path) -> None:
    (folder / "mcp.py").write_text("raise SystemExit('code of a project that a client works on')\n", encoding="utf-8")
    server = RawServer(folder)
    assert server.structured("list_collections", {})["collections"] == []
    assert server.end() == 0


@pytest.mark.slow
def test_relative_roots_start_from_the_folder_of_each_client(folder: Path) -> None:
    settings, arguments = {"RESIFT_INGEST_ROOTS": "docs"}, {"paths": ["pump.md"]}
    (folder / "other" / "docs").mkdir(parents=True)
    (folder / "other" / "docs" / "pump.md").write_text("The pump hums.", encoding="utf-8")
    first = RawServer(folder, settings)
    assert first.call("ingest_documents", arguments)["isError"]
    second = RawServer(folder, settings, cwd=folder / "other")
    assert second.structured("ingest_documents", arguments)["added"] == 1
    assert first.call("ingest_documents", arguments)["isError"], "a file of the other client's"
    assert (first.end(), second.end()) == (0, 0)


@pytest.mark.slow
@pytest.mark.parametrize("options", [(), ("--in-process",)], ids=["relay", "in-process"])
def test_tools_read_nothing_if_the_client_starts_the_server_in_the_root_of_the_file_system(
    folder: Path, options: tuple[str, ...]
) -> None:
    (folder / "pump.md").write_text("The pump hums.", encoding="utf-8")
    server = RawServer(folder, {"RESIFT_INGEST_ROOTS": ""}, *options, cwd=Path("/"))
    for path in (str(folder / "pump.md"), "etc"):
        refused = server.call("ingest_documents", {"paths": [path]})
        assert refused["isError"]
        assert "Allowed: none. Ask whoever runs Resift" in refused["content"][0]["text"]
    assert server.end() == 0
    named = RawServer(folder, {"RESIFT_INGEST_ROOTS": str(folder)}, *options, cwd=Path("/"))
    assert named.structured("ingest_documents", {"paths": ["pump.md"]})["added"] == 1
    assert named.end() == 0


def test_only_this_user_can_reach_the_engine(folder: Path) -> None:
    server = RawServer(folder)
    address = EngineAddress.read(folder / "data")
    assert address is not None
    for path in (folder / "data" / "engine.json", Path(address.path)):
        assert path.stat().st_mode & 0o077 == 0
    assert server.end() == 0


@pytest.mark.slow
@pytest.mark.parametrize("options", [(), ("--in-process",)], ids=["relay", "in-process"])
def test_call_is_answered_although_the_client_has_closed_stdin(folder: Path, options: tuple[str, ...]) -> None:
    server = RawServer(folder, None, *options)
    many = {"documents": [{"id": f"d{each}", "text": f"Pump {each} hums. " * 40} for each in range(40)]}
    call = {"jsonrpc": "2.0", "id": "long", "method": "tools/call"}
    last = json.dumps({**call, "params": {"name": "ingest_documents", "arguments": many}}) + "\n"
    out, _ = server.process.communicate(last, timeout=TIMEOUT_S)
    assert json.loads(out.splitlines()[-1])["result"]["structuredContent"]["added"] == 40
    assert server.process.returncode == 0


@pytest.mark.slow
def test_engine_leaves_when_nobody_is_connected(folder: Path) -> None:
    server = RawServer(folder, {"RESIFT_SERVE__IDLE_TIMEOUT_S": "0.1"})
    server.call("ingest_documents", PUMP)
    assert server.end() == 0
    log = folder / "data" / "logs" / "engine.log"
    stop_engine(folder)
    assert "Stopped" in log.read_text(encoding="utf-8")


@pytest.mark.slow
def test_client_with_other_settings_gets_an_engine_of_its_own_when_the_others_have_left(folder: Path) -> None:
    first = RawServer(folder)
    before = engine_pid(folder)
    second = RawServer(folder, {"RESIFT_SEARCH__DENSE_WEIGHT": "0.4"})
    assert engine_pid(folder) == before
    assert "other settings: RESIFT_SEARCH__DENSE_WEIGHT" in (folder / ".stderr").read_text(encoding="utf-8")
    assert first.end() == second.end() == 0
    third = RawServer(folder, {"RESIFT_SEARCH__DENSE_WEIGHT": "0.4"})
    assert engine_pid(folder) != before
    assert third.end() == 0


@pytest.mark.slow
def test_settings_that_cannot_be_used_are_told_to_the_client(folder: Path) -> None:
    process = subprocess.Popen(
        [*COMMAND, "serve"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**environment(folder), "RESIFT_THREDS": "2"},
        cwd=folder,
    )
    out, err = process.communicate(b'{"jsonrpc":"2.0","id":1,"method":"tools/list"}\n', timeout=TIMEOUT_S)
    assert "Did you mean 'RESIFT_THREADS'?" in json.loads(out)["error"]["message"]
    assert b"RESIFT_THREDS" in err
    assert process.returncode == 1
    healthy = RawServer(folder)  # does not get to hear of the other client's mistake
    assert healthy.structured("list_collections", {})["collections"] == []
    assert healthy.end() == 0


def test_data_folder_that_cannot_be_made_is_told_to_the_client(folder: Path) -> None:
    (folder / "data").write_text("a file", encoding="utf-8")
    process = subprocess.Popen(
        [*COMMAND, "serve"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=environment(folder),
        cwd=folder,
    )
    out, _ = process.communicate(b'{"jsonrpc":"2.0","id":1,"method":"tools/list"}\n', timeout=TIMEOUT_S)
    assert "Set RESIFT_DATA_DIR to another" in json.loads(out)["error"]["message"]
    (folder / "data").unlink()


WITHOUT_UNIX_SOCKETS = """
import resift.server.engine.address
resift.server.engine.address.HAS_UNIX_SOCKETS = False
"""


@pytest.mark.slow
def test_without_unix_sockets_the_engine_listens_on_a_port_for_those_who_know_its_token(folder: Path) -> None:
    site = folder / "site"
    site.mkdir()
    (site / "sitecustomize.py").write_text(WITHOUT_UNIX_SOCKETS, encoding="utf-8")
    paths = os.pathsep.join(filter(None, [str(site), os.environ.get("PYTHONPATH", "")]))
    server = RawServer(folder, {"PYTHONPATH": paths})
    server.call("ingest_documents", PUMP)
    address = EngineAddress.read(folder / "data")
    assert address is not None
    assert (address.path, bool(address.token)) == ("", True)
    assert not (folder / "data" / "engine.sock").exists()
    for token, is_welcome in (("", False), ("wrong", False), (address.token, True)):
        with address.connect() as stranger:
            stranger.sendall(Hello.of_this_process(STATUS, token=token).encode())
            assert bool(stranger.recv(2**16)) is is_welcome
    assert server.end() == 0
