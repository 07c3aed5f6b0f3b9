"""Commands of the terminal that run inside the engine print what they print without one, and end as they would."""

import fcntl
import os
import pty
import re
import shutil
import struct
import subprocess
import termios
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import pytest
from anyio import to_thread

from resift.core.masking import MASK
from resift.server.engine.greeting import COMMAND as WANTS_COMMAND
from resift.server.relay.connect import connect
from resift.server.relay.pump import AT_A_TERMINAL
from resift.tests.server.engine.serving import read_to_the_end, served
from resift.tests.server.processes import (
    COMMAND,
    TIMEOUT_S,
    RawServer,
    environment,
    http_server,
    resift,
    stop_engine,
)

KEY = "sk-never-to-be-seen-0123456789"

COLLECTION = "widgets"

PROGRESS = r"(?m)^(Ingesting|Optimizing).* \(\d+ s\)\n"  # on a machine that is so slow

AT_ONCE = 8

SCRIPT: Sequence[tuple[Sequence[str], dict[str, str]]] = (
    (["collections"], {}),
    (["ingest", "docs", "-c", COLLECTION], {}),
    (["ingest", "docs", "-c", COLLECTION, "--json"], {}),
    (["ingest", "missing.md"], {}),
    (["ingest", "empty"], {}),
    (["search", "what", "hums", "-c", COLLECTION], {}),
    (["search", "what hums", "-c", COLLECTION], {"FORCE_COLOR": "1", "TERM": "xterm-256color", "COLUMNS": "60"}),
    (["search", "--help"], {"COLUMNS": "66"}),
    (["search"], {}),
    (["search", "hums", "--limt", "3"], {}),
    (["search", "hums", "-c", COLLECTION, "--filter", '{"kidn": "device"}'], {}),
    (["search", "hums", "-c", KEY], {}),
    (["collections", COLLECTION], {"NO_COLOR": "1"}),
    (["collections", "--json"], {}),
    (["optimize", "-c", COLLECTION], {}),
    (["delete", COLLECTION, "--id", "missing"], {}),
    (["delete", COLLECTION, "--everything", "--dry-run"], {}),
    (["delete", COLLECTION, "--everything"], {}),
    (["delete", COLLECTION, "--everything", "--yes"], {}),
)


class Printed(NamedTuple):
    """How a command ended."""

    code: int
    out: str
    err: str


def _all_printed(folder: Path, settings: dict[str, str]) -> list[Printed]:
    done = [resift(folder, *arguments, **settings, **variables) for arguments, variables in SCRIPT]
    return [Printed(each.returncode, each.stdout, re.sub(PROGRESS, "", each.stderr)) for each in done]


def _log(folder: Path) -> str:
    return (folder / "data" / "logs" / "engine.log").read_text(encoding="utf-8")


@pytest.mark.slow
def test_output_and_exit_code_are_the_same_with_and_without_an_engine(folder: Path) -> None:
    settings = {"OPENAI_API_KEY": KEY, "RESIFT_INGEST_ROOTS": ""}
    server = RawServer(folder, settings)
    inside = _all_printed(folder, settings)
    assert server.end() == 0
    assert _log(folder).count("for process") == len(SCRIPT), "a command did not run inside the engine"
    stop_engine(folder)
    shutil.rmtree(folder / "data")
    alone = _all_printed(folder, settings)
    differing = [arguments for (arguments, _), one, other in zip(SCRIPT, inside, alone, strict=True) if one != other]
    assert differing == []
    codes = [each.code for each in inside]
    assert codes == [0, 1, 1, 2, 1, 0, 0, 0, 2, 2, 1, 1, 0, 0, 0, 1, 0, 1, 0]
    assert MASK in inside[11].err
    assert KEY not in "".join(f"{each.out}{each.err}" for each in inside)


