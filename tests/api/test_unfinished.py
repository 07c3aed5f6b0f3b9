"""Searches during an ingestion: they say that they read a part, and do not call it "none"."""

from collections.abc import AsyncIterator
from pathlib import Path

import anyio
import pytest

from resift.api.background import Background, serving_jobs
from resift.api.caller import CALLER, Caller
from resift.api.requests import DocumentInput
from resift.api.resift import Resift
from resift.core.errors import NotFound
from resift.factories.engine import Engine, build_engine
from resift.ingest.jobs.folder import JobFolder
from resift.ingest.jobs.record import JobRecord, JobState
from resift.settings.load import load_settings
from resift.tests.ingest.jobs.running import keep, record

pytestmark = pytest.mark.anyio

PUMP: DocumentInput = {"id": "pump", "text": "The pump hums at night."}
LATE: DocumentInput = {"id": "late", "text": "Employees get thirty days of paid vacation."}
QUESTION = "how many days of paid vacation do employees get"
NOTE = "An ingestion into 'notes' has not ended. What it has not stored yet was not searched."


@pytest.fixture
async def engine(tmp_path: Path) -> AsyncIterator[Engine]:
    """An engine that runs jobs, with one document in "notes"."""
    built = build_engine(load_settings(data_dir=tmp_path / "data"), roots=[tmp_path])
    async with serving_jobs(built):
        await Resift(engine=built).ingest([], documents=[PUMP], collection="notes")
        yield built
    await built.close()


async def test_search_during_a_job_says_so_and_is_not_sure_that_nothing_answers(engine: Engine) -> None:
    resift = Resift(engine=engine)
    assert (await resift.search(QUESTION, collection="notes")).verdict == "none"
    async with engine.services.locks["notes"]:  # the job waits to write
        job = await Background(resift).ingest({"documents": [LATE], "collection": "notes"}, wait_s=0)
        assert isinstance(job, JobRecord)
        for collection in ("notes", ["notes"], "*"):
            page = await resift.search(QUESTION, collection=collection)
            assert (page.verdict, [each for each in page.notes if "ingestion" in each]) == (
                "unknown",
                [NOTE.replace("ended.", f"ended (job {job.id}).")],
            )
        with pytest.raises(NotFound, match=r"'late'.* has not ended \(job \w+\), so it may come"):
            await resift.read(collection="notes", document_id="late")
        with pytest.raises(NotFound, match=r"^Unknown reranker 'x'\. Known: [^.]*\.$"):
            await resift.search(QUESTION, collection="notes", reranker="x")
    await Background(resift).wait(job.id)
    after = await resift.search(QUESTION, collection="notes")
    assert (after.verdict, after.notes) == ("good", [])


async def test_search_during_an_ingestion_without_a_job_tells_how_far_it_is(engine: Engine) -> None:
    resift, reached, go_on = Resift(engine=engine), anyio.Event(), anyio.Event()

    async def hold(done: float, total: float, message: str) -> None:
        reached.set()
        await go_on.wait()

    async with anyio.create_task_group() as group:
        group.start_soon(lambda: resift.ingest([], documents=[LATE, PUMP], collection="notes", progress=hold))
        await reached.wait()
        page = await resift.search(QUESTION, collection="notes")
        assert page.notes == [NOTE.replace("ended.", "ended (0 of 2 documents done).")]
        go_on.set()


async def test_collection_that_a_job_is_to_make_may_come(engine: Engine) -> None:
    resift = Resift(engine=engine)
    async with engine.services.locks["other"]:
        job = await Background(resift).ingest({"documents": [LATE], "collection": "other"}, wait_s=0)
        with pytest.raises(NotFound, match=r"'other'.* has not ended \(job \w+\), so it may come: try again"):
            await resift.search(QUESTION, collection="other")
        assert (await resift.search("pump", collection="notes")).notes == []
    assert isinstance(job, JobRecord)
    await Background(resift).wait(job.id)


async def test_job_that_another_process_left_counts_until_it_has_ended(tmp_path: Path) -> None:
    async with Resift(data_dir=tmp_path / "data") as resift:
        await resift.ingest([], documents=[PUMP], collection="notes")
        left = record(state=JobState.RUNNING, permille=129)
        keep(tmp_path / "data", left)
        page = await resift.search(QUESTION, collection="notes")
        assert page.notes == [NOTE.replace("ended.", f"ended (job {left.id}, 12 % done).")]
        token = CALLER.set(Caller(collections=frozenset({"others"})))
        assert await resift.engine.jobs.unfinished() == [left]
        with pytest.raises(NotFound, match="None of the collections"):
            await resift.search(QUESTION, collection="*")
        CALLER.reset(token)
        JobFolder(tmp_path / "data" / "jobs").save(record(state=JobState.CANCELLED))
        assert (await resift.search(QUESTION, collection="notes")).verdict == "none"
