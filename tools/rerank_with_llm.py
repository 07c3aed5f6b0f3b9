"""The tool that orders passages by an instruction, with a language model; only if one is configured."""

from typing import Any

from mcp.server.mcpserver.tools import Tool

from ..api.requests import LlmRerankRequest
from ..api.resift import Resift
from .boundary import READS_ONLY, make_tool
from .results import MAX_REPLY_TOKENS, SameRankingReply, ranking_reply


def rerank_with_llm(resift: Resift) -> Tool:
    """Return the tool."""

    async def rerank_with_llm(**arguments: Any) -> SameRankingReply:
        """Order a few likely passages by an instruction, with a language model; slow, costs tokens.

        Returns the same as rerank; if `degraded` is true the order is yours.
        """
        page = await resift.rerank_with_llm(**arguments)
        return ranking_reply(page, full=False, max_tokens=MAX_REPLY_TOKENS)

    tool = make_tool(rerank_with_llm, title="Rerank with an LLM", annotations=READS_ONLY, arguments=LlmRerankRequest)
    tool.parameters["properties"]["template"]["description"] = ", ".join(resift.templates)
    return tool
