"""The tool that ingests documents into a collection."""

from collections.abc import Sequence
from itertools import takewhile
from typing import Annotated, Any

from mcp.server.mcpserver import Context
from mcp.server.mcpserver.tools import Tool
from mcp.types import CallToolResult, ToolAnnotations
from pydantic import BaseModel, Field

from ..api.requests import IngestRequest
from ..api.resift import Resift
from ..core.errors import InvalidInput
from ..ingest.files.skipping import most_frequent, why_empty
from ..ingest.job import Failure, IngestReport
from .boundary import make_tool
from .notifications import call_with_progress
from .results import MAX_REPLY_TOKENS, ReplyBudget, reply

MAX_FAILURES_SHOWN = 50


class IngestResult(BaseModel):
    """Counts of documents, and of the passages written."""

    collection: str
    added: int
    updated: int
    unchanged: int
    removed: int
    failed: int
    passages: int
    skipped: Annotated[dict[str, int], Field(description="Skipped files, by kind")]
    failures: Annotated[list[dict[str, str]], Field(description="source, reason")]
    notes: list[str]


def ingest_documents(resift: Resift) -> Tool:
    """Return the tool."""

    async def ingest_documents(*, ctx: Context[Any, Any], **arguments: Any) -> Annotated[CallToolResult, IngestResult]:
        """Take documents into a collection, so that they can be searched: as text, or as paths on the server's machine.

        Reads text, Markdown, HTML and source code. Unchanged documents cost nothing; changed ones replace their old
        version, found by id or path. Returns counts, what was skipped, and why documents failed. Then call
        search_and_rerank.
        """
        report = await call_with_progress(ctx, lambda progress: resift.ingest(**arguments, progress=progress))
        return reply(ingest_answer(arguments["collection"], report))

    return make_tool(
        ingest_documents,
        title="Ingest documents",
        annotations=ToolAnnotations(
            read_only_hint=False, destructive_hint=True, idempotent_hint=True, open_world_hint=False
        ),
        arguments=IngestRequest,
    )


def ingest_answer(collection: str, report: IngestReport) -> dict[str, Any]:
    """Return what is to be told of an ingestion.

    Raises:
        InvalidInput: Nothing came in.
    """
    if report.is_empty:
        raise InvalidInput(f"Nothing was ingested into {collection!r}. {why_empty(report)}")
    notes = list(report.notes)
    if report.truncated:
        notes.append(
            f"{report.truncated} passages are longer than the encoder's window; only keyword search covers their ends."
        )
    answer: dict[str, Any] = {
        "collection": collection,
        "added": report.added,
        "updated": report.updated,
        "unchanged": report.unchanged,
        "removed": report.removed,
        "failed": len(report.failures),
        "passages": report.passages,
        "skipped": most_frequent(report.skipped),
        "failures": _fitting(report.failures),
        "notes": notes,
    }
    if len(answer["failures"]) < len(report.failures):
        notes.append(f"The first {len(answer['failures'])} failures are shown.")
    return answer


def _fitting(failures: Sequence[Failure]) -> list[dict[str, str]]:
    budget = ReplyBudget(MAX_REPLY_TOKENS - 900)  # the counts and notes need little
    entries = ({"source": each.source[:200], "reason": each.reason[:400]} for each in failures[:MAX_FAILURES_SHOWN])
    return list(takewhile(budget.admit, entries))
