"""The tool by which agents report which hits they used; only if the settings enable it."""

from typing import Annotated

from mcp.server.mcpserver.tools import Tool
from mcp.types import CallToolResult, ToolAnnotations
from pydantic import BaseModel, Field

from ..api.resift import Resift
from .boundary import make_tool
from .results import reply


class FeedbackResult(BaseModel):
    """How many hits were reported."""

    used: int
    not_used: int


def record_feedback(resift: Resift) -> Tool:
    """Return the tool."""

    async def record_feedback(
        search_id: Annotated[str, Field(description="From search_and_rerank")],
        used: Annotated[list[str], Field(description="passage_ids that helped to answer")] = [],
        not_used: Annotated[list[str], Field(description="passage_ids that did not")] = [],
    ) -> Annotated[CallToolResult, FeedbackResult]:
        """Report which hits you used in your answer, to tune the ranking.

        Call it once, after answering. Returns how many were recorded.
        """
        await resift.record_feedback(search_id, used=used, not_used=not_used)
        return reply({"used": len(used), "not_used": len(not_used)})

    return make_tool(
        record_feedback,
        title="Record feedback",
        annotations=ToolAnnotations(
            read_only_hint=False, destructive_hint=False, idempotent_hint=True, open_world_hint=False
        ),
    )
