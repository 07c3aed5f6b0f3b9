"""The tool that takes documents out again."""

from collections.abc import Sequence
from itertools import takewhile
from typing import Annotated

from mcp.server.mcpserver.tools import Tool
from mcp.types import CallToolResult, ToolAnnotations
from pydantic import BaseModel, Field

from .arguments import SAME, FilterObject
from .boundary import make_tool
from .results import MAX_NAME_CHARACTERS, MAX_REPLY_TOKENS, Room, reply
from .services import Services

MAX_MISSING_SHOWN = 100


class DeleteResult(BaseModel):
    """What went."""

    collection: str
    documents: int
    passages: int
    missing: Annotated[list[str], Field(description="Ids that were not there")]
    dropped: bool


def delete_documents(services: Services) -> Tool:
    """Return the tool."""

    async def delete_documents(
        collection: Annotated[str, Field(description="Which collection")],
        document_ids: Annotated[list[str], Field(description="Ids from hits")] = [],
        filter: Annotated[FilterObject, SAME] = {},
        everything: Annotated[bool, Field(description="Delete the collection itself")] = False,
    ) -> Annotated[CallToolResult, DeleteResult]:
        """Delete documents from a collection, by id, by metadata filter, or all of them.

        Files on disk are not touched. Comes back with how many went. A call that would leave nothing is refused unless
        `everything` is true.
        """
        removed = await services.remover.remove(
            collection, document_ids=document_ids, filter_=filter, everything=everything
        )
        answer = {
            "collection": collection,
            "documents": removed.documents,
            "passages": removed.passages,
            "missing": _shown(removed.missing),
            "dropped": everything,
        }
        return reply(answer)

    return make_tool(
        delete_documents,
        title="Delete documents",
        annotations=ToolAnnotations(
            read_only_hint=False, destructive_hint=True, idempotent_hint=True, open_world_hint=False
        ),
    )


def _shown(ids: Sequence[str]) -> list[str]:
    room = Room(MAX_REPLY_TOKENS - 500)  # the counts need little
    return list(takewhile(room.admit, (each[:MAX_NAME_CHARACTERS] for each in ids[:MAX_MISSING_SHOWN])))
