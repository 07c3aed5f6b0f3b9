"""What tools and the HTTP API tell of a job that runs in the background."""

from collections.abc import Mapping
from typing import Any

from ..core.errors import Hint
from ..core.text import cut, cut_middle
from ..ingest.jobs.record import JobRecord, JobState
from .boundary import HINTS

MAX_TEXT = 200
MAX_ERROR = 500

GOES_ON = (
    "It goes on in the background, and what is stored can be searched. Call ingest_documents with job={id!r} to wait "
    "on; add cancel=true to stop it. list_collections shows its progress."
)
AFTERWARDS = {
    JobState.CANCELLED: "It was cancelled. The documents that were stored before stay.",
    JobState.DONE: "It had ended before it could be cancelled.",
    JobState.FAILED: "It failed. The documents that were stored before stay.",
}


def job_entry(record: JobRecord, hints: Mapping[Hint, str] = HINTS) -> dict[str, Any]:
    """Return what is told of a job. `hints` say what to do about an error in the words of the edge."""
    entry: dict[str, Any] = {
        "id": record.id,
        "collection": record.collection,
        "what": cut(record.what, MAX_TEXT),
        "state": str(record.state),
        "percent": record.permille / 10,
        "progress": cut(record.message, MAX_TEXT),
        "created": record.created,
    }
    if record.ended:
        entry["ended"] = record.ended
    if record.error is not None:
        entry["error"] = cut_middle(record.error.restored().text(hints), MAX_ERROR)
    return entry


def job_answer(record: JobRecord) -> dict[str, Any]:
    """Return what the tool that ingests tells of a job without a report."""
    note = AFTERWARDS.get(record.state) or GOES_ON.format(id=record.id)
    return {"collection": record.collection, "job": job_entry(record), "notes": [note]}
