"""`POST /v1/documents`, and the jobs that long ingestion becomes: `/v1/jobs`."""

from http import HTTPStatus
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Response
from pydantic import BaseModel, Field

from ....api.background import Background
from ....api.requests import IngestRequest
from ....api.resift import Resift
from ....core.errors import InvalidInput
from ....ingest.jobs.record import JobRecord, JobState
from ....search.relative_paths import RelativePaths
from ....tools.background_jobs import job_entry
from ....tools.ingest_documents import IngestResult, ingest_answer
from .bodies import answer_json, body_of, takes_body
from .failures import HINTS

MOST_WAIT_S = 60

DOCUMENTS = {
    "Texts": {
        "collection": "notes",
        "documents": [
            {"id": "bees", "text": "Bees dance to tell where flowers are.", "metadata": {"year": 2024}},
            {"id": "wasps", "text": "Wasps build nests of paper.", "metadata": {"year": 2019}},
        ],
    },
    "Files below a folder that the server may read": {"collection": "manual", "paths": ["docs"], "glob": "add-*.md"},
}

JobId = Annotated[str, Path(description="From `Location`, or from the list")]


class JobDetails(BaseModel):
    """Ingestion in the background."""

    id: str
    collection: str
    what: Annotated[str, Field(description="What is ingested, in short")]
    state: JobState
    percent: float
    progress: Annotated[str, Field(description="What it is doing")]
    created: Annotated[str, Field(description="ISO 8601, as `ended`")]
    ended: str = ""
    error: Annotated[str, Field(description="Why it failed, and what to do next")] = ""
    result: Annotated[IngestResult | None, Field(description="Once it is done")] = None


class JobList(BaseModel):
    """The jobs that have not ended, and those that ended in the last day."""

    jobs: list[JobDetails]


def add_jobs(router: APIRouter, resift: Resift) -> None:
    """Add the paths."""
    background = Background(resift)

    def told(record: JobRecord) -> dict[str, Any]:
        return _body(record, resift.services.pipeline.paths)

    @router.post(
        "/v1/documents",
        response_model=IngestResult,
        responses={202: {"model": JobDetails, "description": "It goes on as a job. `Location` is its path."}},
        tags=["collections"],
    )
    @takes_body(body_of("IngestBody", IngestRequest), DOCUMENTS)
    async def ingest_documents(body: BaseModel) -> Response:
        """Take documents into a collection, as text or as files on the server's machine.

        Unchanged documents cost nothing; changed ones replace their old version, found by id or path. Needs a token
        that may write. The answer comes when all documents are stored. If that takes longer than
        `RESIFT_SERVE__INGEST_WAIT_S`, 20 seconds by default, or too many requests wait already, the status is 202: the
        ingestion goes on as a job, which the body describes, and whose path is in the header `Location`.
        """
        # The request may end because the server stops, and the next one goes on with the job.
        found = await background.ingest(body.model_dump(exclude_unset=True), outlives_call=True)
        if not isinstance(found, JobRecord):
            return answer_json(ingest_answer(_collection(body), found, paths=resift.services.pipeline.paths))
        answer = answer_json(told(found))
        answer.status_code = HTTPStatus.ACCEPTED
        answer.headers["Location"] = f"/v1/jobs/{found.id}"
        return answer

    @router.get("/v1/jobs", response_model=JobList, tags=["collections"])
    async def list_jobs(
        collection: Annotated[str, Query(description="The jobs of one collection; empty: of all")] = "",
    ) -> Response:
        """List the jobs that have not ended, and those that ended in the last day, the oldest first.

        They are those of the collections that the token may change. A job is `queued`, `running`, `done`, `failed` or
        `cancelled`. Jobs survive a restart of the server.
        """
        return answer_json({"jobs": [told(each) for each in await background.all(collection)]})

    @router.get("/v1/jobs/{job_id}", response_model=JobDetails, tags=["collections"])
    async def show_job(
        job_id: JobId,
        wait_s: Annotated[
            float, Query(description="How long to wait for its end, in seconds", ge=0, le=MOST_WAIT_S)
        ] = 0,
    ) -> Response:
        """Return a job, at once or when it has ended. `result` is what `POST /v1/documents` would have answered.

        If too many requests wait already, the answer comes at once.
        """
        return answer_json(told(await background.wait(job_id, wait_s=wait_s)))

    @router.delete("/v1/jobs/{job_id}", response_model=JobDetails, tags=["collections"])
    async def cancel_job(job_id: JobId) -> Response:
        """Cancel a job, or remove one that has ended from the list.

        A job stops between documents: those that were stored stay, and each is whole.
        """
        record = await background.find(job_id)
        if record.has_ended:
            await background.remove(record)
            return answer_json(told(record))
        return answer_json(told(await background.cancel(job_id)))


def _collection(body: Any) -> str:
    return body.collection


def _body(record: JobRecord, paths: RelativePaths) -> dict[str, Any]:
    entry = job_entry(record, HINTS)
    if record.report is None:
        return entry
    try:
        return {**entry, "result": ingest_answer(record.collection, record.report, paths=paths)}
    except InvalidInput as error:  # nothing came in
        return {**entry, "error": error.text(HINTS)}
