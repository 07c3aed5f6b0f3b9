"""The tool that puts passages in order by an instruction, with a language model."""

from typing import Annotated

from mcp.server.mcpserver.tools import Tool
from pydantic import Field

from ..rerank.listwise import Listwise
from ..rerank.wishes import Wish
from .arguments import Limit, Query
from .boundary import READS_ONLY, make_tool
from .rerank import MAX_PASSAGES, PassageInput, read_passages
from .results import MAX_REPLY_TOKENS, SameRankingReply, ranking_reply
from .services import Services


def rerank_with_llm(services: Services, listwise: Listwise) -> Tool:
    """Return the tool."""

    async def rerank_with_llm(
        query: Query,
        passages: Annotated[
            list[str | PassageInput],
            Field(
                description=f"1-{MAX_PASSAGES} texts, or {{id, text, title, source, date}}; the first 100 are ordered"
            ),
        ],
        instruction: Annotated[str, Field(description="What counts, in your words")] = "",
        template: Annotated[str, Field(description=", ".join(listwise.templates))] = "relevance",
        limit: Limit = 10,
    ) -> SameRankingReply:
        """Order passages by an instruction that a fixed model cannot take, with a language model; slow, costs tokens.

        Use it on few passages that are likely already, such as the hits of search_and_rerank. Comes back as from
        rerank, with `notes` on what failed: then `degraded` is true and the order is yours.
        """
        wish = Wish(template, instruction.strip())
        page = await services.pipeline.order(query, read_passages(passages), listwise.by(wish), limit=limit)
        return ranking_reply(page, full=False, max_tokens=MAX_REPLY_TOKENS)

    return make_tool(rerank_with_llm, title="Rerank with a language model", annotations=READS_ONLY)
