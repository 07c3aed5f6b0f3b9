"""Commands inside the engine end cleanly: on Ctrl-C, when they are killed, and when the engine ends first."""

import json
import os
import pty
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

import anyio
import anyio.lowlevel
import pytest
from anyio import to_thread

from resift.server.relay.maintenance import engine_kept_out
from resift.tests.server.engine.serving import read_to_the_end, served, start
from resift.tests.server.processes import COMMAND, TIMEOUT_S, RawServer, engine_pid, environment, resift


@pytest.mark.slow
def test_ctrl_c_ends_the_progress_bar_and_the_ingestion(folder: Path) -> None:
    for number in range(600):
        (folder / "docs" / f"{number}.md").write_text(
            f"# Part {number}\n\n" + f"Tighten bolt {number} crosswise. " * 60
        )
    server = RawServer(folder)
    ours, its = pty.openpty()
    command = [*COMMAND, "ingest", "docs"]
    with subprocess.Popen(
        command, stdin=its, stdout=its, stderr=its, env=environment(folder), cwd=folder, start_new_session=True
    ) as ingestion:
        os.close(its)
        written = b""
        while b"Embedding" not in written:
            written += os.read(ours, 2**16)
        state = json.loads(resift(folder, "status", "--json").stdout)
        ingestion.send_signal(signal.SIGINT)
        rest = read_to_the_end(ours)
    os.close(ours)
    assert [(each["collection"], each["status"].split()[0]) for each in state["jobs"]] == [("default", "Embedding")]
    assert ("resift ingest", ingestion.pid) in [(each["doing"], each["pid"]) for each in state["clients"]]
    assert ingestion.returncode == 130
    assert b"\x1b[?25l" in written, "no bar was drawn"
    assert b"\x1b[?25h" in rest, "the cursor stays hidden"
    assert b"Interrupted. The documents that were ingested so far are stored. Run the command again" in rest
    while json.loads(resift(folder, "status", "--json").stdout)["jobs"]:
        pass
    assert server.end() == 0


@pytest.mark.slow
def test_ctrl_c_without_an_engine_says_what_is_stored(folder: Path) -> None:
    for number in range(600):
        (folder / "docs" / f"{number}.md").write_text(f"# Part {number}\n\n" + f"Tighten bolt {number}. " * 90)
    ours, its = pty.openpty()
    with subprocess.Popen(
        [*COMMAND, "ingest", "docs"],
        stdin=its,
        stdout=its,
        stderr=its,
        env=environment(folder),
        cwd=folder,
        start_new_session=True,
    ) as ingestion:
        os.close(its)
        written = b""
        while b"Embedding" not in written:
            written += os.read(ours, 2**16)
        ingestion.send_signal(signal.SIGINT)
        rest = read_to_the_end(ours)
    os.close(ours)
    assert ingestion.returncode == 130
    assert b"Interrupted. The documents that were ingested so far are stored. Run the command again" in rest


@pytest.mark.slow
def test_engine_that_dies_while_it_runs_a_command_is_told(folder: Path) -> None:
    server = RawServer(folder)
    server.call("ingest_documents", {"documents": [{"text": "The pump hums."}]})
    with engine_kept_out(folder / "data", "resift backup", tell=print), start(folder, "collections") as command:
        while json.loads(resift(folder, "status", "--json").stdout)["calls"] == 0:
            assert command.poll() is None, "the command did not wait"
        os.kill(engine_pid(folder), signal.SIGKILL)
        out, err = command.communicate(timeout=TIMEOUT_S)
    assert (command.returncode, out) == (1, b"")
    assert b"resift: The engine stopped while it ran this command." in err
    assert server.end() == 0


@pytest.mark.slow
def test_reader_that_goes_away_ends_nothing_else(folder: Path) -> None:
    server = RawServer(folder)
    server.call("ingest_documents", {"documents": [{"text": "The pump hums."}]})
    command = start(folder, "collections")
    assert command.stdout is not None
    assert command.stderr is not None
    command.stdout.close()
    assert (command.wait(TIMEOUT_S), command.stderr.read()) == (0, b"")
    command.stderr.close()
    assert server.end() == 0


async def _until(condition: Callable[[], bool]) -> None:
    """Let the engine work until something is so."""
    while not condition():
        await anyio.lowlevel.checkpoint()


@pytest.mark.anyio
async def test_ctrl_c_cancels_the_call_in_the_engine(folder: Path) -> None:
    async with served(folder) as hub, hub.engine.gate.exclusive("resift backup"):
        command = start(folder, "collections", **os.environ, RESIFT_DATA_DIR=str(folder / "data"))
        await _until(lambda: hub.engine.gate.calls == 1 or command.poll() is not None)
        command.send_signal(signal.SIGINT)
        out, err = await to_thread.run_sync(command.communicate)
        assert (command.returncode, out, err) == (130, b"", b"")
        await _until(lambda: hub.engine.gate.calls == 0)


@pytest.mark.anyio
async def test_command_is_finished_before_the_engine_stops(folder: Path) -> None:
    async with served(folder) as hub:
        async with hub.engine.gate.exclusive("resift backup"):
            command = start(folder, "collections", **os.environ, RESIFT_DATA_DIR=str(folder / "data"))
            await _until(lambda: hub.engine.gate.calls == 1 or command.poll() is not None)
            hub.stop("the test stops it")
            await anyio.lowlevel.checkpoint()
        out, err = await to_thread.run_sync(command.communicate)
    assert (command.returncode, out, err) == (0, b"No collections yet. Start with: resift ingest PATH\n", b"")


@pytest.mark.anyio
async def test_client_that_is_killed_is_forgotten(folder: Path) -> None:
    async with served(folder) as hub, hub.engine.gate.exclusive("resift backup"):
        command = start(folder, "collections", **os.environ, RESIFT_DATA_DIR=str(folder / "data"))
        await _until(lambda: hub.engine.gate.calls == 1 or command.poll() is not None)
        command.kill()
        await to_thread.run_sync(command.communicate)
        await _until(lambda: not hub.clients)
        assert not hub.engine.gate.calls
