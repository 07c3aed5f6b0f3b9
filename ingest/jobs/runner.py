"""What runs jobs in the background of a server, resumes those that an earlier one left, and answers for all of them."""

import logging
import math
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from uuid import uuid4

import anyio
from anyio import to_thread
from anyio.abc import TaskGroup
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream

from ...core.errors import ResiftError, StoreError, Unavailable
from ...store.gate import Gate
from ..job import WriteLocks
from ..report import Progress
from .care import Care
from .folder import JobFolder, Unreadable
from .live import Asked, LiveJob, Perform
from .record import JobRecord, JobState

MOST_UNFINISHED = 100

MOST_AT_ONCE = 2  # jobs: each parses several files and encodes on all cores already

TEND_S = 0.5  # between two looks at the jobs of this process: what is due to be written, and what others want

SWEEP_S = 10.0  # between two looks at the jobs that other processes left

RESUME_AFTER_S = 1.0  # until the first such look: whoever started the engine wants to search

POLL_S = 0.2  # between two looks at a job of another process

SUSPEND_WITHIN_S = 10.0  # the time that jobs get at the end to come to a point at which their documents are whole

DEFECT = "Resift failed because of a fault in itself. Its log has the details."

logger = logging.getLogger(__name__)


class JobRunner:
    """The jobs of a data folder. Without `serving`, none run in this process, and those of others can be looked at."""

    def __init__(
        self,
        folder: JobFolder,
        gate: Gate,
        *,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        clock: Callable[[], float] = time.monotonic,
        resume_after_s: float = RESUME_AFTER_S,
    ) -> None:
        self.care = Care(folder, now)
        self._gate = gate
        self._now = now
        self._clock = clock
        self._resume_after_s = resume_after_s
        self._live: dict[str, LiveJob] = {}
        self._locks = WriteLocks()
        self._perform: Perform | None = None
        self._slots: anyio.Semaphore
        self._queue: MemoryObjectSendStream[LiveJob] | None = None
        self._is_stopping = False

    @property
    def is_serving(self) -> bool:
        """Return whether jobs run in this process."""
        return self._queue is not None

    @property
    def is_stopping(self) -> bool:
        """Return whether this process leaves its jobs, and those that it is asked for, to the next one."""
        return self._is_stopping

    @property
    def is_busy(self) -> bool:
        """Return whether a job of this process has not ended."""
        return bool(self._live)

    @asynccontextmanager
    async def serving(self, perform: Perform, *, cut_off: Callable[[], None] = lambda: None) -> AsyncGenerator[None]:
        """Run jobs in the background, also those that an earlier process left; at the end, leave the rest to the next.

        `perform` does what a job asks for. `cut_off` ends what a job waits for in a thread, which cannot be cancelled;
        it is called if the jobs do not come to a clean point in time.
        """
        queue, jobs = anyio.create_memory_object_stream[LiveJob](math.inf)
        async with queue, jobs, anyio.create_task_group() as group:
            self._perform, self._queue, self._slots = perform, queue, anyio.Semaphore(MOST_AT_ONCE)
            group.start_soon(self._work_off, jobs, group)
            group.start_soon(self._tend)
            try:
                yield
            finally:
                with anyio.CancelScope(shield=True):
                    with anyio.move_on_after(SUSPEND_WITHIN_S) as waiting:
                        await self.suspend()
                    if waiting.cancelled_caught:
                        await to_thread.run_sync(cut_off)
                group.cancel_scope.cancel()
                self._queue = None

    async def start(self, asked: Asked, *, at_once: bool = False) -> LiveJob:
        """Begin a job, or leave it to the next process if this one stops.

        With `at_once` it is kept in the folder before this returns, so that it outlives this process.

        Raises:
            Unavailable: No jobs run in this process, or there are too many.
            StoreError: It is to be kept, and the folder cannot be written.
        """
        if self._queue is None:
            raise Unavailable("No jobs run in this process.")
        if len(self._live) >= MOST_UNFINISHED:
            raise Unavailable(f"There are {MOST_UNFINISHED} jobs already. Try again when some have ended.")
        record = JobRecord(
            id=uuid4().hex[:12],
            collection=asked.collection,
            what=asked.what,
            caller=asked.caller,
            created=self._now().isoformat(timespec="milliseconds"),
        )
        job = LiveJob(record, asked)
        if at_once or self._is_stopping:
            await self.care.keep(job)
        if self._is_stopping:
            with anyio.CancelScope(shield=True):
                self._live[record.id] = job
                await self._let_go(job)
        else:
            self._enqueue(job)
        return job

    def find(self, job_id: str) -> LiveJob | None:
        """Return a job of this process that has not ended."""
        return self._live.get(job_id)

    async def read(self, job_id: str) -> JobRecord:
        """Return the record of a job of any process.

        Raises:
            NotFound: There is none.
            StoreError: It cannot be read.
        """
        if (job := self.find(job_id)) is not None:
            return job.record
        found = await to_thread.run_sync(self.care.folder.read, job_id)
        if isinstance(found, Unreadable):
            raise StoreError(found.problem)
        return found

    async def has_worker(self, record: JobRecord) -> bool:
        """Return whether this process or another one has a job in hand, or this one will take it up."""
        return self.is_serving or await to_thread.run_sync(self.care.folder.is_taken, record.id)

    async def all(self) -> list[JobRecord | Unreadable]:
        """Return the records of all processes, the oldest first."""
        kept = {each.id: each for each in await to_thread.run_sync(self.care.folder.all)}
        return list((kept | {each.record.id: each.record for each in self._live.values()}).values())

    async def unfinished(self) -> list[JobRecord]:
        """Return the jobs of all processes that have not ended. It is quick: every search asks for them."""
        kept = await to_thread.run_sync(self.care.folder.unfinished, frozenset(self._live))
        return [*kept, *(each.record for each in self._live.values() if not each.record.has_ended)]

    async def follow(self, record: JobRecord, *, wait_s: float, progress: Progress | None = None) -> JobRecord:
        """Return a job's record when it has ended or this process stops, or after `wait_s` as it is then."""
        job = self.find(record.id)
        with anyio.move_on_after(wait_s):
            # A process that stops takes up no more jobs: the next one goes on with those that are not live here.
            while not (record.has_ended or self.is_stopping if job is None else job.has_left.is_set()):
                if progress is not None:
                    done, total = (record.permille / 10, 100) if job is None else job.progress
                    await progress(done, total, record.message or f"{record.state}, {record.permille / 10:.0f} %")
                if job is None:
                    await anyio.sleep(POLL_S)
                    record = await self.read(record.id)
                else:
                    await job.changed()
                    record = job.record
        if job is None:
            return record
        if job.record.has_ended:  # it is being written
            await job.has_left.wait()
        return job.record

    async def cancel(self, record: JobRecord, *, wait_s: float) -> JobRecord:
        """Stop a job once its documents are whole, and return its record as it is then, or after `wait_s`.

        Raises:
            StoreError: The folder cannot be written.
        """
        if (job := self.find(record.id)) is not None:
            job.stop(is_cancelled=True)
        elif not record.has_ended:
            record = await self.care.cancel_elsewhere(record)
        return await self.follow(record, wait_s=wait_s)

    def abandon(self, job: LiveJob) -> None:
        """Cancel a job whose caller has cancelled the call, unless it is this process that ends the call."""
        if not self._is_stopping:
            job.stop(is_cancelled=True)

    async def suspend(self) -> None:
        """Begin no more jobs, and stop those that run once their documents are whole; the next engine goes on."""
        self._is_stopping = True
        for job in list(self._live.values()):
            job.stop(is_cancelled=False)
        for job in list(self._live.values()):
            await job.has_left.wait()

    def _enqueue(self, job: LiveJob) -> None:
        """Hand a job to the tasks of the server: in the task of the call that asks for it, it would end with that."""
        if self._queue is not None:
            self._live[job.record.id] = job
            self._queue.send_nowait(job)

    async def _work_off(self, jobs: MemoryObjectReceiveStream[LiveJob], group: TaskGroup) -> None:
        async for job in jobs:
            group.start_soon(self._run, job)

    async def _run(self, job: LiveJob) -> None:
        try:
            with job.scope:
                async with self._locks[job.record.collection]:
                    while not job.record.has_ended:
                        async with self._slots:
                            await self._attempt(job)
        finally:
            with anyio.CancelScope(shield=True):
                await self._let_go(job)

    async def _attempt(self, job: LiveJob) -> None:
        """Do what the job asks for, from the beginning, until it ends or maintenance wants the store."""
        assert self._perform is not None  # noqa: S101 - set before the first job is taken
        async with self._gate.yielding():
            job.note(state=JobState.RUNNING, started=self._time(), message="Starting", documents=0)
            await self._save(job)
            try:
                report = await self._perform(job)
                job.note(state=JobState.DONE, permille=1000, message="", report=report, ended=self._time())
            except ResiftError as error:
                if not job.scope.cancel_called:  # otherwise it only says that its work was cut off
                    job.fail(error, state=JobState.FAILED, ended=self._time())
            except Exception:  # a background loop: one job must not end the others
                logger.exception("The job %s failed", job.record.id)
                job.fail(ResiftError(DEFECT), state=JobState.FAILED, ended=self._time())
        if not job.record.has_ended:
            job.note(state=JobState.QUEUED, message="Paused while maintenance has the collections")
            await self._save(job)

    async def _let_go(self, job: LiveJob) -> None:
        """Write what came of a job. One that was only interrupted is kept for the next engine."""
        if not job.record.has_ended and job.is_cancelled:
            job.note(state=JobState.CANCELLED, ended=self._time())
        elif not job.record.has_ended:
            job.note(state=JobState.QUEUED, message="Stopped with the engine; the next one resumes it")
        await self._save(job, keep=not job.record.has_ended)
        del self._live[job.record.id]
        job.leave()

    async def _save(self, job: LiveJob, *, keep: bool = False) -> None:
        """Write the record of a job; that it cannot be written must not end the job."""
        try:
            if keep:
                await self.care.keep(job)
            await self.care.save(job)
        except StoreError as error:
            logger.error("The job %s cannot be kept: %s", job.record.id, error)  # noqa: TRY400 - it says what to do

    async def _tend(self) -> None:
        """Look after the jobs of this process, and resume those that others left."""
        await anyio.sleep(self._resume_after_s)
        next_sweep = self._clock()
        while True:
            is_due = self._clock() >= next_sweep and not self._is_stopping
            try:
                for job in list(self._live.values()):
                    await self.care.look_after(job)
                for job in await self.care.left_by_others(self._live) if is_due else ():
                    logger.info("The job %s goes on: %s into %s", job.record.id, job.asked.what, job.asked.collection)
                    self._enqueue(job)
            except ResiftError as error:
                logger.warning("Jobs: %s", error)
            except Exception:  # a background loop
                logger.exception("Looking after the jobs failed")
            next_sweep = self._clock() + SWEEP_S if is_due else next_sweep
            await anyio.sleep(TEND_S)

    def _time(self) -> str:
        return self._now().isoformat(timespec="milliseconds")
