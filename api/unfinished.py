"""What a search says about ingestions that have not ended: what they have not stored yet cannot be found."""

from collections.abc import Sequence

from ..core.errors import Hint, NotFound
from ..core.text import counted
from ..factories.engine import Engine
from ..ingest.jobs.record import JobRecord
from ..ingest.tally import Tally
from .caller import CALLER

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


async def _unfinished(engine: Engine, collections: Sequence[str]) -> dict[str, str]:
    """Return how far the ingestions are that this process works on, or that are kept as jobs, by collection."""
    found = {each.collection: _done(each) for each in await engine.jobs.unfinished()}
    found |= {each.job.collection: _counted(each) for each in engine.services.ingestor.running}
    wanted = CALLER.get().visible(found)
    return {name: found[name] for name in wanted if not collections or name in collections}


def _done(record: JobRecord) -> str:
    return f" ({record.permille // 10} % done)" if record.permille else ""


def _counted(tally: Tally) -> str:
    return f" ({tally.documents:,} of {counted(tally.job.total, 'document')} done)"
