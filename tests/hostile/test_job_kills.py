"""An engine killed again and again while a job runs: resumed to its end, it leaves what an undisturbed run leaves."""

import json
import random
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import anyio
import numpy as np
import pytest

from resift.core.vectors import Multi, Sparse
from resift.store.edge.store import EdgeStore
from resift.store.points import payload_of
from resift.store.protocols import Point
from resift.tests.hostile.command_runs import run
from resift.tests.hostile.data_folders import SUBJECTS
from resift.tests.server.processes import environment

pytestmark = [pytest.mark.slow, pytest.mark.timeout(3600)]

FILES = 3_000
KILLS = 20
FEWEST_KILLS = 8  # on a machine so fast that the job ends before the last kill
SEED = 14
LONGEST_S = 0.6  # from what is waited for to the kill
POLL_S = 0.02
TOLERANCE = 1e-5

Kept = dict[str, Any]


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with files of one passage each."""
    folder = tmp_path_factory.mktemp("library")
    (folder / "docs").mkdir()
    for number in range(FILES):
        subject = SUBJECTS[number % len(SUBJECTS)]
        lines = (f"The {subject} of unit {number} shows sign {line} of wear; check bolt {line}." for line in range(8))
        text = f"---\nnumber: {number}\n---\n# {subject.title()} {number}\n\n{' '.join(lines)}\n"
        (folder / "docs" / f"{number:04}.md").write_text(text, encoding="utf-8")
    return folder


def settings_of(library: Path, data: Path) -> dict[str, str]:
    own = {"RESIFT_DATA_DIR": str(data), "RESIFT_THREADS": "1", "RESIFT_SERVE__IDLE_TIMEOUT_S": "600"}
    return environment(library) | own


@contextmanager
def engine(library: Path, data: Path) -> Generator["subprocess.Popen[bytes]"]:
    """Run an engine that is killed at the end."""
    (data / "engine.json").unlink(missing_ok=True)  # of the one before, which nobody could take back
    process = subprocess.Popen(
        [sys.executable, "-P", "-m", "resift.server.engine.process"],
        env=settings_of(library, data),
        cwd=library,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    with process:
        try:
            yield process
        finally:
            process.kill()


class Watched:
    """A job, watched through its record while an engine works on it."""

    def __init__(self, data: Path, job_id: str) -> None:
        self._path = data / "jobs" / f"{job_id}.json"

    def read(self) -> Kept:
        return json.loads(self._path.read_text(encoding="utf-8"))

    def wait(self, engine: "subprocess.Popen[bytes]", *, attempt_after: str = "", beyond: int = -1) -> Kept:
        """Return the record once a later attempt is done with more than so many documents, or the job has ended."""
        while True:
            kept = self.read()
            if kept["ended"] or (kept["started"] > attempt_after and kept["documents"] > beyond):
                return kept
            pause(engine, POLL_S)


def pause(engine: "subprocess.Popen[bytes]", seconds: float) -> None:
    """Wait; that the engine ends meanwhile is an error."""
    try:
        code = engine.wait(seconds)
    except subprocess.TimeoutExpired:
        return
    raise AssertionError(f"the engine ended by itself with {code}")


def begin(library: Path, data: Path, process: "subprocess.Popen[bytes]") -> str:
    while not (data / "engine.json").exists():
        pause(process, POLL_S)
    done = run(library, "ingest", "docs", "--background", "--prune", settings=settings_of(library, data))
    assert done.code == 0, done.err
    return done.out.strip()


def kill_again_and_again(library: Path, data: Path) -> Kept:
    """Return the record of a job whose engine was killed at random moments, once it has ended."""
    draw = random.Random(SEED)
    with engine(library, data) as process:
        job = Watched(data, begin(library, data, process))
        pause(process, draw.uniform(0, LONGEST_S))
    last, best, has_to_move = job.read(), 0, False
    for kills in range(1, KILLS):
        with engine(library, data) as process:
            now = job.wait(process, attempt_after=last["started"], beyond=best if has_to_move else -1)
            if now["ended"]:
                assert kills >= FEWEST_KILLS, now
                return finish(library, data, process, job)
            pause(process, draw.uniform(0, LONGEST_S))
        last = job.read()
        has_to_move, best = last["documents"] <= best, max(best, last["documents"])
    with engine(library, data) as process:
        return finish(library, data, process, job)


def finish(library: Path, data: Path, process: "subprocess.Popen[bytes]", job: Watched) -> Kept:
    """Return the record of a job that has ended, once the engine has closed the store."""
    while not job.read()["ended"]:
        pause(process, POLL_S)
    assert run(library, "stop", settings=settings_of(library, data)).code == 0
    return job.read()


async def _points(data: Path) -> dict[str, Point]:
    store = EdgeStore(data, reserve_bytes=0)
    collection = await store.open("default")
    entries = await collection.entries()
    points = await collection.read(list(entries))
    assert len(points) == await collection.count(), "something is left that belongs to no document"
    await store.close()
    return {point.passage.id: point for point in points}


def assert_same(one: Point, other: Point) -> None:
    assert payload_of(one) == payload_of(other)
    assert one.vectors.keys() == other.vectors.keys()
    for name, vector in one.vectors.items():
        twin = other.vectors[name]
        if isinstance(vector, Sparse) and isinstance(twin, Sparse):
            assert dict(zip(vector.indices, vector.values, strict=True)) == pytest.approx(
                dict(zip(twin.indices, twin.values, strict=True)), abs=TOLERANCE
            )
        else:
            assert not isinstance(vector, Sparse | Multi)
            assert not isinstance(twin, Sparse | Multi)
            assert np.allclose(vector, twin, atol=TOLERANCE)


def test_job_whose_engine_is_killed_again_and_again_leaves_what_an_undisturbed_run_leaves(
    library: Path, tmp_path: Path
) -> None:
    for name in ("killed", "undisturbed"):
        (tmp_path / name).mkdir()
    ended = kill_again_and_again(library, tmp_path / "killed")
    assert (ended["state"], ended["error"]) == ("done", None)
    data = tmp_path / "undisturbed"
    with engine(library, data) as process:
        assert finish(library, data, process, Watched(data, begin(library, data, process)))["state"] == "done"
    killed, undisturbed = (anyio.run(_points, tmp_path / name) for name in ("killed", "undisturbed"))
    assert len(undisturbed) >= FILES
    assert killed.keys() == undisturbed.keys()
    for passage_id, point in undisturbed.items():
        assert_same(point, killed[passage_id])
