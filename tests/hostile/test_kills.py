"""A process killed at any step: nothing acknowledged is lost, and nothing half-done stays unnoticed."""

import random
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import pytest

from resift.tests.hostile.command_runs import run, run_until_killed
from resift.tests.hostile.data_folders import (
    DOCUMENTS,
    OTHER,
    VICTIM,
    assert_found,
    assert_whole,
    copy,
    delete,
    document_id,
    erase,
    ingest,
)
from resift.tests.hostile.server_process import ServerEnded, ServerProcess

pytestmark = pytest.mark.slow

KILLS = 4  # of each operation
SEED = 4
ADDED = range(DOCUMENTS, DOCUMENTS + 4)
DELETED = range(4)
UPDATED = (5, 6)


class Acknowledged(NamedTuple):
    """What the killed process had reported as done."""

    added: list[int]
    updated: list[int]
    deleted: list[int]


def _switched(step: int, counter: Path) -> list[str]:
    return [sys.executable, "-m", "resift.tests.hostile.kill_switch", str(step), str(counter)]


def _steps(operation: Callable[[int], object], counter: Path, seed: str) -> Iterator[int]:
    """Yield the steps before which to kill: an undisturbed run tells how many there are."""
    operation(0)
    total = int(counter.read_text(encoding="ascii"))
    assert total > KILLS
    yield from sorted(random.Random(f"{SEED} {seed}").sample(range(1, total + 1), KILLS))


@pytest.fixture
def fresh(library: Path, tmp_path: Path) -> Iterator[Callable[[], Path]]:
    """A function that returns a new copy of the library each time."""

    def make() -> Path:
        erase(tmp_path / "copy")
        return copy(library, tmp_path / "copy")

    yield make
    erase(tmp_path)


def _serve_until_killed(folder: Path, program: Sequence[str], act: Callable[[ServerProcess], None]) -> None:
    try:
        with ServerProcess(folder, program=program) as server:
            act(server)
            server.finish()
    except ServerEnded as ended:
        if ended.code != -signal.SIGKILL:
            raise


def _write(folder: Path, program: Sequence[str]) -> Acknowledged:
    done = Acknowledged([], [], [])

    def act(server: ServerProcess) -> None:
        for number in ADDED:
            ingest(server, VICTIM, [number])
            done.added.append(number)
        for number in UPDATED:
            ingest(server, VICTIM, [number], edition=1)
            done.updated.append(number)

    _serve_until_killed(folder, program, act)
    return done


def test_documents_acknowledged_before_a_kill_are_there(fresh: Callable[[], Path], tmp_path: Path) -> None:
    counter = tmp_path / "steps"
    for step in _steps(lambda step: _write(fresh(), _switched(step, counter)), counter, "ingest"):
        folder = fresh()
        done = _write(folder, _switched(step, counter))
        with ServerProcess(folder) as server:
            assert_whole(server, OTHER, range(DOCUMENTS))
            assert_whole(server, VICTIM, [*(set(range(DOCUMENTS)) - {*UPDATED}), *done.added])
            assert_whole(server, VICTIM, done.updated, edition=1)
            ingest(server, VICTIM, ADDED)  # what was being written is completed by writing it again
            ingest(server, VICTIM, UPDATED, edition=1)
            assert_whole(server, VICTIM, ADDED)
            assert_whole(server, VICTIM, UPDATED, edition=1)
            server.finish()


def _delete(folder: Path, program: Sequence[str]) -> Acknowledged:
    done = Acknowledged([], [], [])

    def act(server: ServerProcess) -> None:
        for number in DELETED:
            delete(server, VICTIM, document_ids=[document_id(number)])
            done.deleted.append(number)
        delete(server, VICTIM, everything=True)
        done.deleted.extend(range(len(DELETED), DOCUMENTS))

    _serve_until_killed(folder, program, act)
    return done


