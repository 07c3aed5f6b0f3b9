"""Jobs run in the background, queue, pause, stop at a clean point, and go on in the next process."""

import stat
from pathlib import Path
from threading import Event

import anyio
import anyio.lowlevel
import pytest
from anyio import to_thread

from resift.core.errors import Hint, IncompatibleCollection, Unavailable
from resift.ingest.jobs import runner as jobs_runner
from resift.ingest.jobs.folder import JobFolder
from resift.ingest.jobs.live import LiveJob
from resift.ingest.jobs.record import JobState
from resift.ingest.jobs.runner import JobRunner
from resift.ingest.report import IngestReport
from resift.store.gate import Gate
from resift.tests.ingest.jobs.running import (
    LONG_S,
    Work,
    asked,
    keep,
    record,
    runner_of,
    serving,
    until_it_has,
)

pytestmark = pytest.mark.anyio


async def test_short_job_leaves_no_files(tmp_path: Path) -> None:
    work = Work()
    work.end.set()
    async with serving(tmp_path, work) as runner:
        job = await runner.start(asked())
        done = await runner.follow(job.record, wait_s=LONG_S)
        assert (done.state, done.report, done.permille) == (JobState.DONE, IngestReport(added=3), 1000)
        assert not runner.is_busy
    assert not (tmp_path / "jobs").exists()


async def test_wait_that_ends_returns_the_job_as_it_is_then(tmp_path: Path) -> None:
    work, told = Work(), list[tuple[float, int, str]]()

    async def progress(done: float, total: int, message: str) -> None:
        told.append((done, total, message))

    async with serving(tmp_path, work) as runner:
        job = await runner.start(asked(), at_once=True)
        await work.began()
        seen = await runner.follow(job.record, wait_s=0.01, progress=progress)
        assert (seen.state, seen.permille, seen.message) == (JobState.RUNNING, 250, "Working on docs")
        assert (1, 4, "Working on docs") in told
        work.end.set()
        assert (await runner.follow(seen, wait_s=LONG_S)).state is JobState.DONE


async def test_job_whose_end_is_seen_is_written_already(tmp_path: Path) -> None:
    work = Work()
    work.end.set()
    async with serving(tmp_path, work) as runner:
        job = await runner.start(asked(), at_once=True)
        while not job.record.has_ended:
            await job.changed()
        seen = await runner.follow(job.record, wait_s=0)
        await runner.care.mark_told(seen)
        assert (await runner.read(seen.id)).is_told


async def test_files_of_a_job_are_private_and_its_request_goes_when_it_ends(tmp_path: Path) -> None:
    work = Work()
    async with serving(tmp_path, work) as runner:
        job = await runner.start(asked(), at_once=True)
        await work.began()
        files = list((tmp_path / "jobs").iterdir())
        assert {each.suffix for each in files} == {".json", ".request", ".lock"}
        assert {stat.S_IMODE(each.stat().st_mode) for each in files} == {0o600}
        assert stat.S_IMODE((tmp_path / "jobs").stat().st_mode) == 0o700
        work.end.set()
        await job.has_left.wait()
        assert {each.suffix for each in (tmp_path / "jobs").iterdir()} == {".json", ".lock"}


async def test_cancelled_job_ends_and_is_not_resumed(tmp_path: Path) -> None:
    work = Work()
    async with serving(tmp_path, work) as runner:
        job = await runner.start(asked(), at_once=True)
        await work.began()
        assert (await runner.cancel(job.record, wait_s=LONG_S)).state is JobState.CANCELLED
    async with serving(tmp_path, work) as runner:
        kept = await runner.read(job.record.id)
        assert (await runner.care.left_by_others([]), kept.state) == ([], JobState.CANCELLED)


async def test_job_that_is_suspended_goes_on_in_the_next_process(tmp_path: Path) -> None:
    first, second = Work(), Work()
    async with serving(tmp_path, first) as runner:
        job = await runner.start(asked("early"))
        await first.began()
    kept = await runner_of(tmp_path).read(job.record.id)
    assert (kept.state, kept.crashes) == (JobState.QUEUED, 0)
    async with serving(tmp_path, second) as runner:
        await second.began()
        second.end.set()
        assert (await runner.follow(kept, wait_s=LONG_S)).state is JobState.DONE
    assert (first.begun, second.begun) == (["early"], ["early"])


