"""Maintenance beside the engine: it lets go of the store when no call is in flight, and takes it back."""

import json
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import anyio
import pytest
from anyio import to_thread

from resift.api.resift import Resift
from resift.api.sync import SyncResift
from resift.core.errors import StoreBusy
from resift.server.engine.greeting import MCP, STOP, Hello
from resift.server.relay.connect import connect
from resift.server.relay.maintenance import engine_kept_out
from resift.settings.location import checksums
from resift.tests.server.engine.serving import maintenance, served, start
from resift.tests.server.processes import TIMEOUT_S, RawServer, engine_pid, resift, without_progress


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
        assert (done.returncode, without_progress(done.stderr)) == (0, ""), arguments
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
        other = Hello.of_this_process(MCP)._replace(settings={**checksums(), "RESIFT_THREADS": "1"})
        async with hub.engine.gate.exclusive("resift backup"):
            lent = hub.welcome(other)
            assert lent.retry == ""
            assert "other settings: RESIFT_THREADS" in lent.notice
        assert "other settings" in hub.welcome(other).retry


@pytest.mark.slow
def test_calls_wait_for_maintenance_and_go_on_when_it_is_killed(tmp_path: Path) -> None:
    server = RawServer(tmp_path)
    server.call("ingest_documents", {"documents": [{"text": "The pump hums."}]})
    with maintenance(tmp_path) as holder, ThreadPoolExecutor() as pool:
        found = pool.submit(server.call, "hybrid_search", {"query": "hums"})
        while (state := json.loads(resift(tmp_path, "status", "--json").stdout))["calls"] == 0:
            assert not found.done(), "the call did not wait"
        assert state["maintenance"] == "resift backup"
        assert state["collections"] is None
        holder.kill()
        assert "The pump hums." in json.dumps(found.result())
    assert server.end() == 0


@pytest.mark.slow
def test_stop_waits_for_maintenance_and_says_so(tmp_path: Path) -> None:
    server = RawServer(tmp_path)
    pid = engine_pid(tmp_path)
    with maintenance(tmp_path) as holder, start(tmp_path, "stop") as stopping:
        assert stopping.stderr is not None
        told = stopping.stderr.readline().decode()
        assert told.startswith("resift: Waiting for `resift backup` to end. `resift stop --now`")
        state = json.loads(resift(tmp_path, "status", "--json").stdout)
        assert (state["pid"], state["maintenance"], stopping.poll()) == (pid, "resift backup", None)
        holder.communicate()
        out, _ = stopping.communicate(timeout=TIMEOUT_S)
        assert (stopping.returncode, f"process {pid}, has stopped" in out.decode()) == (0, True)
    assert "isError" not in str(server.call("list_collections", {})).replace("'isError': False", "")
    assert engine_pid(tmp_path) != pid
    assert server.end() == 0


@pytest.mark.slow
def test_stop_now_does_not_wait_for_maintenance(tmp_path: Path) -> None:
    server = RawServer(tmp_path)
    with maintenance(tmp_path) as holder:
        stopped = resift(tmp_path, "stop", "--now")
        assert (stopped.returncode, stopped.stderr, holder.poll()) == (0, "", None)
        assert "has stopped" in stopped.stdout
        holder.communicate()
    assert server.end() == 0


@pytest.mark.anyio
async def test_engine_stays_if_the_command_that_waits_to_stop_it_is_interrupted(tmp_path: Path) -> None:
    async with served(tmp_path) as hub:
        async with hub.engine.gate.exclusive("resift backup"):
            stopping = await to_thread.run_sync(partial(connect, STOP, data_folder=tmp_path / "data"))
            assert stopping is not None
            told = await to_thread.run_sync(next, stopping.messages())
            assert told == {"waiting": "`resift backup`"}
            [client] = hub.clients
            stopping.channel.close()
            await client.left.wait()
        assert hub.welcome(client.hello).retry == ""


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
            SyncResift(data_dir=tmp_path / "data") as own,
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
