"""Clients over HTTP are not told where the files of the server lie; those on the machine are."""

from pathlib import Path

import pytest
from mcp import Client
from mcp.types import TextContent

from resift.server.mcp.assembly import create_server
from resift.store.edge.data_dir import DirectoryLock
from resift.tests.server.http.application import WRITER, bearer, call, client_of, engine_of, rows

pytestmark = pytest.mark.anyio

BUSY = "The data directory RESIFT_DATA_DIR is in use by process "


async def test_folder_that_is_in_use_is_told_to_clients_over_http_without_its_path(tmp_path: Path) -> None:
    (tmp_path / "data" / "collections" / "notes" / "manifest.json").mkdir(parents=True)
    lock = DirectoryLock(tmp_path / "data")
    lock.acquire()
    engine = engine_of(tmp_path, http={"tokens": rows(WRITER)})
    async with client_of(engine, **bearer(WRITER)) as client:
        plain = await client.get("/v1/collections")
        tool = await call(client, "list_collections", {})
        async with Client(create_server(engine)) as local:
            [block] = (await local.call_tool("list_collections", {})).content
    lock.release()
    assert plain.status_code == 503
    assert plain.json()["message"].startswith(BUSY)
    assert tool["isError"]
    assert tool["content"][0]["text"].startswith(BUSY)
    assert str(tmp_path) not in plain.text + str(tool)
    assert isinstance(block, TextContent)
    assert f"The data directory {tmp_path / 'data'} is in use" in block.text


async def test_problem_of_a_collection_is_told_without_its_path(tmp_path: Path) -> None:
    manifest = tmp_path / "data" / "collections" / "broken" / "manifest.json"
    manifest.mkdir(parents=True)  # so it cannot be read
    async with client_of(engine_of(tmp_path)) as client:
        plain = await client.get("/v1/collections")
        tool = await call(client, "list_collections", {})
    for answer in (plain.json(), tool["structuredContent"]):
        [broken] = answer["collections"]
        assert "RESIFT_DATA_DIR/collections/broken/manifest.json" in broken["problem"]
    assert str(tmp_path) not in plain.text + str(tool)