async def test_engine_that_stops_leaves_new_jobs_to_the_next_one_and_cancels_none_of_those_there_are(
    tmp_path: Path,
) -> None:
    work, next_work = Work(), Work()
    async with serving(tmp_path, work) as runner:
        job = await runner.start(asked())
        await work.began()
        await runner.suspend()
        runner.abandon(job)  # the connection of the caller ends
        late = await runner.start(asked("late"))
        seen = await runner.follow(late.record, wait_s=LONG_S)
        assert (seen.state, seen.message) == (JobState.QUEUED, "Stopped with the engine; the next one resumes it")
    assert work.begun == ["docs"]
    assert (await runner.read(job.record.id)).state is JobState.QUEUED
    async with serving(tmp_path, next_work):
        next_work.end.set()
        await next_work.began(2)
    assert sorted(next_work.begun) == ["docs", "late"]


async def test_call_that_is_cancelled_while_its_job_is_left_to_the_next_engine_holds_nothing_up(tmp_path: Path) -> None:
    async with serving(tmp_path, Work()) as runner:
        await runner.suspend()
        async with anyio.create_task_group() as group:
            group.start_soon(runner.start, asked("late"))
            while not runner.is_busy:  # kept, and about to be let go
                await anyio.lowlevel.checkpoint()
            group.cancel_scope.cancel()
        assert not runner.is_busy
    kept = await runner_of(tmp_path).unfinished()
    assert [each.what for each in kept] == ["late"]


async def test_wait_for_a_job_that_this_process_has_not_taken_up_ends_when_it_stops(tmp_path: Path) -> None:
    keep(tmp_path, record())
    lock = JobFolder(tmp_path / "jobs").take(record().id)  # as another process does that works on it
    assert lock is not None
    seen = list[JobState]()
    async with serving(tmp_path, Work()) as runner, anyio.create_task_group() as group:

        async def wait() -> None:
            seen.append((await runner.follow(record(), wait_s=LONG_S)).state)

        group.start_soon(wait)
        await anyio.wait_all_tasks_blocked()
        assert not seen
        await runner.suspend()
        with anyio.fail_after(LONG_S / 2):
            while not seen:
                await anyio.lowlevel.checkpoint()
    lock.release()
    assert seen == [JobState.QUEUED]


async def test_job_is_resumed_by_one_of_several_processes(tmp_path: Path) -> None:
    one, other = Work(), Work()
    keep(tmp_path, record(state=JobState.QUEUED))
    async with serving(tmp_path, one) as runner, serving(tmp_path, other) as second:
        with anyio.fail_after(LONG_S):
            while not (one.begun or other.begun):
                await anyio.lowlevel.checkpoint()
        assert await second.care.left_by_others([]) == await runner.care.left_by_others([]) == []
        assert len(one.begun) + len(other.begun) == 1


async def test_job_can_be_seen_awaited_and_cancelled_from_another_process(tmp_path: Path) -> None:
    work = Work()
    async with serving(tmp_path, work) as runner:
        job = await runner.start(asked(), at_once=True)
        await work.began()
        other = runner_of(tmp_path)
        [seen] = await other.all()
        assert seen.id == job.record.id
        assert (await other.cancel(await other.read(seen.id), wait_s=LONG_S)).state is JobState.CANCELLED
        assert job.record.state is JobState.CANCELLED


async def test_job_that_nobody_works_on_can_be_cancelled(tmp_path: Path) -> None:
    keep(tmp_path, record())
    runner = runner_of(tmp_path)
    assert (await runner.cancel(record(), wait_s=LONG_S)).state is JobState.CANCELLED
    assert (await runner.read(record().id)).state is JobState.CANCELLED


