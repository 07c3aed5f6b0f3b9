"""HTTP and stdio clients work on one data folder at the same time: what they add is there once, and found at once."""

import itertools
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import pytest
from mcp.client import Client
from mcp.client.stdio import StdioServerParameters, stdio_client

from resift.tests.server.processes import COMMAND, TIMEOUT_S, environment, http_server

pytestmark = [pytest.mark.anyio, pytest.mark.slow]

HTTP_CLIENTS, STDIO_CLIENTS, ROUNDS = 16, 4, 2
MODES = itertools.cycle(["auto", "legacy"])


@asynccontextmanager
async def connect(target: str | StdioServerParameters, mode: str) -> AsyncGenerator[Client]:
    async with Client(target if isinstance(target, str) else stdio_client(target), mode=mode) as client:
        yield client


async def test_many_clients_lose_and_double_nothing(tmp_path: Path) -> None:
    relay = StdioServerParameters(command=COMMAND[0], args=[*COMMAND[1:], "serve"], env=environment(tmp_path))
    names = [f"client{number}" for number in range(HTTP_CLIENTS + STDIO_CLIENTS)]
    with anyio.fail_after(4 * TIMEOUT_S):
        with http_server(tmp_path) as url:
            targets = [url] * HTTP_CLIENTS + [relay] * STDIO_CLIENTS
            async with anyio.create_task_group() as group:
                for name, target, mode in zip(names, targets, MODES, strict=False):
                    group.start_soon(_work, name, target, mode)
            async with connect(url, "auto") as client:
                await _check(client, names)
                listed = await _call(client, "list_collections")
                assert listed["collections"][0]["documents"] == len(names) * ROUNDS + 1
        with http_server(tmp_path) as url:
            async with connect(url, "auto") as client:
                assert await _call(client, "list_collections") == listed


async def _work(name: str, target: str | StdioServerParameters, mode: str) -> None:
    """Add documents, change them, and find each of them at once, while the others do the same."""
    async with connect(target, mode) as client:
        for step in range(ROUNDS):
            documents = [
                {"id": f"{name}-{step}", "text": _text(name, step)},
                {"id": "shared", "text": _text(name[::-1], step)},
            ]
            taken = await _call(client, "ingest_documents", documents=documents)
            assert taken["failed"] == 0
            asked = {"query": f"which sensor has {name}x{step}", "limit": 3}
            found = await _call(client, "hybrid_search", **asked)
            await _call(client, "search_and_rerank", depth=5, **asked)
            assert f"{name}-{step}" in {hit["document_id"] for hit in found["hits"]}
        await _call(client, "ingest_documents", documents=[{"id": f"{name}-0", "text": f"{name} has been moved."}])


def _text(name: str, step: int) -> str:
    """Return a text of several passages that holds a word of its own."""
    return "\n\n".join(f"Sensor {name}x{step} showed {day * 7} degrees on day {day}." for day in range(30))


async def _check(client: Client, names: list[str]) -> None:
    """Check that each document is there as it was last written, once."""
    for name in names:
        for step in range(ROUNDS):
            read = await _call(client, "read_document", document_id=f"{name}-{step}", max_tokens=4_000)
            texts = [passage["text"] for passage in read["passages"]]
            assert len(texts) == len(set(texts)) == read["passages_in_all"]
            assert (texts == [f"{name} has been moved."]) == (step == 0)
            assert step == 0 or len(texts) > 1
            assert all(name in text for text in texts)
    shared = await _call(client, "read_document", document_id="shared", max_tokens=4_000)
    assert len({passage["text"].split()[1] for passage in shared["passages"]}) == 1


async def _call(client: Client, tool: str, **arguments: Any) -> dict[str, Any]:
    result = await client.call_tool(tool, arguments)
    assert not result.is_error, result.content
    assert result.structured_content is not None
    return result.structured_content
