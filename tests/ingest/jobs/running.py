"""Jobs whose work the test decides on, in a folder of their own."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio

from resift.ingest.jobs.folder import JobFolder
from resift.ingest.jobs.live import Asked, LiveJob
from resift.ingest.jobs.record import JobRecord, JobState
from resift.ingest.jobs.runner import JobRunner
from resift.ingest.report import IngestReport
from resift.store.gate import Gate

LONG_S = 60.0  # no wait of a test takes as long
WHEN = "2026-11-29T10:00:00.000+00:00"


class Work:
    """Work that goes on until it is told to end, and tells what it began."""

    def __init__(self) -> None:
        self.begun: list[str] = []
        self.end = anyio.Event()
        self._changed = anyio.Event()

    async def __call__(self, job: LiveJob) -> IngestReport:
        self.begun.append(job.asked.what)
        job.report(1, 4, f"Working on {job.asked.what}", documents=1)
        self._changed.set()
        self._changed = anyio.Event()
        await self.end.wait()
        return IngestReport(added=3)

    async def began(self, count: int = 1) -> None:
        """Wait until so many pieces of work have begun."""
        while len(self.begun) < count:
            await self._changed.wait()


def runner_of(folder: Path, gate: Gate | None = None) -> JobRunner:
    return JobRunner(JobFolder(folder / "jobs"), gate or Gate(), resume_after_s=0)


@asynccontextmanager
async def serving(folder: Path, work: Work, gate: Gate | None = None) -> AsyncGenerator[JobRunner]:
    runner = runner_of(folder, gate)
    async with runner.serving(work):
        yield runner


def asked(what: str = "docs", collection: str = "notes") -> Asked:
    return Asked(collection=collection, what=what, request={"paths": [what]}, caller={"name": "tester"})


def record(job_id: str = "0123456789ab", **values: object) -> JobRecord:
    fields: dict[str, Any] = {"collection": "notes", "what": "docs", "caller": {}, "created": WHEN, **values}
    return JobRecord(id=job_id, **fields)


def keep(folder: Path, kept: JobRecord) -> None:
    """Write a record, and a request for it, as a process that has ended since."""
    JobFolder(folder / "jobs").add(kept, {"paths": [kept.what]})


async def until_it_has(runner: JobRunner, job: LiveJob, state: JobState) -> JobRecord:
    while job.record.state is not state:
        await job.changed()
    return await runner.read(job.record.id)
