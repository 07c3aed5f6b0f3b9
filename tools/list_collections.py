"""The tool that tells what there is to search."""

from typing import Annotated, Any

from mcp.server.mcpserver.tools import Tool
from mcp.types import CallToolResult
from pydantic import BaseModel, Field

from ..pipeline.overview import Overview, look_at_all, look_at_fields
from .boundary import READS_ONLY, make_tool
from .results import MAX_REPLY_TOKENS, Room, reply
from .services import Services

MAX_VALUE_CHARACTERS = 80
MAX_PROBLEM_CHARACTERS = 500


class CollectionsResult(BaseModel):
    """All collections, or one with its fields."""

    collections: Annotated[
        list[dict[str, Any]],
        Field(description="name, documents, passages, encoder, fields; problem: why it cannot be used"),
    ]
    fields: Annotated[list[dict[str, Any]], Field(description="name, type, the commonest values")]
    rerankers: list[str]
    left_out: int


def list_collections(services: Services) -> Tool:
    """Return the tool."""

    async def list_collections(
        collection: Annotated[str, Field(description="One, in detail; empty: all")] = "",
    ) -> Annotated[CallToolResult, CollectionsResult]:
        """Tell which collections there are; of one, the metadata fields to filter by and their commonest values.

        Call it before filtering. Comes back with counts, models, fields and the rerankers to choose from.
        """
        names = [collection] if collection else await services.store.names()
        overviews = await look_at_all(services.pipeline, names)
        fields = await look_at_fields(await services.pipeline.open(collection)) if collection else []
        answer: dict[str, Any] = {
            "collections": [],
            "fields": [],
            "rerankers": services.pipeline.rerankers,
            "left_out": 0,
        }
        details = [_field(each.name, each.type, each.values) for each in fields]
        return reply(_fill(answer, [_collection(each) for each in overviews], details))

    return make_tool(list_collections, title="List collections", annotations=READS_ONLY)


def _fill(answer: dict[str, Any], collections: list[dict[str, Any]], fields: list[dict[str, Any]]) -> dict[str, Any]:
    room = Room(MAX_REPLY_TOKENS)
    room.take(answer)
    for key, entries in (("collections", collections), ("fields", fields)):
        for entry in entries:
            if room.admit(entry):
                answer[key].append(entry)
            else:
                answer["left_out"] += 1
    return answer


def _collection(overview: Overview) -> dict[str, Any]:
    return {
        "name": overview.name,
        **({} if overview.documents is None else {"documents": overview.documents}),
        "passages": overview.passages,
        "encoder": overview.encoder,
        "fields": list(overview.fields),
        "problem": overview.problem[:MAX_PROBLEM_CHARACTERS],
    }


def _field(name: str, type_: str, values: tuple[tuple[str | int | bool, int], ...]) -> dict[str, Any]:
    shown = [
        {"value": value[:MAX_VALUE_CHARACTERS] if isinstance(value, str) else value, "passages": count}
        for value, count in values
    ]
    return {"name": name, "type": type_, "values": shown}
