"""Clients of the SDK speak to `resift serve --http` as users run it: a process on a port, with a token."""

from collections.abc import AsyncGenerator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import httpx2
import pytest
from mcp.client import Client
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.exceptions import MCPError
from mcp.types import INVALID_PARAMS

from resift.server.http.bearer import new_token
from resift.tests.server.processes import TIMEOUT_S, http_server
from resift.tests.tools.test_confirmation import YES, User

pytestmark = [pytest.mark.anyio, pytest.mark.slow]

WRITER = new_token("writer", write=True)
ERAS = {"auto": "2026-07-28", "legacy": "2025-11-25"}


@pytest.fixture
def url(tmp_path: Path) -> Iterator[str]:
    (tmp_path / "pump.md").write_text("# Pump\n\nThe pump hums at night because its bearing is worn.\n")
    (tmp_path / "lamp.md").write_text("# Lamp\n\nThe lamp flickers when its contact is loose.\n")
    with http_server(tmp_path, {"RESIFT_HTTP__TOKENS": f"[{WRITER.row.model_dump_json()}]"}) as served:
        yield served


@asynccontextmanager
async def connect(url: str, mode: str, token: str = WRITER.token, **options: Any) -> AsyncGenerator[Client]:
    headers = {"Authorization": f"Bearer {token}"}
    with anyio.fail_after(TIMEOUT_S):
        async with (
            httpx2.AsyncClient(headers=headers, timeout=TIMEOUT_S) as http_client,
            Client(streamable_http_client(url, http_client=http_client), mode=mode, **options) as client,
        ):
            yield client


@pytest.mark.parametrize("mode", ERAS)
async def test_client_does_the_whole_story_over_http(url: str, mode: str) -> None:
    heard: list[tuple[float, float | None, str | None]] = []

    async def hear(progress: float, total: float | None, message: str | None) -> None:
        heard.append((progress, total, message))

    async with connect(url, mode) as client:
        assert client.protocol_version == ERAS[mode]
        assert len((await client.list_tools()).tools) == 7
        given = {"paths": ["."], "glob": "*.md"}
        taken = _structured(await client.call_tool("ingest_documents", given, progress_callback=hear))
        found = _structured(await client.call_tool("search_and_rerank", {"query": "why does the pump make a noise"}))
        hit = found["hits"][0]
        read = _structured(await client.call_tool("read_document", {"passage_id": hit["passage_id"]}))
        refused = await client.call_tool("hybrid_search", {"query": "x", "collection": "nowhere"})
        with pytest.raises(MCPError, match="There is no tool 'searhc'") as unknown:
            await client.call_tool("searhc", {})
        prompt = await client.get_prompt("answer_from_documents", {"query": "who hums?"})
        gone = _structured(await client.call_tool("delete_documents", {"collection": "default", "everything": True}))

    assert taken["added"] == 2
    assert heard
    assert hit["source"] == "pump.md:1-3"
    assert "bearing" in read["passages"][0]["text"]
    assert refused.is_error
    assert unknown.value.code == INVALID_PARAMS
    assert "who hums?" in prompt.messages[0].content.model_dump()["text"]
    assert gone["documents"] == 2


@pytest.mark.parametrize("mode", ERAS)
async def test_client_that_gives_a_call_up_and_leaves_does_not_disturb_the_others(url: str, mode: str) -> None:
    documents = [{"id": f"d{number}", "text": f"Bolt {number} holds bracket {number}. " * 40} for number in range(300)]
    async with connect(url, mode) as other:
        async with connect(url, mode) as client:
            with anyio.CancelScope() as scope:

                async def leave(progress: float, total: float | None, message: str | None) -> None:
                    scope.cancel()

                await client.call_tool("ingest_documents", {"documents": documents}, progress_callback=leave)
        assert scope.cancelled_caught
        taken = await other.call_tool("ingest_documents", {"documents": documents[:2], "collection": "other"})
        assert _structured(taken)["added"] == 2
        found = await other.call_tool("hybrid_search", {"query": "bracket 1", "collection": "other"})
        assert {hit["document_id"] for hit in _structured(found)["hits"]} == {"d0", "d1"}


@pytest.mark.parametrize("mode", ERAS)
async def test_client_shows_its_user_why_it_is_refused(url: str, mode: str) -> None:
    with pytest.RaisesGroup(MCPError, flatten_subgroups=True) as refused:
        async with connect(url, mode, token="guessed") as client:
            await client.list_tools()
    assert "The token is not known to this server" in repr(refused.value)


@pytest.mark.parametrize(("mode", "questions"), [("auto", 1), ("legacy", 0)])
async def test_question_before_a_deletion_goes_over_http_where_the_protocol_allows_it(
    url: str, mode: str, questions: int
) -> None:
    user = User(YES)
    documents = [{"id": f"d{number}", "text": f"Bolt {number}"} for number in range(15)]
    ids = [each["id"] for each in documents[1:]]
    async with connect(url, mode, elicitation_callback=user) as client:
        await client.call_tool("ingest_documents", {"documents": documents})
        gone = await client.call_tool("delete_documents", {"collection": "default", "document_ids": ids})
    assert (
        len(user.questions) == questions
    )  # the older protocol asks on a connection, and here each request stands alone
    assert _structured(gone)["documents"] == 14


def _structured(result: Any) -> dict[str, Any]:
    assert not result.is_error, result.content
    return result.structured_content
