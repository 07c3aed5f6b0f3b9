"""The tool that lists collections and their metadata fields."""

from typing import Annotated, Any

from mcp.server.mcpserver.tools import Tool
from mcp.types import CallToolResult
from pydantic import BaseModel, Field

from ..api.background import Background
from ..api.resift import Resift
from ..pipeline.request import EVERY_COLLECTION
from ..pipeline.summary import CollectionSummary, FieldSummary
from .background_jobs import job_entry
from .boundary import READS_ONLY, make_tool
from .results import MAX_REPLY_TOKENS, ReplyBudget, reply

MAX_VALUE_CHARACTERS = 80
MAX_PROBLEM_CHARACTERS = 500


class CollectionsResult(BaseModel):
    """All collections, or one with its fields."""

    collections: Annotated[
        list[dict[str, Any]],
        Field(description="name, counts, encoder, fields, problem"),
    ]
    fields: Annotated[list[dict[str, Any]], Field(description="name, type, most frequent values, range")]
    rerankers: list[str]
    jobs: Annotated[list[dict[str, Any]], Field(description="Running or just ended")]
    left_out: int


def list_collections(resift: Resift) -> Tool:
    """Return the tool."""

    async def list_collections(
        collection: Annotated[str, Field(description="One collection in detail; empty: all")] = "",
    ) -> Annotated[CallToolResult, CollectionsResult]:
        """List the collections, or the metadata fields of one with their most frequent values and ranges.

        Call it before filtering. Returns counts, models, fields, rerankers and jobs.
        """
        return reply(await collections_answer(resift, collection, ReplyBudget(MAX_REPLY_TOKENS)))

    return make_tool(list_collections, title="List collections", annotations=READS_ONLY)


async def collections_answer(resift: Resift, collection: str, budget: ReplyBudget) -> dict[str, Any]:
    """Return what is to be told of all collections, or of one with its fields; what does not fit is counted."""
    collections = [_collection(each) for each in await resift.collections(collection)]
    fields = await resift.fields(collection) if collection not in ("", EVERY_COLLECTION) else []
    background = Background(resift)
    jobs = [job_entry(each) for each in await background.all(collection) if not each.is_told]
    jobs += [{"id": each.id, "state": "unreadable", "error": each.problem} for each in await background.unreadable()]
    answer: dict[str, Any] = {
        "collections": [],
        "fields": [],
        "rerankers": resift.rerankers,
        "jobs": [],
        "left_out": 0,
    }
    budget.take(answer)
    details = list(map(_field, fields))
    for key, entries in (("jobs", jobs), ("collections", collections), ("fields", details)):
        for entry in entries:
            if budget.admit(entry):
                answer[key].append(entry)
            else:
                answer["left_out"] += 1
    return answer


def _collection(summary: CollectionSummary) -> dict[str, Any]:
    return {
        "name": summary.name,
        **({} if summary.documents is None else {"documents": summary.documents}),
        "passages": summary.passages,
        "encoder": summary.encoder,
        "fields": list(summary.fields),
        "problem": summary.problem[:MAX_PROBLEM_CHARACTERS],
    }


def _field(summary: FieldSummary) -> dict[str, Any]:
    shown = [
        {"value": value[:MAX_VALUE_CHARACTERS] if isinstance(value, str) else value, "passages": count}
        for value, count in summary.values
    ]
    known = {} if summary.range is None else {"range": list(summary.range)}
    return {"name": summary.name, "type": summary.type, "values": shown, **known}
