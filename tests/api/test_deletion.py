"""Deletions while something is ingested into the collection."""

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeAlias

import anyio
import pytest

from resift.api.arguments import build
from resift.api.requests import DeleteRequest
from resift.api.resift import Resift
from resift.api.unfinished import delete
from resift.core.errors import CollectionBusy, InvalidInput, NotFound
from resift.core.values import Document
from resift.factories.engine import Engine
from resift.ingest.job import Job
from resift.ingest.jobs.live import LiveJob
from resift.ingest.jobs.record import JobState
from resift.ingest.removal import Removed
from resift.ingest.report import IngestReport
from resift.server.cli.console import HINTS as CLI_HINTS
from resift.server.http.plain.failures import HINTS as HTTP_HINTS
from resift.tests.ingest.jobs.running import asked, runner_of
from resift.tools.boundary import HINTS

pytestmark = pytest.mark.anyio

Delete: TypeAlias = Callable[..., Awaitable[Removed]]

NAME = "deleted"
TWO = [Document(id=name, title="", text=f"The pump {name}.") for name in ("a", "b")]


class _Ingestion:
    """An ingestion that makes the collection, says so, and goes on until it is told to end."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self.has_begun, self.end = anyio.Event(), anyio.Event()

    async def run(self) -> IngestReport:
        return await self._engine.services.ingestor.ingest(
            Job(collection=NAME, items=TWO, total=len(TWO), progress=self._wait)
        )

    async def perform(self, _: LiveJob) -> IngestReport:
        return await self.run()

    async def _wait(self, *_: object) -> None:
        self.has_begun.set()
        await self.end.wait()


@pytest.fixture
async def resift(engine: Engine) -> AsyncGenerator[Resift]:
    """A collection of two documents, and deletions that do not wait."""
    await engine.services.ingestor.ingest(Job(collection=NAME, items=TWO, total=len(TWO)))
    waited, engine.services.remover.wait_s = engine.services.remover.wait_s, 0
    yield Resift(engine=engine)
    engine.services.remover.wait_s = waited
    if NAME in await engine.services.store.names():
        await engine.services.remover.drop(NAME)


@asynccontextmanager
async def job_running(engine: Engine, folder: Path) -> AsyncGenerator[tuple[LiveJob, Delete]]:
    """Yield a job, and what deletes beside it."""
    ingestion, runner = _Ingestion(engine), runner_of(folder)

    async def beside(**arguments: Any) -> Removed:
        return await delete(build(DeleteRequest, **{"collection": NAME, **arguments}), engine.services, runner)

    async with runner.serving(ingestion.perform):
        job = await runner.start(asked("manual.pdf", NAME), at_once=True)
        await ingestion.has_begun.wait()
        yield job, beside
        ingestion.end.set()
        await job.has_left.wait()
        assert await runner.unfinished() == []


@pytest.mark.usefixtures("resift")
async def test_deletion_of_a_collection_cancels_its_job_which_does_not_make_it_again(
    engine: Engine, tmp_path: Path
) -> None:
    async with job_running(engine, tmp_path) as (job, delete_beside):
        removed = await delete_beside(everything=True)
        assert removed.documents == 2
        assert removed.notes == (f"The job {job.record.id}, which ingested manual.pdf into it, was cancelled.",)
        assert job.record.state is JobState.CANCELLED
    assert NAME not in await engine.services.store.names()


async def test_deletion_ends_well_if_the_cancelled_job_takes_its_empty_collection_with_it(
    engine: Engine, tmp_path: Path
) -> None:
    async with job_running(engine, tmp_path) as (_, delete_beside):
        removed = await delete_beside(everything=True)
        assert removed.documents == 0
        assert removed.notes[0].endswith("was cancelled.")
    assert NAME not in await engine.services.store.names()


async def test_deletion_of_documents_is_refused_with_the_job_that_does_not_end(
    engine: Engine, resift: Resift, tmp_path: Path
) -> None:
    async with job_running(engine, tmp_path) as (job, delete_beside):
        with pytest.raises(CollectionBusy, match=r"which ingests manual\.pdf .* Nothing was deleted\.") as refused:
            await delete_beside(document_ids=["a"])
        for hints, way in (
            (HINTS, f"Call ingest_documents with job='{job.record.id}'"),
            (CLI_HINTS, f"`resift jobs cancel {job.record.id}`"),
            (HTTP_HINTS, f"GET /v1/jobs/{job.record.id}"),
        ):
            assert way in refused.value.text(hints)
    assert (await resift.delete(NAME, document_ids=["a"])).documents == 1


@pytest.mark.usefixtures("resift")
async def test_deletion_that_cannot_be_cancels_no_job(engine: Engine, tmp_path: Path) -> None:
    async with job_running(engine, tmp_path) as (job, delete_beside):
        with pytest.raises(InvalidInput, match="leave out the document ids"):
            await delete_beside(document_ids=["a"], everything=True)
        with pytest.raises(NotFound):
            await delete_beside(collection="unknown", everything=True)
        assert (await delete_beside(everything=True, dry_run=True)).documents == 2
        assert not job.is_cancelled
    assert job.record.state is JobState.DONE


async def test_deletion_does_not_wait_for_ever_for_an_ingestion_that_is_no_job(engine: Engine, resift: Resift) -> None:
    ingestion = _Ingestion(engine)
    async with anyio.create_task_group() as group:
        group.start_soon(ingestion.run)
        await ingestion.has_begun.wait()
        with pytest.raises(CollectionBusy, match=r"Another call writes to collection 'deleted'\. Nothing was"):
            await resift.delete(NAME, everything=True)
        engine.services.remover.wait_s = 60
        group.start_soon(_delete, resift)
        await anyio.lowlevel.checkpoint()
        ingestion.end.set()
    assert NAME not in await engine.services.store.names()


async def _delete(resift: Resift) -> None:
    await resift.delete(NAME, everything=True)
