"""Worker processes end when they have nothing to do, and with the process that started them, however it ends."""

import os
import select
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from threading import Event

import pytest

from resift.ingest.processes import pool as pool_of_processes
from resift.ingest.processes.deadlines import Deadlines
from resift.ingest.processes.limits import Limits
from resift.ingest.processes.pool import ParserPool
from resift.tests.ingest.processes.test_pool import HeldDeadlines

pytestmark = pytest.mark.skipif(not hasattr(os, "pidfd_open"), reason="waiting for any process needs Linux")

PARENT = """
import sys
from resift.ingest.processes.limits import Limits
from resift.ingest.processes.pool import ParserPool

pool = ParserPool(1, limits=Limits(seconds=2))
pool.parse("a.hostile", b"fine")
print(*pool.pids, flush=True)
for action in sys.argv[1:]:
    pool.parse("a.hostile", action.encode())
sys.stdin.read()
"""


@contextmanager
def parent(*actions: str) -> Generator[tuple["subprocess.Popen[str]", int]]:
    """Yield a process that parses, and a descriptor of its worker process."""
    command = [sys.executable, "-c", PARENT, *actions]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        worker = os.pidfd_open(int(process.stdout.readline()))
        try:
            yield process, worker
        finally:
            process.kill()
            os.close(worker)


def ends(worker: int) -> bool:
    """Wait for a process, and return whether it has ended."""
    return bool(select.select([worker], [], [], 60)[0])


@pytest.mark.slow
def test_processes_end_when_their_parent_is_killed() -> None:
    with parent() as (process, worker):
        process.kill()
        assert ends(worker)


@pytest.mark.slow
def test_process_that_hangs_ends_when_its_parent_is_killed(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with parent(f"stall {tmp_path}/pipe") as (process, worker):
        (tmp_path / "pipe").read_bytes()  # it has begun
        process.kill()
        assert ends(worker)


@pytest.mark.slow
def test_processes_end_when_their_parent_returns_without_closing_the_pool() -> None:
    with parent() as (process, worker):
        assert process.stdin is not None
        process.stdin.close()
        assert process.wait(60) == 0
        assert ends(worker)


def test_process_that_has_nothing_to_do_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    held = HeldDeadlines()
    monkeypatch.setattr(pool_of_processes, "Deadlines", lambda: held)
    pool = ParserPool(1, limits=Limits(idle_seconds=3600))
    pool.parse("a.txt", b"text")
    [pid] = pool.pids
    worker = os.pidfd_open(pid)
    assert held.longest_s == 3600
    held.fire()
    assert ends(worker)
    os.close(worker)
    assert pool.pids == []
    pool.close()


def test_action_that_fails_at_its_deadline_does_not_keep_later_ones_from_coming(
    caplog: pytest.LogCaptureFixture,
) -> None:
    deadlines, has_come = Deadlines(), Event()
    deadlines.set("first", 0, lambda: next(iter(())))
    deadlines.set("second", 0.01, has_come.set)
    assert has_come.wait(60)
    assert "What was to be done at a deadline failed" in caplog.text
    deadlines.close()
