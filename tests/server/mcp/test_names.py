"""A call of a tool or prompt that does not exist is an invalid request, as the protocol says; the log stays quiet."""

import logging

import pytest
from mcp.client import Client
from mcp.shared.exceptions import MCPError
from mcp.types import INVALID_PARAMS

from resift.factories.engine import Engine
from resift.server.mcp.assembly import create_server

pytestmark = pytest.mark.anyio


@pytest.fixture(params=["auto", "legacy"])
def mode(request: pytest.FixtureRequest) -> str:
    return str(request.param)


async def test_unknown_tool_is_an_invalid_request(engine: Engine, mode: str) -> None:
    async with Client(create_server(engine), mode=mode) as client:
        with pytest.raises(MCPError, match=r"no tool 'rerang'\. Did you mean 'rerank'\? `tools/list`") as refused:
            await client.call_tool("rerang", {})
    assert refused.value.code == INVALID_PARAMS


@pytest.mark.parametrize(
    ("name", "arguments", "message"),
    [
        ("relevant", {"query": "why?"}, r"no prompt 'relevant'\. Did you mean 'relevance'\? `prompts/list`"),
        ("relevance", None, r"The prompt 'relevance' needs the argument query\."),
        ("relevance", {"instruction": "x"}, r"The prompt 'relevance' needs the argument query\."),
        (
            "relevance",
            {"query": "x", "passage": "a"},
            r"The prompt 'relevance' has no argument 'passage'\. Did you mean 'passages'\? It has: query, in",
        ),
        (
            "answer_from_documents",
            {"query": "x", "language": "en"},
            r"no argument 'language'\. It has: query, c",
        ),
        ("relevance", {"query": " "}, r"The prompt 'relevance' needs a query\. Give it as `query`\."),
    ],
)
async def test_prompt_that_cannot_be_made_is_an_invalid_request(
    engine: Engine,
    caplog: pytest.LogCaptureFixture,
    mode: str,
    name: str,
    arguments: dict[str, str] | None,
    message: str,
) -> None:
    async with Client(create_server(engine), mode=mode) as client:
        with pytest.raises(MCPError, match=message) as refused:
            await client.get_prompt(name, arguments)
    assert refused.value.code == INVALID_PARAMS
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]
