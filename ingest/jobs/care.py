"""Looking after jobs: writing what is due, taking over what other processes left, and removing what is old."""

import logging
from collections.abc import Callable, Collection
from dataclasses import replace
from datetime import datetime, timedelta
from typing import NamedTuple

from anyio import to_thread
from filelock import BaseFileLock

from ...core.errors import NotFound, ResiftError, StoreError
from .folder import JobFolder, Unreadable
from .live import Asked, LiveJob
from .record import MOST_CRASHES, JobRecord, JobState, KeptError

KEEP_AFTER = timedelta(seconds=1)  # a job that ends sooner is not worth two files

KEEP_ENDED = timedelta(days=1)

MOST_ENDED = 50

GIVEN_UP = (
    "The engine ended {crashes} times while it worked on this job, last here: {message}. It is not resumed any more. "
    "Find out which document ends it and leave that one out, then ask for the ingestion again: what is stored is kept."
)

logger = logging.getLogger(__name__)


class _Taken(NamedTuple):
    """A job that was taken over, with its lock."""

    record: JobRecord
    asked: Asked
    lock: BaseFileLock


class Care:
    """What keeps the records in the folder in step with the jobs."""

    def __init__(self, folder: JobFolder, now: Callable[[], datetime]) -> None:
        self.folder = folder
        self._now = now
        self._told = set[str]()
        """The unreadable records that were logged."""

    async def keep(self, job: LiveJob) -> None:
        """Write a job into the folder, unless it is there, or this process is done with it.

        Raises:
            StoreError: The folder cannot be written.
        """
        async with job.saving:
            if job.lock is not None or job.has_left.is_set():
                return
            record = job.record
            lock = await to_thread.run_sync(self.folder.take, record.id)
            try:
                await to_thread.run_sync(self.folder.add, record, job.asked.request)
            except StoreError:
                if lock is not None:
                    lock.release()
                raise
            job.lock, job.saved = lock, record

    async def save(self, job: LiveJob) -> None:
        """Write the record of a job that is kept, if it has changed.

        Raises:
            StoreError: The folder cannot be written.
        """
        async with job.saving:
            record = job.record
            if job.lock is None or job.saved == record or job.has_left.is_set():
                return
            await to_thread.run_sync(self.folder.save, record)
            job.saved = record
            if record.has_ended:
                await to_thread.run_sync(self.folder.forget_request, record.id)

    async def look_after(self, job: LiveJob) -> None:
        """Write what is due, and stop the job if another process wants that.

        Raises:
            StoreError: The folder cannot be written.
        """
        if job.lock is None and self._age(job.record.created) >= KEEP_AFTER:
            await self.keep(job)
        await self.save(job)
        if job.lock is not None and self.folder.is_to_be_cancelled(job.record.id):
            job.stop(is_cancelled=True)

    async def mark_told(self, record: JobRecord) -> None:
        """Note that somebody has seen how a job ended, so that it is not shown again unasked."""
        if record.has_ended and not record.is_told:
            await to_thread.run_sync(self.folder.save, replace(record, is_told=True))

    async def remove(self, record: JobRecord) -> None:
        """Remove the record of a job that has ended."""
        await to_thread.run_sync(self.folder.remove, record.id)

    async def cancel_elsewhere(self, record: JobRecord) -> JobRecord:
        """Cancel a job that another process works on, or none; return its record.

        Raises:
            StoreError: The folder cannot be written.
        """
        return await to_thread.run_sync(self._cancel, record)

    async def left_by_others(self, own: Collection[str]) -> list[LiveJob]:
        """Take over the jobs that have not ended and on which no process works, and remove what is old.

        Raises:
            StoreError: The folder cannot be written.
        """
        found = await to_thread.run_sync(self._sweep, frozenset(own))
        return [LiveJob(each.record, each.asked, each.lock) for each in found]  # made in the thread of the event loop

    def _cancel(self, record: JobRecord) -> JobRecord:
        if (lock := self.folder.take(record.id)) is None:
            self.folder.ask_to_cancel(record.id)
            return record
        try:
            found = self.folder.read(record.id)
            if isinstance(found, JobRecord) and not found.has_ended:
                record = replace(found, state=JobState.CANCELLED, ended=self._time())
                self.folder.save(record)
                self.folder.forget_request(record.id)
        finally:
            lock.release()
        return record

    def _sweep(self, own: frozenset[str]) -> list[_Taken]:
        found = list[_Taken]()
        records = [each for each in self.folder.all() if each.id not in own]
        for record in records:
            if isinstance(record, Unreadable):
                self._tell(record)
            elif not record.has_ended and (job := self._take_over(record.id)) is not None:
                found.append(job)
        self._remove_old([each for each in records if isinstance(each, JobRecord) and each.has_ended])
        for job_id in self.folder.strays() - own:
            self._remove_stray(job_id)
        return found

    def _take_over(self, job_id: str) -> _Taken | None:
        """Return a job on which no process works, with its lock."""
        if (lock := self.folder.take(job_id)) is None:
            return None
        try:
            if (job := self._resumed(job_id, lock)) is not None:
                return job
        except NotFound:  # removed meanwhile
            self.folder.remove(job_id)
        except ResiftError as error:
            logger.warning("The job %s is not resumed: %s", job_id, error)
        lock.release()
        return None

    def _resumed(self, job_id: str, lock: BaseFileLock) -> _Taken | None:
        """Return a job that is to go on; note of one that cannot why."""
        record = self.folder.read(job_id)
        if isinstance(record, Unreadable) or record.has_ended:
            return None
        if record.state is JobState.RUNNING:  # the process that worked on it ended without warning
            crashes = 1 if record.documents > record.documents_before else record.crashes + 1
            most = max(record.documents_before, record.documents)
            record = replace(record, crashes=crashes, documents_before=most)
        try:
            if record.crashes >= MOST_CRASHES:
                raise StoreError(GIVEN_UP.format(crashes=record.crashes, message=record.message or "at its start"))
            request = self.folder.request_of(job_id)
        except StoreError as error:
            failed = replace(record, state=JobState.FAILED, error=KeptError.of(error), ended=self._time())
            self.folder.save(failed)
            self.folder.forget_request(job_id)
            logger.error("The job %s: %s", job_id, error)  # noqa: TRY400 - it says what to do
            return None
        record = replace(record, state=JobState.QUEUED)
        self.folder.save(record)
        asked = Asked(collection=record.collection, what=record.what, request=request, caller=record.caller)
        return _Taken(record, asked, lock)

    def _remove_old(self, ended: list[JobRecord]) -> None:
        """Remove the records of jobs that ended long ago, and the oldest of too many."""
        newest = sorted(ended, key=lambda each: each.ended, reverse=True)
        for place, record in enumerate(newest):
            if place >= MOST_ENDED or self._age(record.ended) > KEEP_ENDED:
                self.folder.remove(record.id)

    def _remove_stray(self, job_id: str) -> None:
        """Remove a request whose record was never written, because its process ended."""
        if (lock := self.folder.take(job_id)) is not None:
            try:
                if job_id in self.folder.strays():
                    self.folder.remove(job_id)
            finally:
                lock.release()

    def _tell(self, record: Unreadable) -> None:
        if record.id not in self._told:
            self._told.add(record.id)
            logger.warning("%s", record.problem)

    def _age(self, moment: str) -> timedelta:
        return self._now() - datetime.fromisoformat(moment)

    def _time(self) -> str:
        return self._now().isoformat(timespec="milliseconds")
