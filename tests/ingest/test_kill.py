"""A process that is killed during a job: nothing acknowledged is lost, and running the job again completes it."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from resift.core.values import Passage
from resift.store.edge.store import EdgeStore

pytestmark = pytest.mark.anyio

WRITER = """
import anyio, re, sys
from pathlib import Path
from resift.core.values import Document
from resift.ingest.job import Job
from resift.factories.engine import build_engine
from resift.settings.load import load_settings

async def main():
    engine = build_engine(load_settings(data_dir=Path(sys.argv[1])))
    text = "A sentence about wheel {0} and its axle, long enough to fill some lines of a passage. "
    documents = [Document(f"d{n:04}", f"Wheel {n}", text.format(n) * (5 + n % 30)) for n in range(int(sys.argv[2]))]

    async def tell(done, total, message):
        written = re.search(r"([0-9,]+) of [0-9,]+ documents", message)
        print(written[1] if written else 0, flush=True)

    report = await engine.services.ingestor.ingest(Job("c", documents, len(documents), progress=tell))
    print("end", report.added, report.updated, report.unchanged, flush=True)
    await engine.close()

anyio.run(main)
"""
DOCUMENTS = 120
DOCUMENTS_BEFORE_THE_KILL = 30  # at least one batch, far from all


def lines_of_a_writer(directory: Path, *, killed_after: int | None) -> Iterator[str]:
    command = [sys.executable, "-c", WRITER, str(directory), str(DOCUMENTS)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for line in process.stdout:
            yield line.strip()
            if killed_after is not None and int(line.replace(",", "")) >= killed_after:
                process.send_signal(signal.SIGKILL)
                process.wait()
                killed_after = None


@pytest.mark.slow
async def test_killed_job_loses_nothing_acknowledged_and_is_completed_by_running_it_again(tmp_path: Path) -> None:
    *_, last = lines_of_a_writer(tmp_path, killed_after=DOCUMENTS_BEFORE_THE_KILL)
    acknowledged = int(last.replace(",", ""))
    store = EdgeStore(tmp_path, reserve_bytes=0)
    collection = await store.open("c")
    held = await collection.entries()
    assert 0 < len(held) < DOCUMENTS
    for name, entry in held.items():
        ids = [Passage(document_id=name, ordinal=ordinal, text="").point_id("c") for ordinal in range(entry.passages)]
        assert len(await collection.fetch(ids)) == entry.passages
    assert len(held) >= acknowledged >= DOCUMENTS_BEFORE_THE_KILL
    assert set(held) == {f"d{number:04}" for number in range(len(held))}  # documents are taken in their order
    await store.close()

    *_, end = lines_of_a_writer(tmp_path, killed_after=None)
    assert end == f"end {DOCUMENTS - len(held)} 0 {len(held)}"
    collection = await store.open("c")
    entries = await collection.entries()
    assert len(entries) == DOCUMENTS
    assert await collection.count() == sum(entry.passages for entry in entries.values())
    await store.close()
