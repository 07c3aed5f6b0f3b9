"""The tool that reorders passages the caller already has."""

from typing import Any

from mcp.server.mcpserver.tools import Tool

from ..api.requests import RerankRequest
from ..api.resift import Resift
from .boundary import READS_ONLY, make_tool
from .results import MAX_REPLY_TOKENS, SameRankingReply, ranking_reply


def rerank(resift: Resift) -> Tool:
    """Return the tool."""

    async def rerank(**arguments: Any) -> SameRankingReply:
        """Put passages you already have, from any source, in order of relevance to a query.

        For results of other tools; for documents in a collection call search_and_rerank. Returns the best `limit`:
        `passage_id` is the id you gave or the position in your list from 1, `was` that position.
        """
        page = await resift.rerank(**arguments)
        return ranking_reply(page, full=False, max_tokens=MAX_REPLY_TOKENS)

    return make_tool(rerank, title="Rerank passages", annotations=READS_ONLY, arguments=RerankRequest)
