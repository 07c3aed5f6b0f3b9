"""Maintenance beside the engine: it lets go of the store when no call is in flight, and takes it back."""

import json
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import anyio
import pytest
from anyio import to_thread

from resift.api.resift import Resift
from resift.api.sync import SyncResift
from resift.core.errors import StoreBusy
from resift.server.engine.greeting import MCP, Hello
from resift.server.relay.maintenance import engine_kept_out
from resift.tests.server.engine.serving import served
from resift.tests.server.processes import COMMAND, RawServer, environment, resift

HOLD = """
import sys
from pathlib import Path
from resift.server.relay.maintenance import engine_kept_out
with engine_kept_out(Path(sys.argv[1]), "resift backup", tell=print):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.mark.slow
def test_maintenance_works_beside_a_client_that_goes_on_afterwards(tmp_path: Path) -> None:
    server = RawServer(tmp_path)
    server.call("ingest_documents", {"documents": [{"text": "The pump hums."}]})
    file = str(tmp_path / "all.backup")
    for arguments, told in (
        (["backup", file], "default (1 passage) written to"),
        (["restore", file], "default (1 passage) restored"),
        (["tune", "--reset"], "default: nothing was tuned."),
        (["doctor"], "✓ collections: default (1 passage)"),
    ):
        if arguments[0] == "restore":
            server.call("delete_documents", {"collection": "default", "everything": True})
        done = resift(tmp_path, *arguments)
        assert (done.returncode, done.stderr) == (0, ""), arguments
        assert told in done.stdout
        assert "The pump hums." in json.dumps(server.call("hybrid_search", {"query": "hums"})), arguments
    other = resift(tmp_path, "collections", RESIFT_THREADS="1")
    assert (other.returncode, "default" in other.stdout) == (0, True), other.stderr
    assert other.stderr == (
        "resift: The running engine was started with other settings: RESIFT_THREADS. This command runs in its own "
        "process, which has to load everything first.\n"
    )
    assert server.end() == 0


@pytest.mark.anyio
async def test_engine_whose_store_is_lent_is_not_replaced_by_one_that_would_find_it_in_use(tmp_path: Path) -> None:
    async with served(tmp_path) as hub:
        other = Hello.of_this_process(MCP, {"RESIFT_THREADS": "1"})
        async with hub.engine.gate.exclusive("resift backup"):
            lent = hub.welcome(other)
            assert lent.retry == ""
            assert "other settings: RESIFT_THREADS" in lent.notice
        assert "other settings" in hub.welcome(other).retry


@pytest.mark.slow
def test_calls_wait_for_maintenance_and_go_on_when_it_is_killed(tmp_path: Path) -> None:
    server = RawServer(tmp_path)
    server.call("ingest_documents", {"documents": [{"text": "The pump hums."}]})
    holder = subprocess.Popen(
        [COMMAND[0], "-c", HOLD, str(tmp_path / "data")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=environment(tmp_path),
    )
    with holder, ThreadPoolExecutor() as pool:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        found = pool.submit(server.call, "hybrid_search", {"query": "hums"})
        while (state := json.loads(resift(tmp_path, "status", "--json").stdout))["calls"] == 0:
            assert not found.done(), "the call did not wait"
        assert state["maintenance"] == "resift backup"
        assert state["collections"] is None
        holder.kill()
        assert "The pump hums." in json.dumps(found.result())
    assert server.end() == 0


@pytest.mark.slow
@pytest.mark.anyio
async def test_maintenance_says_what_it_waits_for(tmp_path: Path) -> None:
    told = list[str]()
    free = anyio.Event()

    def tell(text: str) -> None:
        told.append(text)
        anyio.from_thread.run_sync(free.set)

    def maintain() -> None:
        with engine_kept_out(tmp_path / "data", "resift backup", tell=tell):
            told.append(f"held while {hub.engine.gate.holder} does")

    async with served(tmp_path) as hub, anyio.create_task_group() as group, hub.engine.gate.shared():
        group.start_soon(to_thread.run_sync, maintain)
        await free.wait()
    assert told == ["Waiting for 1 call in flight in the engine ...", "held while resift backup does"]


@pytest.mark.anyio
async def test_engine_gives_the_data_folder_away_and_opens_it_again(tmp_path: Path) -> None:
    def use() -> None:
        with (
            engine_kept_out(tmp_path / "data", "resift restore", tell=print),
            SyncResift(data_dir=tmp_path / "data", min_free_mb=0) as own,
        ):
            own.ingest(documents=[{"text": "The lamp flickers."}])

    async with served(tmp_path) as hub:
        await Resift(engine=hub.engine).ingest(documents=[{"text": "The pump hums."}], collection="other")
        await to_thread.run_sync(use)
        assert await hub.engine.services.store.names() == ["default", "other"]
        assert await (await hub.engine.services.store.open("default")).count() == 1


@pytest.mark.slow
def test_python_that_is_refused_by_the_engine_is_told_how_to_go_on(tmp_path: Path) -> None:
    server = RawServer(tmp_path)
    server.call("ingest_documents", {"documents": [{"text": "The pump hums."}]})
    pid = json.loads(resift(tmp_path, "status", "--json").stdout)["pid"]
    with SyncResift(data_dir=tmp_path / "data") as own, pytest.raises(StoreBusy) as refused:
        own.search("hums")
    assert f"in use by process {pid} (resift engine, since " in str(refused.value)
    assert "Run `resift stop` to end it, or use it over HTTP (docs" in str(refused.value)
    assert server.end() == 0


def test_without_an_engine_nothing_is_waited_for(tmp_path: Path) -> None:
    told = list[str]()
    with engine_kept_out(tmp_path / "data", "resift backup", tell=told.append):
        assert told == []
