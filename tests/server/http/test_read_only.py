"""Read-only tokens and servers: the tools that change something are neither listed nor run."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from mcp import Client

from resift.api.caller import CALLER, Caller
from resift.server.mcp.assembly import create_server
from resift.tests.server.http.application import (
    READER,
    WRITER,
    ask,
    bearer,
    call,
    client_of,
    client_with_documents,
    engine_of,
    rows,
)

pytestmark = pytest.mark.anyio

READING = ["search_and_rerank", "hybrid_search", "rerank", "read_document", "list_collections"]
WRITING = ["ingest_documents", "delete_documents"]
TOKENS: dict[str, Any] = {"tokens": rows(READER, WRITER)}


@pytest.fixture
async def client(ingested: Path, tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    async with client_with_documents(ingested, tmp_path, http=TOKENS) as opened:
        yield opened


async def _listed(client: httpx.AsyncClient, **headers: str) -> list[str]:
    return [each["name"] for each in (await ask(client, "tools/list", None, **headers))["result"]["tools"]]


async def test_token_that_may_only_read_is_not_offered_the_tools_that_write(client: httpx.AsyncClient) -> None:
    assert await _listed(client, **bearer(READER)) == READING
    assert await _listed(client, **bearer(WRITER)) == READING + WRITING


async def test_token_that_may_only_read_changes_nothing(client: httpx.AsyncClient) -> None:
    everything = {"collection": "default", "everything": True}
    refused = await call(client, "delete_documents", everything, **bearer(READER))
    assert refused["isError"]
    assert "this connection may only read. Nothing was changed." in refused["content"][0]["text"]
    left = (await call(client, "list_collections", {}, **bearer(READER)))["structuredContent"]["collections"]
    assert [each["documents"] for each in left] == [4]


async def test_token_that_may_write_adds_documents(client: httpx.AsyncClient) -> None:
    document = {"id": "pump", "text": "The pump hums when the fuel filter is clogged."}
    report = await call(client, "ingest_documents", {"documents": [document]}, **bearer(WRITER))
    assert report["structuredContent"]["added"] == 1


async def test_read_only_server_offers_no_tool_that_writes_to_anybody(tmp_path: Path) -> None:
    async with client_of(engine_of(tmp_path, http=TOKENS, read_only=True)) as client:
        assert await _listed(client, **bearer(WRITER)) == READING
        refused = await call(client, "ingest_documents", {"paths": ["."]}, **bearer(WRITER))
        assert refused["isError"]
        documents = {"documents": [{"id": "pump", "text": "The pump hums."}]}
        assert (await client.post("/v1/documents", json=documents, headers=bearer(WRITER))).status_code == 403


@pytest.mark.parametrize("read_only", [False, True])
async def test_caller_who_may_only_read_gives_feedback(ingested: Path, tmp_path: Path, read_only: bool) -> None:
    async with client_with_documents(ingested, tmp_path, http=TOKENS, feedback=True, read_only=read_only) as client:
        assert await _listed(client, **bearer(READER)) == [*READING, "record_feedback"]
        question = {"query": "brake pads", "reranker": "none"}
        found = (await call(client, "search_and_rerank", question, **bearer(READER)))["structuredContent"]
        told = {"search_id": found["search_id"], "used": [found["hits"][0]["passage_id"]]}
        answer = await call(client, "record_feedback", told, **bearer(READER))
        assert answer["structuredContent"] == {"used": 1, "not_used": 0}


async def test_caller_who_may_only_read_is_offered_no_tool_that_writes_over_stdio(tmp_path: Path) -> None:
    engine = engine_of(tmp_path)
    token = CALLER.set(Caller(may_write=False))
    async with Client(create_server(engine)) as client:
        assert [each.name for each in (await client.list_tools()).tools] == READING
        assert (await client.call_tool("delete_documents", {"everything": True})).is_error
    CALLER.reset(token)
    await engine.close()
