"""The tool that ingests documents into a collection."""

from collections.abc import Mapping, Sequence
from itertools import takewhile
from typing import Annotated, Any

from mcp.server.mcpserver import Context
from mcp.server.mcpserver.tools import Tool
from mcp.types import CallToolResult, ToolAnnotations
from pydantic import BaseModel, Field

from ..api.background import Background, outcome
from ..api.requests import IngestRequest
from ..api.resift import Resift
from ..core.errors import InvalidInput
from ..core.text import agreeing, counted
from ..ingest.files.kinds import most_frequent
from ..ingest.files.skipping import why_empty
from ..ingest.jobs.record import JobRecord
from ..ingest.report import Failure, IngestReport
from ..search.relative_paths import RelativePaths
from .background_jobs import job_answer
from .boundary import make_tool
from .notifications import call_with_progress
from .results import MAX_REPLY_TOKENS, ReplyBudget, reply

MAX_FAILURES_SHOWN = 50

GONE = "Kept although their files are gone or empty: {}. To remove them, call again with prune=true."


class IngestResult(BaseModel):
    """Counts of documents, and of the passages written; or the job, if it goes on."""

    collection: str
    added: int = 0
    updated: int = 0
    renamed: int = 0
    unchanged: int = 0
    removed: int = 0
    failed: int = 0
    passages: int = 0
    skipped: Annotated[dict[str, int], Field(description="Skipped files, by kind")] = {}
    failures: Annotated[list[dict[str, str]], Field(description="source, reason")] = []
    notes: list[str] = []
    job: Annotated[dict[str, Any], Field(description="id, state, percent, progress, error")] = {}


def ingest_documents(resift: Resift) -> Tool:
    """Return the tool."""

    async def ingest_documents(
        *,
        job: Annotated[str, Field(description="Wait for this job instead")] = "",
        cancel: Annotated[bool, Field(description="Stop that job", strict=True)] = False,
        ctx: Context[Any, Any],
        **arguments: Any,
    ) -> Annotated[CallToolResult, IngestResult]:
        """Take documents into a collection to be searched: as text, or as paths on the server's machine.

        Reads PDF, Office, EPUB, mail, HTML, Markdown, CSV, JSON, code, text, zip. Unchanged documents cost nothing;
        changed ones replace their old version. Returns counts, what was skipped, why documents failed; of long work, a
        job. Then call search_and_rerank.
        """
        background = Background(resift)
        if job or cancel:
            return reply(await _answer_about(resift, job, ctx, cancel=cancel, arguments=arguments))
        is_http = ctx.request_context.request is not None  # a lost connection looks like a cancellation there
        found = await call_with_progress(
            ctx, lambda progress: background.ingest(arguments, progress=progress, outlives_call=is_http)
        )
        return reply(_answer(resift, arguments["collection"], found))

    return make_tool(
        ingest_documents,
        title="Ingest documents",
        annotations=ToolAnnotations(
            read_only_hint=False,
            destructive_hint=True,
            idempotent_hint=True,
            open_world_hint=resift.services.urls is not None,
        ),
        arguments=IngestRequest,
    )


async def _answer_about(
    resift: Resift, job: str, ctx: Context[Any, Any], *, cancel: bool, arguments: Mapping[str, Any]
) -> dict[str, Any]:
    """Return what is to be told of a job: when it has ended, after a wait, or when it was cancelled."""
    if not job:
        raise InvalidInput("`cancel` stops a job: give its id as `job`. list_collections shows the jobs.")
    if arguments["paths"] or arguments["documents"]:
        raise InvalidInput("`job` names a job that runs already: leave out `paths` and `documents`, or `job`.")
    background = Background(resift)
    if cancel:
        return job_answer(await background.cancel(job))
    record = await call_with_progress(ctx, lambda progress: background.wait(job, progress=progress))
    return _answer(resift, record.collection, outcome(record))


def _answer(resift: Resift, collection: str, found: IngestReport | JobRecord) -> dict[str, Any]:
    if isinstance(found, JobRecord):
        return job_answer(found)
    return ingest_answer(collection, found, paths=resift.services.pipeline.paths)


def ingest_answer(collection: str, report: IngestReport, *, paths: RelativePaths) -> dict[str, Any]:
    """Return what is to be told of an ingestion, with files by their `paths`, as in hits.

    Raises:
        InvalidInput: Nothing came in.
    """
    if report.is_empty:
        raise InvalidInput(f"Nothing was ingested into {collection!r}. {why_empty(report)}")
    notes = [*report.notes]
    if report.gone:
        notes.append(GONE.format(counted(report.gone, "document")))
    if report.truncated:
        longer = f"{counted(report.truncated, 'passage')} {agreeing(report.truncated, 'is', 'are')} longer"
        ends = agreeing(report.truncated, "its end", "their ends")
        notes.append(f"{longer} than the encoder's window; only keyword search covers {ends}.")
    answer: dict[str, Any] = {
        "collection": collection,
        "added": report.added,
        "updated": report.updated,
        "renamed": report.renamed,
        "unchanged": report.unchanged,
        "removed": report.removed,
        "failed": len(report.failures),
        "passages": report.passages,
        "skipped": most_frequent(report.skipped),
        "failures": _fitting(report.failures, paths),
        "notes": notes,
    }
    if len(answer["failures"]) < len(report.failures):
        notes.append(f"The first {len(answer['failures'])} failures are shown.")
    return answer


def _fitting(failures: Sequence[Failure], paths: RelativePaths) -> list[dict[str, str]]:
    budget = ReplyBudget(MAX_REPLY_TOKENS - 900)  # the counts and notes need little
    entries = (
        {"source": paths.shorten(each.source)[:200], "reason": each.reason[:400]}
        for each in failures[:MAX_FAILURES_SHOWN]
    )
    return list(takewhile(budget.admit, entries))
