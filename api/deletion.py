"""Deletions beside the jobs of a server: that of a whole collection ends them, and no other waits long for them."""

from dataclasses import replace

from ..core.errors import CollectionBusy, Hint
from ..factories.engine import Services
from ..ingest.jobs.record import JobRecord, JobState
from ..ingest.jobs.runner import JobRunner
from ..ingest.removal import Removed
from .requests import DeleteRequest

CANCEL_WITHIN_S = 30.0  # the time that a job gets to come to a point at which its documents are whole


async def delete(request: DeleteRequest, services: Services, jobs: JobRunner) -> Removed:
    """Delete what a request asks for, or count it.

    Jobs that ingest into a collection that is to be deleted are cancelled first: they would make it again.

    Raises:
        CollectionBusy: A job has not ended, and names itself; or another call writes to the collection.
        InvalidInput: There is no criterion, or nothing would be left without `everything`.
        NotFound: There is no such collection.
    """
    name, notes = request.collection, tuple[str, ...]()
    if request.dry_run or request.everything:
        counted = await _apply(request, services, is_dry=True)  # raises what the deletion would, before jobs end
        if request.dry_run:
            return counted
        notes = await _end(await _unfinished(name, jobs), jobs)
    try:
        removed = await _apply(request, services, is_dry=False)
    except CollectionBusy as error:
        for job in await _unfinished(name, jobs):
            raise _busy(job) from error
        raise
    return replace(removed, notes=(*removed.notes, *notes))


async def _apply(request: DeleteRequest, services: Services, *, is_dry: bool) -> Removed:
    return await (services.remover.count if is_dry else services.remover.remove)(
        request.collection,
        document_ids=request.document_ids,
        filter_=request.filter,
        everything=request.everything,
    )


async def _unfinished(collection: str, jobs: JobRunner) -> list[JobRecord]:
    return [each for each in await jobs.unfinished() if each.collection == collection]


async def _end(records: list[JobRecord], jobs: JobRunner) -> tuple[str, ...]:
    """Cancel jobs, and return a note on each that was not done before."""
    ended = [await jobs.cancel(each, wait_s=CANCEL_WITHIN_S) for each in records]
    for record in ended:
        if not record.has_ended:
            raise _busy(record)
    cancelled = [each for each in ended if each.state is JobState.CANCELLED]
    return tuple(f"The job {each.id}, which ingested {each.what} into it, was cancelled." for each in cancelled)


def _busy(job: JobRecord) -> CollectionBusy:
    return CollectionBusy(
        f"The job {job.id}, which ingests {job.what} into collection {job.collection!r}, has not ended. Nothing was "
        "deleted.",
        hint=Hint.END_JOB,
        job=job.id,
    )
