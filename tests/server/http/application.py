"""The HTTP application in this process, with settings of its own, and a client that speaks to it."""

import json
import shutil
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx

from resift.factories.engine import Engine, build_engine
from resift.server.http.application import create_app
from resift.server.http.bearer import NewToken, new_token
from resift.settings.load import load_settings

URL = "http://localhost:8848"
MCP = {"Content-Type": "application/json", "Accept": "application/json, text/event-stream"}
READER = new_token("reader", write=False)
WRITER = new_token("writer", write=True)
OTHER = new_token("other", write=True, collections=["other"])


def bearer(token: NewToken) -> dict[str, str]:
    return {"Authorization": f"Bearer {token.token}"}


def rows(*tokens: NewToken) -> list[dict[str, Any]]:
    return [each.row.model_dump() for each in tokens]


def engine_of(folder: Path, **settings: Any) -> Engine:
    return build_engine(load_settings(data_dir=folder / "data", **settings))


@asynccontextmanager
async def client_of(engine: Engine, **headers: str) -> AsyncGenerator[httpx.AsyncClient]:
    """Yield a client of the application over an engine, which is closed at the end."""
    app = create_app(engine)
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    try:
        async with (
            app.router.lifespan_context(app),
            httpx.AsyncClient(transport=transport, base_url=URL, headers=headers) as client,
        ):
            yield client
    finally:
        await engine.close()


@asynccontextmanager
async def client_with_documents(
    ingested: Path, folder: Path, *, headers: dict[str, str] | None = None, **settings: Any
) -> AsyncGenerator[httpx.AsyncClient]:
    """Yield a client of an application whose collection "default" holds the test documents."""
    engine = engine_of(shutil.copytree(ingested, folder / "root"), **settings)
    async with client_of(engine, **(headers or {})) as client:
        yield client


async def ask(client: httpx.AsyncClient, method: str, params: Any = None, **headers: str) -> dict[str, Any]:
    """Send an MCP request and return the answer."""
    message: dict[str, Any] = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params or {}}
    return answer_in(await client.post("/mcp", json=message, headers={**MCP, **headers}))


def answer_in(response: httpx.Response) -> dict[str, Any]:
    """Return the JSON-RPC answer of a response, whether it is JSON or a stream of events."""
    assert response.status_code == 200, response.text
    if response.headers["content-type"].startswith("application/json"):
        return response.json()
    [*_, last] = [line for line in response.text.splitlines() if line.startswith("data: ")]
    return json.loads(last.removeprefix("data: "))


async def call(client: httpx.AsyncClient, tool: str, arguments: dict[str, Any], **headers: str) -> dict[str, Any]:
    """Call a tool and return its result."""
    return (await ask(client, "tools/call", {"name": tool, "arguments": arguments}, **headers))["result"]
