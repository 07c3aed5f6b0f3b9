"""Long commands are heard: lines where there is no terminal, on a clock of the test's own."""

from pathlib import Path
from threading import Event

import pytest

from resift.server.cli import console
from resift.server.cli.console import LINE_EVERY_S, ProgressLines, progress_bar
from resift.server.terminal import TERMINAL, Terminal

pytestmark = pytest.mark.anyio


async def test_lines_come_every_few_seconds_and_tell_the_last_status() -> None:
    now, written = 0.0, list[str]()
    lines = ProgressLines("Ingesting", written.append, clock=lambda: now)
    await lines.advance(1, 60, "Embedding 12 of 800 passages, 1 of 60 documents")
    assert written == []
    now += LINE_EVERY_S
    await lines.advance(14, 60, "Embedding 120 of 800 passages, 14 of 60 documents")
    await lines.advance(15, 60, "")
    now += LINE_EVERY_S
    lines.print_when_due()
    lines.print_when_due()
    assert written == [
        "Ingesting: Embedding 120 of 800 passages, 14 of 60 documents (5 s)",
        "Ingesting: 15 of 60 (10 s)",
    ]


async def test_work_that_says_nothing_is_heard() -> None:
    now, written = 0.0, list[str]()
    lines = ProgressLines("Training", written.append, clock=lambda: now)
    now += LINE_EVERY_S
    lines.print_when_due()
    assert written == ["Training (5 s)"]


async def test_without_a_terminal_lines_go_to_stderr(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(console, "LINE_EVERY_S", 0.0)
    with progress_bar("Copying") as progress:
        await progress(3, 10, "Copied 3 of 10 documents")
    printed = capsys.readouterr()
    assert printed.out == ""
    assert "Copying: Copied 3 of 10 documents (" in printed.err


async def test_lines_go_to_the_terminal_of_the_client_for_whom_the_engine_works(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    stream = {"is_terminal": False, "errors": "strict"}
    described = {"stdout": stream, "stderr": stream, "environment": {}, "help_columns": 78}
    frames, heard = list[dict[str, str]](), Event()

    def send(frame: dict[str, str]) -> None:
        frames.append(frame)
        heard.set()

    monkeypatch.setattr(console, "LINE_EVERY_S", 0.0)
    token = TERMINAL.set(Terminal.of(described, tmp_path, send))
    with progress_bar("Copying"):
        assert heard.wait(30), "the thread that prints while nothing advances was not heard"
    TERMINAL.reset(token)
    assert {*frames[0]} == {"stderr"}
    assert frames[0]["stderr"].startswith("Copying (")
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(("total", "shown"), [(0, "Looking for files"), (10, "30%")])
async def test_on_a_terminal_a_bar_is_drawn(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], total: int, shown: str
) -> None:
    from rich.console import Console

    terminal = Console(stderr=True, force_terminal=True, width=120)
    monkeypatch.setattr(console, "stderr", lambda: terminal)
    with progress_bar("Ingesting") as progress:
        await progress(3, total, "Looking for files")
    assert shown in capsys.readouterr().err