async def test_jobs_on_one_collection_queue_and_others_run_beside_them(tmp_path: Path) -> None:
    work = Work()
    async with serving(tmp_path, work) as runner:
        first = await runner.start(asked("a", "one"))
        second = await runner.start(asked("b", "one"))
        await runner.start(asked("c", "two"))
        await work.began(2)
        assert (work.begun, second.record.state) == (["a", "c"], JobState.QUEUED)
        await runner.cancel(first.record, wait_s=LONG_S)
        await work.began(3)
        assert (work.begun[-1], second.record.state) == ("b", JobState.RUNNING)


async def test_two_jobs_run_at_once_and_the_others_wait_for_their_places(tmp_path: Path) -> None:
    work = Work()
    async with serving(tmp_path, work) as runner:
        jobs = [await runner.start(asked(str(number), f"c{number}")) for number in range(6)]
        await work.began(2)
        await anyio.wait_all_tasks_blocked()
        assert [job.record.state for job in jobs] == [JobState.RUNNING] * 2 + [JobState.QUEUED] * 4
        await runner.cancel(jobs[5].record, wait_s=LONG_S)
        await runner.cancel(jobs[0].record, wait_s=LONG_S)
        await work.began(3)
        work.end.set()
        for job in jobs:
            await job.has_left.wait()
    assert work.begun == ["0", "1", "2", "3", "4"]


async def test_maintenance_pauses_a_job_which_begins_again_afterwards(tmp_path: Path) -> None:
    work, gate = Work(), Gate()
    async with serving(tmp_path, work, gate) as runner:
        job = await runner.start(asked(), at_once=True)
        await work.began()
        assert gate.is_idle
        async with gate.exclusive("resift backup"):
            paused = await until_it_has(runner, job, JobState.QUEUED)
            assert paused.message == "Paused while maintenance has the collections"
            assert len(work.begun) == 1
        await work.began(2)
        work.end.set()
        assert (await runner.follow(job.record, wait_s=LONG_S)).state is JobState.DONE


async def test_failed_job_is_kept_with_its_error_and_not_resumed(tmp_path: Path) -> None:
    async def fail(_: LiveJob) -> IngestReport:
        raise IncompatibleCollection("Another encoder.", hint=Hint.REPLACE_COLLECTION, collection="notes")

    runner = JobRunner(JobFolder(tmp_path / "jobs"), Gate())
    async with runner.serving(fail):
        job = await runner.start(asked(), at_once=True)
        await job.has_left.wait()
    kept = await runner_of(tmp_path).read(job.record.id)
    assert kept.state is JobState.FAILED
    assert kept.error is not None
    error = kept.error.restored()
    assert (type(error), error.hint, error.values) == (
        IncompatibleCollection,
        Hint.REPLACE_COLLECTION,
        {"collection": "notes"},
    )
    assert await runner.care.left_by_others([]) == []


async def test_fault_of_ours_ends_its_job_and_no_other(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async def work(each: LiveJob) -> IngestReport:
        if each.asked.what == "bad":
            raise ZeroDivisionError
        return IngestReport()

    runner = JobRunner(JobFolder(tmp_path / "jobs"), Gate())
    async with runner.serving(work):
        bad, good = await runner.start(asked("bad")), await runner.start(asked("good"))
        await bad.has_left.wait()
        await good.has_left.wait()
    assert (bad.record.state, good.record.state) == (JobState.FAILED, JobState.DONE)
    assert bad.record.error is not None
    assert "because of a fault in itself" in bad.record.error.message
    assert "ZeroDivisionError" in caplog.text


async def test_work_that_hangs_in_a_thread_is_cut_off_and_left_to_the_next_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs_runner, "SUSPEND_WITHIN_S", 0.01)
    is_cut_off, begun = Event(), anyio.Event()

    async def hang(_: LiveJob) -> IngestReport:
        begun.set()
        await to_thread.run_sync(is_cut_off.wait)
        raise Unavailable("The engine is ending, so nothing more is parsed.")

    runner = runner_of(tmp_path)
    with anyio.fail_after(LONG_S):
        async with runner.serving(hang, cut_off=is_cut_off.set):
            job = await runner.start(asked())
            await begun.wait()
    assert (await runner.read(job.record.id)).state is JobState.QUEUED
    assert job.record.error is None