def _on_a_terminal(folder: Path, *arguments: str, typed: bytes = b"", code: int = 0) -> bytes:
    """Return what a command writes on a terminal of 70 columns, with what was typed there."""
    ours, its = pty.openpty()
    fcntl.ioctl(its, termios.TIOCSWINSZ, struct.pack("HHHH", 30, 70, 0, 0))
    variables = {**environment(folder), "TERM": "xterm-256color"}
    with subprocess.Popen([*COMMAND, *arguments], stdin=its, stdout=its, stderr=its, env=variables, cwd=folder) as done:
        os.close(its)
        os.write(ours, typed)
        written = read_to_the_end(ours)
    os.close(ours)
    assert done.returncode == code, written
    return written


@pytest.mark.slow
def test_terminal_gets_its_colours_and_its_width(folder: Path) -> None:
    server = RawServer(folder)
    server.call("ingest_documents", {"documents": [{"text": "The pump hums because its bearing is worn. " * 3}]})
    inside = [_on_a_terminal(folder, *each) for each in (["search", "hums"], ["collections"], ["delete", "--help"])]
    assert _log(folder).count("for process") == len(inside)
    assert server.end() == 0
    stop_engine(folder)
    alone = [_on_a_terminal(folder, *each) for each in (["search", "hums"], ["collections"], ["delete", "--help"])]
    assert inside == alone
    assert b"\x1b[1m" in inside[0]


@pytest.mark.slow
def test_command_inside_the_engine_asks_at_the_terminal_of_its_client(folder: Path) -> None:
    server = RawServer(folder)
    server.call("ingest_documents", {"documents": [{"text": "The pump hums."}]})
    kept = _on_a_terminal(folder, "delete", "default", "--everything", typed=b"no\n", code=1)
    assert b"It holds 1 document (1 passage). Files on disk are not touched. [y/N] " in kept
    assert b"Nothing was changed." in kept
    gone = _on_a_terminal(folder, "delete", "default", "--everything", typed=b"yes\n")
    assert b"Collection default deleted: 1 document, 1 passage." in gone
    assert _log(folder).count("for process") == 3
    assert server.end() == 0
    stop_engine(folder)


@pytest.mark.slow
@pytest.mark.parametrize("options", [[], ["--in-process"]])
def test_user_who_types_the_command_is_told_on_stderr_what_it_waits_for(folder: Path, options: list[str]) -> None:
    ours, its = pty.openpty()
    served = [*COMMAND, "serve", *options]
    with subprocess.Popen(served, stdin=its, stdout=-1, stderr=-1, env=environment(folder), cwd=folder) as process:
        os.close(its)
        os.write(ours, b"\x04")
        out, err = process.communicate(timeout=TIMEOUT_S)
    os.close(ours)
    assert (process.returncode, out) == (0, b"")
    assert err.decode().startswith(f"resift: {AT_A_TERMINAL}\n")


@pytest.mark.slow
def test_terminal_that_is_not_utf8_gets_what_it_can_show(folder: Path) -> None:
    server = RawServer(folder)
    server.call("ingest_documents", {"documents": [{"text": "The pump hums."}]})
    shown = resift(folder, "collections", PYTHONIOENCODING="ascii")
    assert (shown.returncode, shown.stderr) == (0, "")
    assert shown.stdout.isascii()
    assert "default" in shown.stdout
    assert server.end() == 0


@pytest.mark.slow
def test_commands_at_once_do_not_mix_what_they_print(folder: Path) -> None:
    server = RawServer(folder)
    for number in range(AT_ONCE):
        document = {"text": f"Part {number} of the pump is called flange{number}.", "title": f"Flange{number}"}
        server.call("ingest_documents", {"documents": [document], "collection": f"part{number}"})

    def search(number: int) -> str:
        done = resift(folder, "search", f"flange{number}", "-c", f"part{number}")
        assert (done.returncode, done.stderr) == (0, "")
        return done.stdout

    one_by_one = [search(number) for number in range(AT_ONCE)]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        for _ in range(3):
            assert list(pool.map(search, range(AT_ONCE))) == one_by_one
    assert [f"Flange{number}" in shown for number, shown in enumerate(one_by_one)] == [True] * AT_ONCE
    assert server.end() == 0


