"""Ingestion that goes on after the call that began it, as a job of the server: begin, see, await and cancel it."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime
from functools import cache, partial
from pathlib import Path
from typing import Any

import anyio
from pydantic import TypeAdapter

from ..core.errors import InvalidInput
from ..core.text import counted, listed
from ..factories.engine import Engine
from ..ingest.files.named import shown
from ..ingest.jobs.folder import Unreadable, unknown_job
from ..ingest.jobs.live import Asked, LiveJob
from ..ingest.jobs.record import JobRecord
from ..ingest.report import IngestReport, Progress
from ..pipeline.request import EVERY_COLLECTION
from .arguments import build
from .caller import CALLER, Caller, check_rights, check_token, waiting_for_job
from .ingestion import ingest
from .requests import IngestRequest
from .resift import Resift

MOST_NAMED = 3  # paths of a job, in its short description

CANCEL_WITHIN_S = 30.0  # the time that a job gets to come to a point at which its documents are whole


class Background:
    """The jobs of an engine, for the caller for whom the server works. They are seen by those who may change them."""

    def __init__(self, resift: Resift) -> None:
        self._resift = resift
        self._engine = resift.engine
        self._runner = resift.engine.jobs

    async def ingest(
        self,
        arguments: Mapping[str, Any],
        *,
        progress: Progress | None = None,
        wait_s: float | None = None,
        outlives_call: bool = False,
    ) -> IngestReport | JobRecord:
        """Ingest as `Resift.ingest` does, and return its report; after `wait_s`, by default of the settings, a job.

        Where no jobs run, this waits to the end; where too many calls wait for jobs, it returns the job at once. If
        the call is cancelled meanwhile, the ingestion ends too, unless it `outlives_call`.

        Raises:
            ResiftError: As of `Resift.ingest`.
        """
        if not self._runner.is_serving:
            return await self._resift.ingest(**arguments, progress=progress)
        request, caller = build(IngestRequest, **arguments), CALLER.get()
        caller.require_to_write(request.collection)
        wait_s = self._engine.settings.serve.ingest_wait_s if wait_s is None else wait_s
        with waiting_for_job(wait_s) as allowed_s:
            job = await self._runner.start(self.asked(request, caller), at_once=not allowed_s)
            try:
                record = await self._runner.follow(job.record, wait_s=allowed_s, progress=progress)
            except anyio.get_cancelled_exc_class():
                if not outlives_call:
                    self._runner.abandon(job)
                raise
        if not record.has_ended:
            return record
        await self._runner.care.remove(record)
        return outcome(record)

    async def find(self, job_id: str) -> JobRecord:
        """Return a job.

        Raises:
            NotFound: There is none, or the caller may not see it.
            StoreError: Its record cannot be read.
        """
        record = await self._runner.read(job_id)
        if not self._may_see(record.collection):
            raise unknown_job(job_id)
        return record

    async def wait(self, job_id: str, *, progress: Progress | None = None, wait_s: float | None = None) -> JobRecord:
        """Return a job when it has ended, or after `wait_s` as it is then. It goes on if this call is cancelled.

        Where too many calls wait for jobs, it is returned at once.

        Raises:
            NotFound: There is none, or the caller may not see it.
        """
        record = await self.find(job_id)
        wait_s = self._engine.settings.serve.ingest_wait_s if wait_s is None else wait_s
        with waiting_for_job(wait_s) as allowed_s:
            record = await self._runner.follow(record, wait_s=allowed_s, progress=progress)
        await self._runner.care.mark_told(record)
        return record

    async def has_worker(self, record: JobRecord) -> bool:
        """Return whether a process has the job in hand. Otherwise it goes on when one takes it up."""
        return await self._runner.has_worker(record)

    @property
    def is_stopping(self) -> bool:
        """Return whether the engine stops, and leaves the jobs to the next one."""
        return self._runner.is_stopping

    async def cancel(self, job_id: str) -> JobRecord:
        """Stop a job once its documents are whole, and return it.

        Raises:
            NotFound: There is none, or the caller may not see it.
        """
        record = await self._runner.cancel(await self.find(job_id), wait_s=CANCEL_WITHIN_S)
        await self._runner.care.mark_told(record)
        return record

    async def remove(self, record: JobRecord) -> None:
        """Remove the record of a job that has ended."""
        await self._runner.care.remove(record)

    async def all(self, collection: str = "") -> list[JobRecord]:
        """Return the jobs of all collections, as for "*", or of one, the oldest first."""
        return [
            each
            for each in await self._runner.all()
            if isinstance(each, JobRecord)
            and self._may_see(each.collection)
            and collection in ("", EVERY_COLLECTION, each.collection)
        ]

    async def unreadable(self) -> list[Unreadable]:
        """Return the records that cannot be read, for callers who may change every collection."""
        if CALLER.get().collections is not None or not CALLER.get().may_write:
            return []
        return [each for each in await self._runner.all() if isinstance(each, Unreadable)]

    def _may_see(self, collection: str) -> bool:
        return CALLER.get().may_write and bool(CALLER.get().visible([collection]))

    def asked(self, request: IngestRequest, caller: Caller) -> Asked:
        """Return what is kept of a request and of whoever makes it."""
        return Asked(
            collection=request.collection,
            what=_in_short(request),
            request=_requests().dump_python(request, mode="json", exclude={"progress"}),
            caller={
                "name": caller.name,
                "roots": [str(each) for each in self._resift.services.roots.folders],
                "reads_any_path": caller.reads_any_path,
                "collections": None if caller.collections is None else sorted(caller.collections),
                "may_write": caller.may_write,
                "token_row": caller.token_row,
                "overrides": sorted(caller.overrides),
            },
        )


def outcome(record: JobRecord) -> IngestReport | JobRecord:
    """Return the report of a job that is done, or the job if it was cancelled or has not ended.

    Raises:
        ResiftError: Why it failed.
    """
    if record.error is not None:
        raise record.error.restored()
    return record if record.report is None else record.report


def serving_jobs(engine: Engine) -> AbstractAsyncContextManager[None]:
    """Run jobs in the background of a server, also those that an earlier one left."""
    return engine.jobs.serving(partial(_perform, engine), cut_off=engine.services.parser.close)


async def _perform(engine: Engine, job: LiveJob) -> IngestReport:
    """Do what a job asks for, with the rights of whoever asked, as far as the settings still grant them."""
    asked, running = job.asked, engine.services.ingestor.running

    async def progress(done: float, total: int, message: str) -> None:
        documents = sum(each.documents for each in running if each.job.collection == asked.collection)
        job.report(done, total, message, documents=documents)

    caller = _caller_of(asked.caller)
    folders = () if caller.reads_any_path else caller.roots or ()
    check_rights(engine.settings, folders, what="The job", besides=caller.overrides)
    check_token(engine.settings, caller, asked.collection, now=datetime.now(UTC))
    request = build(IngestRequest, **asked.request, progress=progress)
    token = CALLER.set(caller)
    try:
        services = engine.services.reading(caller.roots or ())
        return await ingest(request, services, reads_any_path=caller.reads_any_path)
    finally:
        CALLER.reset(token)


def _caller_of(kept: Mapping[str, Any]) -> Caller:
    try:
        collections = kept["collections"]
        return Caller(
            name=kept["name"],
            roots=tuple(map(Path, kept["roots"])),
            reads_any_path=kept["reads_any_path"],
            collections=None if collections is None else frozenset(collections),
            may_write=kept["may_write"],
            token_row=kept.get("token_row", ""),  # versions before 0.7 did not keep it
            overrides=frozenset(kept.get("overrides", ())),  # nor those before 0.9 this
        )
    except (KeyError, TypeError) as error:
        raise InvalidInput(
            f"The record of the job does not say who asked for it: {error!r}. Ask for it again."
        ) from error


def _in_short(request: IngestRequest) -> str:
    paths: Sequence[str] = [shown(each) for each in request.path_list]
    parts = [listed(paths, most=MOST_NAMED)] if paths else []
    if request.documents:
        parts.append(counted(len(request.documents), "document"))
    return ", ".join(parts) or "nothing"


@cache
def _requests() -> TypeAdapter[IngestRequest]:
    return TypeAdapter(IngestRequest)
