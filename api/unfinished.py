"""What searches and deletions do about ingestions that have not ended.

What they have not stored yet cannot be found, and they would make a collection again that is deleted meanwhile.
"""

from collections.abc import Sequence
from dataclasses import replace

from ..core.errors import CollectionBusy, Hint, NotFound
from ..core.text import counted
from ..factories.engine import Engine, Services
from ..ingest.jobs.record import JobRecord, JobState
from ..ingest.jobs.runner import JobRunner
from ..ingest.removal import Removed
from ..ingest.tally import Tally
from .caller import CALLER
from .requests import DeleteRequest

CANCEL_WITHIN_S = 30.0  # the time that a job gets to come to a point at which its documents are whole

MOST_TOLD = 3  # collections in the notes of one search

NOT_SEARCHED = "An ingestion into {collection!r} has not ended{progress}. What it has not stored yet was not searched."

TRY_LATER = "An ingestion into {collection!r} has not ended{progress}, so it may come: try again when it has."


async def notes_on_unfinished(engine: Engine, collections: Sequence[str]) -> list[str]:
    """Return a note for each collection that a search reads only in part; `collections` empty: all of the caller's."""
    found = await _unfinished(engine, collections)
    notes = [NOT_SEARCHED.format(collection=name, progress=progress) for name, progress in found.items()]
    more = len(notes) - MOST_TOLD
    return notes[:MOST_TOLD] + ([f"The same is true of {counted(more, 'other collection')}."] if more > 0 else [])


async def as_it_may_come(error: NotFound, engine: Engine, collections: Sequence[str]) -> NotFound:
    """Return the error that something does not exist; if an ingestion may still bring it, one that says so."""
    is_stored = error.hint in (Hint.INGEST, Hint.LIST_COLLECTIONS) or "document" in error.values
    found = await _unfinished(engine, collections) if is_stored else {}
    if not found:
        return error
    name, progress = next(iter(found.items()))
    return NotFound(f"{error.args[0]} {TRY_LATER.format(collection=name, progress=progress)}")


async def delete(request: DeleteRequest, services: Services, jobs: JobRunner) -> Removed:
    """Delete what a request asks for, or count it.

    Jobs that ingest into a collection that is to be deleted are cancelled first: they would make it again.

    Raises:
        CollectionBusy: A job has not ended, and names itself; or another call writes to the collection.
        InvalidInput: There is no criterion, or nothing would be left without `everything`.
        NotFound: There is no such collection.
    """
    name, notes, going = request.collection, tuple[str, ...](), Removed(0, 0)
    if request.dry_run or request.everything:
        going = await _apply(request, services, is_dry=True)  # raises what the deletion would, before jobs end
        if request.dry_run:
            return going
        notes = await _end(await _jobs_of(name, jobs), jobs)
    try:
        removed = await _apply(request, services, is_dry=False)
    except NotFound:
        if not notes:
            raise
        removed = going  # a cancelled job removes the collection that it made if nothing is in it
    except CollectionBusy as error:
        for job in await _jobs_of(name, jobs):
            raise _busy(job) from error
        raise
    return replace(removed, notes=(*removed.notes, *notes))


async def _unfinished(engine: Engine, collections: Sequence[str]) -> dict[str, str]:
    """Return how far the ingestions are that this process works on, or that are kept as jobs, by collection."""
    jobs = {each.collection: each for each in await engine.jobs.unfinished()}
    running = {each.job.collection: each for each in engine.services.ingestor.running}
    found = {name: _progress(jobs.get(name), running.get(name)) for name in {**jobs, **running}}
    wanted = CALLER.get().visible(found)
    return {name: found[name] for name in wanted if not collections or name in collections}


def _progress(record: JobRecord | None, tally: Tally | None) -> str:
    parts = [f"job {record.id}"] if record else []
    if tally:
        parts.append(f"{tally.documents:,} of {counted(tally.job.total, 'document')} done")
    elif record and record.permille:
        parts.append(f"{record.permille // 10} % done")
    return f" ({', '.join(parts)})" if parts else ""


async def _apply(request: DeleteRequest, services: Services, *, is_dry: bool) -> Removed:
    return await (services.remover.count if is_dry else services.remover.remove)(
        request.collection,
        document_ids=request.document_ids,
        filter_=request.filter,
        everything=request.everything,
    )


async def _jobs_of(collection: str, jobs: JobRunner) -> list[JobRecord]:
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
