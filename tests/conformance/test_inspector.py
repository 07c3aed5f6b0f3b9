"""The MCP inspector lists and calls Resift's tools over stdio and over HTTP, in both generations of the protocol."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from resift.server.mcp.assembly import TOOLS
from resift.tests.conformance.node import INSPECTOR, needs_node, run_node
from resift.tests.server.processes import COMMAND, environment, http_server

pytestmark = [pytest.mark.slow, needs_node]

TOOL_FAILED = 5
"""The exit code for a result that is an error."""


class Inspector:
    """The command line of the inspector, with one server in its configuration."""

    def __init__(self, home: Path, server: dict[str, Any], era: str) -> None:
        self._home = home
        config = home / "servers.json"
        config.write_text(json.dumps({"mcpServers": {"resift": server}}), encoding="utf-8")
        self._options = ("--cli", "--config", str(config), "--server", "resift", "--protocol-era", era, "--quiet")

    def ask(self, method: str, *options: str) -> dict[str, Any]:
        """Return the result of a request."""
        done = run_node(self._home, INSPECTOR, *self._options, "--method", method, *options)
        result: dict[str, Any] = json.loads(done.stdout) if done.stdout else {}
        assert done.returncode == (TOOL_FAILED if result.get("isError") else 0), done.stderr
        return result

    def call(self, tool: str, **arguments: Any) -> dict[str, Any]:
        """Return the result of a tool."""
        given = json.dumps(arguments)
        return self.ask("tools/call", "--tool-name", tool, "--tool-args-json", given)


@pytest.fixture(params=["stdio", "http"])
def server(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[dict[str, Any]]:
    if request.param == "stdio":
        env = environment(tmp_path)
        yield {"type": "stdio", "command": COMMAND[0], "args": [*COMMAND[1:], "serve"], "env": env}
        return
    with http_server(tmp_path) as url:
        yield {"type": "streamable-http", "url": url}


@pytest.mark.parametrize("era", ["legacy", "modern"])
def test_inspector_lists_and_calls_the_tools(tmp_path: Path, server: dict[str, Any], era: str) -> None:
    inspector = Inspector(tmp_path, server, era)

    listed = inspector.ask("tools/list", "--strict")  # fails if a schema could not be used by some client
    taken = inspector.call("ingest_documents", documents=[{"id": "pump", "text": "The pump hums."}, {"text": "Lamps."}])
    found = inspector.call("search_and_rerank", query="which device hums?", limit=1)
    refused = inspector.call("hybrid_search", query="")
    prompt = inspector.ask("prompts/get", "--prompt-name", "answer_from_documents", "--prompt-args", "query=who?")

    assert [tool["name"] for tool in listed["tools"]] == list(TOOLS)
    assert taken["structuredContent"]["added"] == 2
    assert [hit["document_id"] for hit in found["structuredContent"]["hits"]] == ["pump"]
    assert json.loads(found["content"][0]["text"]) == found["structuredContent"]
    assert refused["isError"] is True
    assert "query is empty" in refused["content"][0]["text"]
    assert "who?" in prompt["messages"][0]["content"]["text"]
