"""Every version of the protocol that the SDK knows is served over HTTP."""

from pathlib import Path

import pytest
from mcp_types.version import KNOWN_PROTOCOL_VERSIONS

from resift.tests.server.http.application import MCP, answer_in, client_of, engine_of

pytestmark = pytest.mark.anyio

META = "io.modelcontextprotocol/"
CLIENT = {"name": "test", "version": "0"}


async def test_every_version_since_the_first_lists_the_tools(tmp_path: Path) -> None:
    assert {"2024-11-05", "2026-07-28"} <= set(KNOWN_PROTOCOL_VERSIONS)
    async with client_of(engine_of(tmp_path)) as client:
        for version in KNOWN_PROTOCOL_VERSIONS:
            headers = {**MCP, "MCP-Protocol-Version": version, "Mcp-Method": "tools/list"}
            if version < "2026":
                start = {"protocolVersion": version, "capabilities": {}, "clientInfo": CLIENT}
                message = {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": start}
                started = answer_in(await client.post("/mcp", json=message, headers=MCP))
                assert started["result"]["protocolVersion"] == version
            meta = {f"{META}protocolVersion": version, f"{META}clientInfo": CLIENT, f"{META}clientCapabilities": {}}
            message = {"jsonrpc": "2.0", "id": 2, "method": "tools/list", "params": {"_meta": meta}}
            listed = answer_in(await client.post("/mcp", json=message, headers=headers))
            assert len(listed["result"]["tools"]) == 7
