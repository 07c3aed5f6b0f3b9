"""The story as a client of the SDK's first generation tells it; run by the interpreter that has that SDK.

Arguments: the URL of a server and a token, or the environment of a server as JSON and its command. Prints what it saw
as JSON.
"""

# pyright: basic, reportAttributeAccessIssue=false, reportArgumentType=false, reportAssignmentType=false

import json
import sys
from contextlib import asynccontextmanager
from importlib.metadata import version

import anyio
import httpx
from mcp import ClientSession, StdioServerParameters
from mcp.client.stdio import stdio_client
from mcp.client.streamable_http import streamable_http_client


@asynccontextmanager
async def connect(first: str, rest: list[str]):
    if first.startswith("http"):
        async with (
            httpx.AsyncClient(headers={"Authorization": f"Bearer {rest[0]}"}, timeout=60) as http_client,
            streamable_http_client(first, http_client=http_client) as (read, write, _),
            ClientSession(read, write) as session,
        ):
            yield session
    else:
        parameters = StdioServerParameters(command=rest[0], args=rest[1:], env=json.loads(first))
        async with stdio_client(parameters) as (read, write), ClientSession(read, write) as session:
            yield session


async def tell(first: str, rest: list[str]) -> dict[str, object]:
    heard: list[object] = []

    async def hear(progress: float, total: float | None, message: str | None) -> None:
        heard.append([progress, total, message])

    async with connect(first, rest) as session:
        start = await session.initialize()
        tools = await session.list_tools()
        documents = [{"text": "The pump hums.", "id": "pump"}, {"text": "The lamp flickers.", "id": "lamp"}]
        taken = await session.call_tool("ingest_documents", {"documents": documents}, progress_callback=hear)
        found = await session.call_tool("search_and_rerank", {"query": "which device hums?"})
        read_back = await session.call_tool("read_document", {"document_id": "pump"})
        ranked = await session.call_tool("rerank", {"query": "lamp", "passages": ["a pump", "a lamp"]})
        refused = await session.call_tool("hybrid_search", {"query": ""})
        gone = await session.call_tool("delete_documents", {"collection": "default", "document_ids": ["lamp"]})
        return {
            "sdk": version("mcp"),
            "protocol": start.protocolVersion,
            "tools": [tool.name for tool in tools.tools],
            "taken": taken.structuredContent,
            "heard": heard,
            "found": found.structuredContent,
            "found_text": json.loads(found.content[0].text),
            "read": read_back.structuredContent,
            "ranked": ranked.structuredContent,
            "refused": [refused.isError, refused.content[0].text],
            "gone": gone.structuredContent,
        }


if __name__ == "__main__":
    print(json.dumps(anyio.run(tell, sys.argv[1], sys.argv[2:])))  # noqa: T201
