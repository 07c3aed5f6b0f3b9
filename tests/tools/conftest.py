"""Clients of both protocol eras over one engine."""

from collections.abc import AsyncIterator

import pytest
from mcp.client import Client

from resift.factories.engine import Engine
from resift.server.mcp.assembly import create_server
from resift.tests.tools.asking import Asker

ERAS = {"auto": "2026-07-28", "legacy": "2025-11-25"}


@pytest.fixture(params=ERAS)
def era(request: pytest.FixtureRequest) -> str:
    return str(request.param)


async def _connect(engine: Engine, era: str) -> AsyncIterator[Asker]:
    async with Client(create_server(engine), mode=era) as client:
        assert client.protocol_version == ERAS[era]
        listed = await client.list_tools()
        yield Asker(client, {tool.name: tool for tool in listed.tools})


@pytest.fixture
async def tools(engine: Engine, era: str) -> AsyncIterator[Asker]:
    """The tools over an engine that the test module fills."""
    async for asker in _connect(engine, era):
        yield asker


@pytest.fixture
async def reader(engine_with_documents: Engine, era: str) -> AsyncIterator[Asker]:
    """The tools over four documents that stay as they are."""
    async for asker in _connect(engine_with_documents, era):
        yield asker


@pytest.fixture
async def newest(engine: Engine) -> AsyncIterator[Asker]:
    """The tools over an engine that the test module fills, in the newest era only: for what takes long."""
    async for asker in _connect(engine, "auto"):
        yield asker
