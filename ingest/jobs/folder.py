"""Where the records of jobs lie: a private folder that several processes may use, with a lock for each job."""

import json
import logging
import os
import re
from collections.abc import Collection, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from filelock import BaseFileLock, FileLock, Timeout

from ...core.errors import Hint, NotFound, StoreError
from ...core.private_files import FILE_MODE, FOLDER_MODE, replace_file
from .record import JobRecord

JOBS = "jobs"
"""The name of the folder in a data folder."""

RECORD, REQUEST, CANCEL, LOCK = ".json", ".request", ".cancel", ".lock"

_ID = re.compile(r"[0-9a-f]{12}")

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A record that cannot be used, and why."""

    id: str
    problem: str


class JobFolder:
    """Records, the requests behind them, and who works on them. Each file is replaced as a whole."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def add(self, record: JobRecord, request: Mapping[str, Any]) -> None:
        """Keep a new job. The caller holds its lock.

        Raises:
            StoreError: The folder cannot be written.
        """
        self._write(record.id, REQUEST, json.dumps(dict(request)).encode())  # not UTF-8: names of files may not be
        self.save(record)

    def save(self, record: JobRecord) -> None:
        """Replace the record of a job.

        Raises:
            StoreError: The folder cannot be written.
        """
        self._write(record.id, RECORD, record.encode())

    def read(self, job_id: str) -> JobRecord | Unreadable:
        """Return a record.

        Raises:
            NotFound: There is none.
        """
        if not _ID.fullmatch(job_id):
            raise unknown_job(job_id)
        try:
            return JobRecord.decode(self._path(job_id, RECORD).read_bytes())
        except FileNotFoundError:
            raise unknown_job(job_id) from None
        except (OSError, ValueError) as error:
            reason = f"The record {self._path(job_id, RECORD)} of a job cannot be used: {error}. Delete it, or use the "
            return Unreadable(job_id, f"{reason}version that wrote it.")

    def request_of(self, job_id: str) -> dict[str, Any]:
        """Return what a job was asked to do.

        Raises:
            StoreError: It cannot be read.
        """
        path = self._path(job_id, REQUEST)
        try:
            return cast("dict[str, Any]", json.loads(path.read_bytes()))
        except (OSError, ValueError) as error:
            raise StoreError(f"The request {path} of a job cannot be read: {error}. Ask for it again.") from error

    def all(self) -> list[JobRecord | Unreadable]:
        """Return all records, the oldest first; the unreadable ones last."""
        found = list[JobRecord | Unreadable]()
        for job_id in self.ids():
            try:
                found.append(self.read(job_id))
            except NotFound:  # removed meanwhile
                continue
        return sorted(found, key=lambda each: (isinstance(each, Unreadable), getattr(each, "created", ""), each.id))

    def ids(self) -> list[str]:
        """Return the ids of all records."""
        return sorted(self._ids(RECORD))

    def unfinished(self, known: Collection[str]) -> list[JobRecord]:
        """Return the records of jobs that have not ended, but for the known ones. Only these jobs have a request."""
        found = list[JobRecord]()
        for job_id in set(self._ids(REQUEST)).difference(known):
            with suppress(NotFound):  # its record is not written yet, or was removed meanwhile
                record = self.read(job_id)
                if isinstance(record, JobRecord) and not record.has_ended:
                    found.append(record)
        return found

    def strays(self) -> set[str]:
        """Return the ids of requests without a record, which a crash left."""
        return set(self._ids(REQUEST)) - set(self._ids(RECORD))

    def remove(self, job_id: str) -> None:
        """Delete everything about a job."""
        for ending in (RECORD, REQUEST, CANCEL, LOCK):
            self._path(job_id, ending).unlink(missing_ok=True)

    def forget_request(self, job_id: str) -> None:
        """Delete the request of a job that has ended: it may hold whole documents."""
        for ending in (REQUEST, CANCEL):
            self._path(job_id, ending).unlink(missing_ok=True)

    def take(self, job_id: str) -> BaseFileLock | None:
        """Return the lock of a job, or None if another process works on it.

        Raises:
            StoreError: The folder cannot be written.
        """
        try:
            self.path.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
            lock = FileLock(self._path(job_id, LOCK), thread_local=False, mode=FILE_MODE)
            lock.acquire(timeout=0)
        except Timeout:
            return None
        except OSError as error:
            raise self._unwritable(error) from error
        return lock

    def is_taken(self, job_id: str) -> bool:
        """Return whether a process works on a job.

        Raises:
            StoreError: The folder cannot be written.
        """
        if (lock := self.take(job_id)) is None:
            return True
        lock.release()
        return False

    def ask_to_cancel(self, job_id: str) -> None:
        """Leave word for the process that works on a job.

        Raises:
            StoreError: The folder cannot be written.
        """
        self._write(job_id, CANCEL, b"")

    def is_to_be_cancelled(self, job_id: str) -> bool:
        """Return whether another process has left word."""
        return self._path(job_id, CANCEL).exists()

    def _ids(self, ending: str) -> Iterator[str]:
        try:
            names = os.listdir(self.path)  # noqa: PTH208 - a folder that is gone has no jobs
        except OSError:
            return
        for name in names:
            job_id, dot, rest = name.partition(".")
            if dot + rest == ending and _ID.fullmatch(job_id):
                yield job_id

    def _path(self, job_id: str, ending: str) -> Path:
        return self.path / f"{job_id}{ending}"

    def _write(self, job_id: str, ending: str, content: bytes) -> None:
        """Replace a file at once, readable by this user alone, and force it to disk."""
        try:
            replace_file(self._path(job_id, ending), content)
        except OSError as error:
            raise self._unwritable(error) from error

    def _unwritable(self, error: OSError) -> StoreError:
        return StoreError(
            f"The folder of jobs {self.path} cannot be written: {error.strerror or error}. Free some space or correct "
            "its permissions."
        )


def unknown_job(job_id: str) -> NotFound:
    """Return the error for a job that does not exist, or that the caller must not know of."""
    return NotFound(f"No job {job_id[:80]!r}: ended ones are kept for a day.", hint=Hint.LIST_JOBS)
