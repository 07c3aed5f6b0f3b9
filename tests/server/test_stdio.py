"""`resift serve` as clients start it: a process on pipes."""

import json
import signal
from collections.abc import Iterator
from pathlib import Path

import anyio
import pytest
from mcp.client import Client
from mcp.client.stdio import StdioServerParameters, stdio_client
from mcp.types import CallToolResult, TextContent

from resift.tests.server.processes import COMMAND, TIMEOUT_S, RawServer, environment

pytestmark = pytest.mark.anyio


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "pump.md").write_text("# Pump\n\nThe pump hums at night because its bearing is worn.\n")
    (tmp_path / "lamp.md").write_text("# Lamp\n\nThe lamp flickers when its contact is loose.\n")
    return tmp_path


@pytest.fixture
def server(folder: Path) -> Iterator[RawServer]:
    started = RawServer(folder)
    yield started
    started.process.kill()
    started.process.communicate()


def _text(result: CallToolResult) -> str:
    assert isinstance(result.content[0], TextContent)
    return result.content[0].text


@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_client_does_the_whole_story_over_pipes(folder: Path, mode: str) -> None:
    parameters = StdioServerParameters(
        command=COMMAND[0], args=[*COMMAND[1:], "serve"], env=environment(folder), cwd=folder
    )
    with anyio.fail_after(TIMEOUT_S):
        async with Client(stdio_client(parameters), mode=mode) as client:
            assert len((await client.list_tools()).tools) == 7
            taken = await client.call_tool("ingest_documents", {"paths": ["."], "glob": "*.md"})
            assert json.loads(_text(taken))["added"] == 2
            found = await client.call_tool("search_and_rerank", {"query": "why does the pump make a noise"})
            assert json.loads(_text(found)) == found.structured_content
            hit = json.loads(_text(found))["hits"][0]
            assert hit["source"] == "pump.md:1-3"
            read = await client.call_tool("read_document", {"passage_id": hit["passage_id"]})
            assert "bearing" in _text(read)
            refused = await client.call_tool("hybrid_search", {"query": "x", "collection": "nowhere"})
            assert refused.is_error
            gone = await client.call_tool("delete_documents", {"collection": "default", "everything": True})
            assert json.loads(_text(gone))["documents"] == 2


def test_stdout_carries_only_the_protocol_even_when_tools_fail(server: RawServer, folder: Path) -> None:
    (folder / "broken.html").write_bytes(b"\0\1\2")
    assert server.structured("ingest_documents", {"paths": ["."]})["added"] == 2
    for name, arguments in (
        ("search_and_rerank", {"query": ""}),
        ("hybrid_search", {"query": "x", "collection": "nowhere"}),
        ("rerank", {"passages": 3}),
        ("ingest_documents", {"paths": ["x" * 100_000]}),
        ("nothing", {}),
    ):
        answer = server.request("tools/call", {"name": name, "arguments": arguments})
        assert answer.get("error") or answer["result"]["isError"] or answer["result"]["structuredContent"]["failed"]
    server.call("search_and_rerank", {"query": "pump"})
    assert server.end() == 0
    for line in server.lines:
        assert json.loads(line)["jsonrpc"] == "2.0"


def test_second_client_on_a_data_directory_sees_what_the_first_one_writes(server: RawServer, folder: Path) -> None:
    second = RawServer(folder)
    try:
        server.call("ingest_documents", {"paths": ["pump.md"]})
        assert second.structured("search_and_rerank", {"query": "pump"})["hits"]
        second.call("ingest_documents", {"paths": ["lamp.md"]})
    finally:
        assert second.end() == 0
    assert len(server.structured("search_and_rerank", {"query": "pump"})["hits"]) == 2


@pytest.mark.slow
@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_server_in_one_process_answers_the_call_in_flight_before_a_signal_ends_it(
    folder: Path, how: signal.Signals
) -> None:
    server = RawServer(folder, None, "--in-process")
    passages = [f"Pump {number} hums at night because its bearing is worn." for number in range(60)]
    call = server.send("tools/call", {"name": "rerank", "arguments": {"query": "what hums", "passages": passages}})
    server.request("ping", {})
    server.process.send_signal(how)
    assert server.process.stdout is not None
    lines = [*server.lines, *server.process.stdout]  # to the end, although stdin is still open
    [answer] = [message for message in map(json.loads, lines) if message.get("id") == call]
    assert answer["result"]["structuredContent"]["hits"]
    assert server.end() == 0
    assert not (folder / "data" / "owner.json").exists()


@pytest.mark.slow
def test_server_in_one_process_keeps_the_data_directory_and_gives_it_back(folder: Path) -> None:
    alone = RawServer(folder, None, "--in-process")
    alone.call("ingest_documents", {"paths": ["pump.md"]})
    other = RawServer(folder, None, "--in-process")
    try:
        answer = other.call("search_and_rerank", {"query": "pump"})
        assert answer["isError"]
        assert f"in use by process {alone.process.pid} (" in answer["content"][0]["text"]
        assert alone.end() == 0
        assert other.structured("search_and_rerank", {"query": "pump"})["hits"]
    finally:
        assert other.end() == 0
    assert not (folder / "data" / "owner.json").exists()