def test_deletions_acknowledged_before_a_kill_stay_done(fresh: Callable[[], Path], tmp_path: Path) -> None:
    counter = tmp_path / "steps"
    for step in _steps(lambda step: _delete(fresh(), _switched(step, counter)), counter, "delete"):
        folder = fresh()
        done = _delete(folder, _switched(step, counter))
        with ServerProcess(folder) as server:
            assert_whole(server, OTHER, range(DOCUMENTS))
            listed = {each["name"]: each for each in server.call("list_collections", {}).value["collections"]}
            for number in done.deleted:
                assert server.call("read_document", {"collection": VICTIM, "document_id": document_id(number)}).is_error
            if VICTIM in listed and not listed[VICTIM]["problem"]:
                assert_whole(server, VICTIM, range(len(DELETED), DOCUMENTS))
            else:
                assert len(done.deleted) >= len(DELETED), "a collection is gone that nobody was deleting"
            ingest(server, VICTIM, [1])
            assert_found(server, VICTIM, 1)
            server.finish()


def test_killed_optimization_leaves_the_collection_as_it_was(fresh: Callable[[], Path], tmp_path: Path) -> None:
    counter = tmp_path / "steps"

    def optimize(step: int) -> Path:
        folder = fresh()
        run_until_killed(folder, "optimize", "-c", VICTIM, program=_switched(step, counter))
        return folder

    folder = fresh()
    for step in _steps(optimize, counter, "optimize"):
        folder = optimize(step)
        with ServerProcess(folder) as server:
            for name in (VICTIM, OTHER):
                assert_whole(server, name, range(DOCUMENTS))
                assert_found(server, name, 4)
            server.finish()
    assert run(folder, "optimize", "-c", VICTIM).code == 0


def test_killed_backup_leaves_no_file_that_looks_complete(fresh: Callable[[], Path], tmp_path: Path) -> None:
    counter, file = tmp_path / "steps", tmp_path / "backup.tar"

    def back_up(step: int) -> Path:
        folder = fresh()
        file.unlink(missing_ok=True)
        run_until_killed(folder, "backup", str(file), "-c", VICTIM, program=_switched(step, counter))
        return folder

    for step in _steps(back_up, counter, "backup"):
        folder = back_up(step)
        if not file.exists():
            assert run(folder, "backup", str(file), "-c", VICTIM).code == 0
        assert run(folder, "delete", VICTIM, "--everything", "--yes").code == 0
        restored = run(folder, "restore", str(file))
        assert restored.code == 0, restored.err
        with ServerProcess(folder) as server:
            assert_whole(server, VICTIM, range(DOCUMENTS))
            server.finish()


def test_killed_restoration_is_noticed_and_can_be_repeated(fresh: Callable[[], Path], tmp_path: Path) -> None:
    counter, file = tmp_path / "steps", tmp_path / "backup.tar"
    assert run(fresh(), "backup", str(file)).code == 0

    def restore(step: int) -> Path:
        folder = fresh()
        erase(folder / "data")
        run_until_killed(folder, "restore", str(file), program=_switched(step, counter))
        return folder

    for step in _steps(restore, counter, "restore"):
        folder = restore(step)
        with ServerProcess(folder) as server:
            found = [each["name"] for each in server.call("list_collections", {}).value["collections"]]
            for name in found:
                assert_whole(server, name, range(DOCUMENTS))
            server.finish()
        again = run(folder, "restore", str(file))
        assert again.code == 0 or (found and found[0] in again.err), again.err
        if len(found) == 1:  # killed between the two: the one that is there is named, and the other can be had
            assert run(folder, "delete", found[0], "--everything", "--yes").code == 0
            assert run(folder, "restore", str(file)).code == 0
        with ServerProcess(folder) as server:
            for name in (VICTIM, OTHER):
                assert_whole(server, name, range(DOCUMENTS))
            server.finish()


def test_process_killed_at_any_time_loses_nothing(fresh: Callable[[], Path], tmp_path: Path) -> None:
    draw, file = random.Random(SEED), tmp_path / "backup.tar"
    for arguments in (("optimize", "-c", VICTIM), ("backup", str(file)), ("delete", OTHER, "--id", document_id(0))):
        folder = fresh()
        run_until_killed(folder, *arguments, after_s=draw.uniform(0.3, 3))
        with ServerProcess(folder) as server:
            assert_whole(server, VICTIM, range(DOCUMENTS))
            assert_whole(server, OTHER, range(1, DOCUMENTS))
            server.finish()
