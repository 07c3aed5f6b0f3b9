"""The tool that deletes documents, or a whole collection."""

from collections.abc import Sequence
from itertools import takewhile
from typing import Annotated, Any

from mcp.server.mcpserver.tools import Tool
from mcp.types import CallToolResult, ToolAnnotations
from pydantic import BaseModel, Field

from ..api.requests import MAX_NAME_CHARACTERS, DeleteRequest
from ..api.resift import Resift
from ..ingest.removal import Removed
from .boundary import make_tool
from .results import MAX_REPLY_TOKENS, ReplyBudget, reply

MAX_MISSING_SHOWN = 100


class DeleteResult(BaseModel):
    """What was deleted."""

    collection: str
    documents: int
    passages: int
    missing: Annotated[list[str], Field(description="Ids that do not exist")]
    dropped: bool
    notes: list[str]


def delete_documents(resift: Resift) -> Tool:
    """Return the tool."""

    async def delete_documents(**arguments: Any) -> Annotated[CallToolResult, DeleteResult]:
        """Delete documents from a collection, by id, by metadata filter, or all of them.

        Files on disk are not touched. Returns how many were deleted. A call that would leave nothing is refused unless
        `everything` is true.
        """
        removed = await resift.delete(**arguments)
        return reply(delete_answer(arguments["collection"], removed, dropped=arguments["everything"]))

    return make_tool(
        delete_documents,
        title="Delete documents",
        annotations=ToolAnnotations(
            read_only_hint=False, destructive_hint=True, idempotent_hint=True, open_world_hint=False
        ),
        arguments=DeleteRequest,
    )


def delete_answer(collection: str, removed: Removed, *, dropped: bool) -> dict[str, Any]:
    """Return what is to be told of a deletion; `dropped` says that the whole collection is gone."""
    missing = _fitting(removed.missing)
    more = len(removed.missing) - len(missing)
    return {
        "collection": collection,
        "documents": removed.documents,
        "passages": removed.passages,
        "missing": missing,
        "dropped": dropped,
        "notes": [*removed.notes, *([f"{more:,} more ids do not exist."] if more else [])],
    }


def _fitting(ids: Sequence[str]) -> list[str]:
    budget = ReplyBudget(MAX_REPLY_TOKENS - 500)  # the counts need little
    return list(takewhile(budget.admit, (each[:MAX_NAME_CHARACTERS] for each in ids[:MAX_MISSING_SHOWN])))
