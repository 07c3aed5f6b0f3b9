"""The story as a client of the SDK's first generation tells it; run by the interpreter that has that SDK.

Arguments: the data folder, then the command of the server. Prints what it saw as JSON.
"""

# pyright: basic, reportAttributeAccessIssue=false

import json
import sys
from importlib.metadata import version

import anyio
from mcp import ClientSession, StdioServerParameters
from mcp.client.stdio import stdio_client


async def tell(environment: dict[str, str], command: list[str]) -> dict[str, object]:
    parameters = StdioServerParameters(command=command[0], args=command[1:], env=environment)
    async with stdio_client(parameters) as (read, write), ClientSession(read, write) as session:
        start = await session.initialize()
        tools = await session.list_tools()
        documents = [{"text": "The pump hums.", "id": "pump"}, {"text": "The lamp flickers.", "id": "lamp"}]
        taken = await session.call_tool("ingest_documents", {"documents": documents})
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
            "found": found.structuredContent,
            "found_text": json.loads(found.content[0].text),
            "read": read_back.structuredContent,
            "ranked": ranked.structuredContent,
            "refused": [refused.isError, refused.content[0].text],
            "gone": gone.structuredContent,
        }


if __name__ == "__main__":
    print(json.dumps(anyio.run(tell, json.loads(sys.argv[1]), sys.argv[2:])))  # noqa: T201
