"""The tool that takes documents in."""

from collections.abc import Sequence
from functools import partial
from itertools import chain, takewhile
from typing import Annotated, Any

from anyio import to_thread
from mcp.server.mcpserver import Context
from mcp.server.mcpserver.tools import Tool
from mcp.types import CallToolResult, ToolAnnotations
from pydantic import BaseModel, ConfigDict, Field

from ..core.errors import InvalidInput
from ..core.values import Document
from ..ingest.job import Failure, IngestReport, Job, Progress
from ..ingest.sources import files_below, text_document
from .boundary import make_tool
from .results import MAX_NAME_CHARACTERS, MAX_REPLY_TOKENS, Room, reply
from .services import Services

MAX_FAILURES_SHOWN = 50


class DocumentInput(BaseModel):
    """A document given as text."""

    model_config = ConfigDict(extra="forbid")

    text: str
    title: str = ""
    source: Annotated[str, Field(description="Path or URI to cite", max_length=MAX_NAME_CHARACTERS)] = ""
    metadata: Annotated[dict[str, Any], Field(description="Fields to filter by")] = {}
    id: Annotated[str, Field(description="Else source or content decides", max_length=MAX_NAME_CHARACTERS)] = ""


class IngestResult(BaseModel):
    """Counts of documents, and of the passages written."""

    collection: str
    added: int
    updated: int
    unchanged: int
    removed: int
    failed: int
    passages: int
    failures: Annotated[list[dict[str, str]], Field(description="source, reason")]
    notes: list[str]


def ingest_documents(services: Services) -> Tool:
    """Return the tool."""

    async def ingest_documents(
        ctx: Context[Any, Any],
        documents: Annotated[list[DocumentInput], Field(description="Documents as text")] = [],
        paths: Annotated[list[str], Field(description="Files or folders of text, Markdown, HTML, code")] = [],
        glob: Annotated[str, Field(description="Which files in folders")] = "**/*",
        collection: Annotated[str, Field(description="Made when it does not exist")] = "default",
        metadata: Annotated[dict[str, Any], Field(description="Added to every document")] = {},
        prune: Annotated[bool, Field(description="Remove documents whose files in these folders are gone")] = False,
    ) -> Annotated[CallToolResult, IngestResult]:
        """Take documents into a collection, so that they can be searched: as text, or as paths on the server's machine.

        Unchanged documents cost nothing; changed ones replace their old version, found by id or path. Comes back with
        counts and the reason for each document that failed; the rest is in. Then call search_and_rerank.
        """
        if not documents and not paths:
            raise InvalidInput("Nothing to ingest. Give `documents` as [{'text': ..., 'title': ...}], or `paths`.")
        if prune and not paths:
            raise InvalidInput("`prune` compares folders with the collection: give `paths`, or leave it out.")
        find = partial(files_below, paths, glob=glob, roots=services.roots, metadata=metadata)
        files = await to_thread.run_sync(partial(find, max_bytes=services.max_file_bytes))
        job = Job(
            collection,
            items=chain((_document(each, metadata) for each in documents), files),
            total=len(documents) + len(files),
            prune_below=files.folders if prune else (),
            progress=_progress_to(ctx),
        )
        return reply(_result(collection, await services.ingestor.ingest(job)))

    return make_tool(
        ingest_documents,
        title="Ingest documents",
        annotations=ToolAnnotations(
            read_only_hint=False, destructive_hint=True, idempotent_hint=True, open_world_hint=False
        ),
    )


def _document(given: DocumentInput, metadata: dict[str, Any]) -> Document:
    return text_document(
        given.text,
        title=given.title,
        source=given.source,
        id_=given.id,
        metadata={**metadata, **given.metadata},
    )


def _progress_to(ctx: Context[Any, Any]) -> Progress:
    told = 0.0

    async def progress(done: float, total: int, message: str) -> None:
        nonlocal told
        if done > told:  # MCP wants each progress above the one before
            told = done
            await ctx.report_progress(done, total, message)

    return progress


def _result(collection: str, report: IngestReport) -> dict[str, Any]:
    notes = list(report.notes)
    if report.truncated:
        notes.append(
            f"{report.truncated} passages are longer than the encoder's window; their ends are searched by word only."
        )
    answer: dict[str, Any] = {
        "collection": collection,
        "added": report.added,
        "updated": report.updated,
        "unchanged": report.unchanged,
        "removed": report.removed,
        "failed": len(report.failures),
        "passages": report.passages,
        "failures": _shown(report.failures),
        "notes": notes,
    }
    if len(answer["failures"]) < len(report.failures):
        notes.append(f"The first {len(answer['failures'])} failures are shown.")
    return answer


def _shown(failures: Sequence[Failure]) -> list[dict[str, str]]:
    room = Room(MAX_REPLY_TOKENS - 500)  # the counts and notes need little
    entries = ({"source": each.source[:200], "reason": each.reason[:400]} for each in failures[:MAX_FAILURES_SHOWN])
    return list(takewhile(room.admit, entries))
