"""`resift watch`: in the engine or in a process of its own, ended by Ctrl-C."""

import json
import signal
import subprocess
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import pytest

from resift.ingest.watching.watched import Watched, WatchedFolders
from resift.tests.server.engine.serving import start
from resift.tests.server.in_process import Run
from resift.tests.server.processes import RawServer, resift, stop_engine


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs/a.md").write_text("# Brakes\n\nWorn brake pads squeal on wet mornings.\n")
    return tmp_path


@contextmanager
def watching(folder: Path, *arguments: str) -> Generator[subprocess.Popen[bytes]]:
    """Run `resift watch` until the end of the block, if it has not ended by then."""
    with start(folder, "watch", *arguments) as process:
        try:
            yield process
        finally:
            process.kill()


def heard(process: subprocess.Popen[bytes], text: str) -> list[str]:
    """Return the lines of stderr up to the one with a text."""
    assert process.stderr is not None
    lines = list[str]()
    while not (lines and text in lines[-1]):
        line = process.stderr.readline()
        assert line, lines
        lines.append(line.decode())
    return lines


def interrupt(process: subprocess.Popen[bytes]) -> tuple[int, bytes]:
    """Send Ctrl-C; return the exit code and the rest of stderr."""
    process.send_signal(signal.SIGINT)
    _, rest = process.communicate(timeout=60)
    return process.returncode, rest


def found(folder: Path, query: str) -> list[str]:
    done = resift(folder, "search", query, "--json", "--reranker", "none")
    return [Path(hit["source"].rpartition(":")[0]).name for hit in json.loads(done.stdout)["hits"]]


@pytest.mark.slow
def test_user_is_told_that_an_empty_folder_is_watched(folder: Path) -> None:
    (folder / "docs/a.md").unlink()
    with watching(folder, "docs") as process:
        assert heard(process, "Ctrl-C ends it.")[-1] == f"Watching {(folder / 'docs').resolve()}. Ctrl-C ends it.\n"
        (folder / "docs/b.md").write_text("# Bells\n\nThe bell rings.\n")
        assert heard(process, "docs/b.md added") == ["docs/b.md added (1 passage)\n"]


@pytest.mark.slow
def test_process_of_its_own_leaves_the_store_to_others(folder: Path) -> None:
    with watching(folder, "docs") as process:
        assert heard(process, "unchanged") == ["default: 1 added, 0 unchanged\n"]
        assert found(folder, "brake pads") == ["a.md"]
        (folder / "docs/b.md").write_text("A cold battery loses capacity.")
        heard(process, "docs/b.md added (1 passage)")
        assert "b.md" in found(folder, "battery")
        assert interrupt(process) == (130, b"")


def doing(folder: Path) -> list[str]:
    """Return what the commands do that run in the engine."""
    state = json.loads(resift(folder, "status", "--json").stdout)
    return [client["doing"] for client in state["clients"] if client["doing"]]


@pytest.mark.slow
def test_engine_watches_for_its_client_who_goes_on_alone_when_it_stops(folder: Path) -> None:
    server = RawServer(folder)
    with watching(folder, "docs", "-c", "mine") as process:
        heard(process, "mine: 1 added")
        assert doing(folder) == ["resift watch"]
        (folder / "docs/b.md").write_text("A cold battery loses capacity.")
        heard(process, "docs/b.md added (1 passage)")
        assert server.end() == 0
        assert resift(folder, "stop").returncode == 0
        heard(process, "This command goes on in a process of its own.")
        (folder / "docs/c.md").write_text("The radar warns before a lane change.")
        heard(process, "mine: 1 added, 2 unchanged")
        heard(process, "Ctrl-C ends it.")
        assert interrupt(process) == (130, b"")


@pytest.mark.slow
def test_watch_in_the_engine_ends_with_ctrl_c_and_with_its_client(folder: Path) -> None:
    server = RawServer(folder)
    for end in (signal.SIGINT, signal.SIGKILL):
        with watching(folder, "docs") as process:
            heard(process, "unchanged")
            process.send_signal(end)
            assert process.wait() == (130 if end == signal.SIGINT else -end)
        while doing(folder):
            pass
    assert server.end() == 0


@pytest.mark.slow
def test_engine_that_starts_later_works_beside_a_watch(folder: Path) -> None:
    try:
        with watching(folder, "docs") as process:
            heard(process, "1 added")
            server = RawServer(folder)  # starts an engine
            (folder / "docs/b.md").write_text("A cold battery loses capacity.")
            heard(process, "docs/b.md added (1 passage)")
            assert "b.md" in found(folder, "battery")
            assert server.end() == 0
            assert interrupt(process)[0] == 130
    finally:
        stop_engine(folder)


def test_folders_that_the_engine_watches_are_listed_and_forgotten(
    folder: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RESIFT_DATA_DIR", str(folder / "data"))
    monkeypatch.chdir(folder)
    assert "watches no folders" in run("watch", "--list").out
    WatchedFolders(folder / "data").add(Watched("default", (folder / "docs",), glob="*.md"))
    assert run("watch", "--list").out == f"default: {folder}/docs, *.md\n"
    run("ingest", "docs")
    assert f"watched for default: {folder}/docs, *.md\n" in run("collections").out
    [watched] = run("collections", "default", "--json").json["watched"]
    assert (watched["folders"], watched["glob"]) == ([f"{folder}/docs"], "*.md")
    missed = run("watch", "--stop", "docs", "-c", "other")
    assert (missed.code, "docs is not watched for 'other'. Run `resift watch --list`." in missed.err) == (1, True)
    stopped = run("watch", "--stop", "docs")
    assert stopped.out == f"default: {folder}/docs is not watched any more. Its documents are kept.\n"
    assert WatchedFolders(folder / "data").read() == []


@pytest.mark.parametrize("arguments", [(), ("nothing",), ("docs/a.md",), ("docs", "-c", "a/b")])
def test_what_cannot_be_watched_is_refused(
    folder: Path, run: Run, arguments: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RESIFT_DATA_DIR", str(folder / "data"))
    monkeypatch.chdir(folder)
    assert run("watch", *arguments).code == (1 if "-c" in arguments else 2)
    assert not (folder / "data").exists()
