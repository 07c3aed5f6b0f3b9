"""The tool that puts passages in order by an instruction, with a language model."""

from typing import Annotated

from mcp.server.mcpserver.tools import Tool
from pydantic import Field

from ..pipeline.question import clean
from ..rerank.llm.instructions import Wish
from ..rerank.llm.listwise import Listwise
from .arguments import Limit, Query
from .boundary import READS_ONLY, make_tool
from .rerank import PassageInput, read_passages
from .results import MAX_REPLY_TOKENS, SameRankingReply, ranking_reply
from .services import Services


def rerank_with_llm(services: Services, listwise: Listwise) -> Tool:
    """Return the tool."""

    async def rerank_with_llm(
        query: Query,
        passages: Annotated[
            list[str | PassageInput],
            Field(description="The first 100 are ordered"),
        ],
        instruction: Annotated[str, Field(description="What counts")] = "",
        template: Annotated[str, Field(description=", ".join(listwise.templates))] = "",
        limit: Limit = 10,
    ) -> SameRankingReply:
        """Order few, likely passages by an instruction, with a language model; slow, costs tokens.

        Comes back as from rerank; where `degraded` is true the order is yours.
        """
        wish = Wish(template or listwise.default_template, clean(instruction))
        page = await services.pipeline.order(query, read_passages(passages), listwise.by(wish), limit=limit)
        return ranking_reply(page, full=False, max_tokens=MAX_REPLY_TOKENS)

    return make_tool(rerank_with_llm, title="Rerank with an LLM", annotations=READS_ONLY)
