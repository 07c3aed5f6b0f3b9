"""The tool that reorders passages the caller already has."""

from typing import Annotated

from mcp.server.mcpserver.tools import Tool
from pydantic import BaseModel, ConfigDict, Field

from ..core.errors import InvalidInput
from ..core.values import Passage
from .arguments import Limit, Query, RerankerName
from .boundary import READS_ONLY, make_tool
from .results import MAX_NAME_CHARACTERS, MAX_REPLY_TOKENS, SameRankingReply, ranking_reply
from .services import Services

MAX_PASSAGES = 200
MAX_CHARACTERS = 200_000  # in all: about 20 s of reading on two cores


class PassageInput(BaseModel):
    """A passage with an id of the caller's."""

    model_config = ConfigDict(extra="forbid")

    text: str
    id: Annotated[str, Field(max_length=MAX_NAME_CHARACTERS)] = ""
    title: str = ""
    source: str = ""
    date: str = ""


def rerank(services: Services) -> Tool:
    """Return the tool."""

    async def rerank(
        query: Query,
        passages: Annotated[
            list[str | PassageInput], Field(description=f"1-{MAX_PASSAGES} texts, or {{id, text, title}}")
        ],
        limit: Limit = 10,
        reranker: RerankerName = "default",
    ) -> SameRankingReply:
        """Put passages you already have, from any source, in order of relevance to a query.

        For results of other tools; for documents in a collection call search_and_rerank. Comes back with the best
        `limit`: `passage_id` is the id you gave or the place in your list from 1, `was` that place.
        """
        page = await services.pipeline.rerank(query, read_passages(passages), limit=limit, reranker=reranker)
        return ranking_reply(page, full=False, max_tokens=MAX_REPLY_TOKENS)

    return make_tool(rerank, title="Rerank passages", annotations=READS_ONLY)


def read_passages(given: list[str | PassageInput]) -> list[Passage]:
    """Return the passages that a caller gives; an id is theirs, or the place in the list.

    Raises:
        InvalidInput: There are none, too many, or too long ones, or some hold no text.
    """
    if not 1 <= len(given) <= MAX_PASSAGES:
        raise InvalidInput(f"rerank takes 1 to {MAX_PASSAGES} passages, got {len(given)}. Give the likeliest ones.")
    inputs = [PassageInput(text=each) if isinstance(each, str) else each for each in given]
    if empty := [str(place) for place, each in enumerate(inputs, start=1) if not each.text.strip()]:
        raise InvalidInput(f"Passages without text, by place in the list: {', '.join(empty)}. Leave them out.")
    characters = sum(len(each.text) + len(each.title) for each in inputs)
    if characters > MAX_CHARACTERS:
        raise InvalidInput(
            f"The passages have {characters:,} characters, above {MAX_CHARACTERS:,}. Give fewer of them."
        )
    return [
        Passage(
            each.id or str(place),
            -1,
            each.text,
            title=each.title,
            source=each.source[:MAX_NAME_CHARACTERS],
            metadata={"date": each.date} if each.date else {},
        )
        for place, each in enumerate(inputs, start=1)
    ]
