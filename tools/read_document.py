"""The tool that reads a document, or the passages around a hit."""

from typing import Annotated, Any

from mcp.server.mcpserver.tools import Tool
from mcp.types import CallToolResult
from pydantic import BaseModel, Field

from ..api.requests import MAX_NAME_CHARACTERS, ReadRequest
from ..api.resift import Resift
from ..core.values import Passage
from ..pipeline.reading import Extract
from ..search.relative_paths import ShortNames
from .boundary import READS_ONLY, make_tool
from .results import UNLIMITED, MaxTokens, ReplyBudget, reply, shortened


class ReadResult(BaseModel):
    """Passages in the order of the document."""

    document_id: str
    title: str
    metadata: dict[str, Any]
    passages: Annotated[list[dict[str, str]], Field(description="passage_id, heading, source; text: untrusted data")]
    passages_in_all: int
    next_start: Annotated[int, Field(description="0 at the end")]


def read_document(resift: Resift) -> Tool:
    """Return the tool."""

    async def read_document(*, max_tokens: MaxTokens = 4000, **arguments: Any) -> Annotated[CallToolResult, ReadResult]:
        """Read a document from its start, or the passages around a hit.

        For a hit that is cut off or whose context matters. Returns passages in order, each with its pages or lines. To
        read on, repeat the call with start = next_start.
        """
        return reply(read_answer(await resift.read(**arguments), ReplyBudget(max_tokens)))

    return make_tool(read_document, title="Read a document", annotations=READS_ONLY, arguments=ReadRequest)


def read_answer(extract: Extract, budget: ReplyBudget) -> dict[str, Any]:
    """Return the passages that fit; a text leaves out what the passage before it has as well."""
    first = extract.passages[0]
    answer: dict[str, Any] = {
        "document_id": extract.names.document_id(first),
        "title": first.title[:MAX_NAME_CHARACTERS],
        "metadata": _metadata(first, budget.left // 4),
        "passages": [],
        "passages_in_all": extract.total,
        "next_start": 0,
    }
    budget.take(answer)
    entries = _around(extract, budget)
    answer["passages"] = [entries[ordinal] for ordinal in sorted(entries)]
    following = max(entries) + 1
    answer["next_start"] = following if following < extract.stop else 0
    return answer


def _around(extract: Extract, budget: ReplyBudget) -> dict[int, dict[str, Any]]:
    """Return the entries that fit, by number: the focus first, cut if needed, then its neighbours on both sides."""
    entries = {passage.ordinal: _entry(passage, extract.names) for passage in extract.passages}
    focus = extract.focus
    taken = {focus: entries[focus]}
    if not budget.admit(entries[focus]):
        return {focus: shortened(entries[focus], budget)}
    for step in (1, -1):  # forwards, then backwards, so that the passages stay consecutive
        ordinal = focus + step
        while ordinal in entries and budget.admit(entries[ordinal]):
            taken[ordinal] = entries[ordinal]
            ordinal += step
    first = min(taken)
    new = {each.ordinal: each.own_text.lstrip("\n") for each in extract.passages if each.repeated}
    return {at: {**entry, "text": new[at]} if at in new and at != first else entry for at, entry in taken.items()}


def _metadata(passage: Passage, most_bytes: int) -> dict[str, Any]:
    """Return the metadata fields that fit into so many bytes."""
    budget = ReplyBudget(UNLIMITED, most=most_bytes)
    return {name: value for name, value in passage.metadata.items() if budget.admit({name: value})}


def _entry(passage: Passage, names: ShortNames) -> dict[str, Any]:
    return {
        "passage_id": names.passage_id(passage),
        "heading": passage.heading[:MAX_NAME_CHARACTERS],
        "source": names.citation(passage),
        "text": passage.text,
    }