@pytest.mark.slow
def test_relative_paths_start_from_the_folder_of_the_client(
    folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    settings = {"RESIFT_INGEST_ROOTS": ""}
    server = RawServer(folder, settings)
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    (elsewhere / "valve.md").write_text("# Valve\n\nThe valve leaks.\n")
    variables = {**environment(folder), **settings}
    for arguments in (["ingest", "valve.md"], ["search", "what leaks"], ["ingest", str(folder / "docs" / "lamp.md")]):
        done = subprocess.run(
            [*COMMAND, *arguments], capture_output=True, text=True, env=variables, cwd=elsewhere, check=False
        )
        assert done.returncode == 0, done.stderr
        if arguments[0] == "search":
            assert " valve.md:1-3 " in done.stdout
    assert _log(folder).count("for process") == 3
    assert server.end() == 0


@pytest.mark.slow
def test_client_of_a_command_imports_nothing_heavy(folder: Path) -> None:
    server = RawServer(folder)
    shown = resift(folder, "collections", PYTHONPROFILEIMPORTTIME="1")
    assert "No collections yet." in shown.stdout
    imported = {line.rpartition("|")[2].strip().partition(".")[0] for line in shown.stderr.splitlines()}
    assert "resift" in imported
    assert not imported & {"mcp", "pydantic", "typer", "rich", "numpy", "anyio", "onnxruntime", "qdrant_edge"}
    assert server.end() == 0


@pytest.mark.anyio
async def test_engine_runs_no_other_command(folder: Path) -> None:
    def ask() -> bytes:
        engine = connect(WANTS_COMMAND, data_folder=folder / "data", command={"arguments": ["restore", "x"]})
        assert engine is not None
        with engine.channel:
            return engine.received + engine.channel.recv(100)

    async with served(folder):
        assert await to_thread.run_sync(ask) == b""


@pytest.mark.slow
def test_http_server_runs_commands_too_and_prints_none_of_it(folder: Path) -> None:
    with http_server(folder):
        taken = resift(folder, "ingest", "docs/lamp.md")
        assert (taken.returncode, "1 added" in taken.stdout) == (0, True), taken.stderr
        found = resift(folder, "search", "what flickers")
        assert (found.returncode, "The lamp flickers" in found.stdout) == (0, True), found.stderr
        saved = resift(folder, "backup", str(folder / "all.backup"))
        assert (saved.returncode, saved.stderr) == (0, "")
        state = resift(folder, "status", RESIFT_THREADS="1").stdout
        assert "Log: the standard error of the engine" in state
        assert "RESIFT_THREADS. It serves HTTP: to change that, restart it where `resift serve --http` was" in state


@pytest.mark.slow
def test_setting_that_cannot_be_used_is_told_instead_of_the_difference_from_the_engine(folder: Path) -> None:
    server = RawServer(folder)
    server.call("ingest_documents", {"documents": [{"text": "The pump hums."}]})
    misspelt = resift(folder, "search", "hums", RESIFT_RERANK_DEFAULT="none")
    assert misspelt.returncode == 1
    assert "RESIFT_RERANK_DEFAULT" in misspelt.stderr
    assert "running engine" not in misspelt.stderr
    assert "other settings: RESIFT_THREADS. This command runs in its own process" in (
        resift(folder, "search", "hums", RESIFT_THREADS="1").stderr
    )
    assert server.end() == 0
    stop_engine(folder)


@pytest.mark.anyio
async def test_engine_with_other_settings_is_not_used(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def ask() -> str:
        monkeypatch.setenv("RESIFT_THREADS", "1")
        engine = connect(WANTS_COMMAND, data_folder=folder / "data", command={"arguments": ["collections"]})
        assert engine is not None
        engine.channel.close()
        return engine.welcome.retry

    async with served(folder):
        assert await to_thread.run_sync(ask) == "The running engine was started with other settings: RESIFT_THREADS."
