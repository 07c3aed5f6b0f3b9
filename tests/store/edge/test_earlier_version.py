"""Compatibility: a data directory that Resift 0.1.0 wrote opens unchanged and gives the same answers.

`earlier_version.tar.xz` holds the directory: seven documents of a car workshop, ingested with the bundled models.
`earlier_version.json` holds what 0.1.0 answered. Regenerate neither with newer code: they stand for what users have.
"""

import json
import tarfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from mcp.client import Client

from resift.factories.engine import running
from resift.server.mcp.assembly import create_server
from resift.store.edge.store import EdgeStore
from resift.store.filters import AnyOf
from resift.tests.conftest import open_engine

pytestmark = pytest.mark.anyio

HERE = Path(__file__).parent
ANSWERS: list[dict[str, Any]] = json.loads((HERE / "earlier_version.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the parent of the unpacked data directory."""
    folder = tmp_path_factory.mktemp("earlier")
    with tarfile.open(HERE / "earlier_version.tar.xz") as archive:
        archive.extractall(folder, filter="data")
    return folder


@pytest.fixture(scope="module")
async def client(folder: Path) -> AsyncIterator[Client]:
    engine = open_engine(folder)
    async with running(engine), Client(create_server(engine)) as client:
        yield client
    await engine.close()


@pytest.mark.slow
@pytest.mark.parametrize("answer", ANSWERS, ids=lambda answer: answer["arguments"]["query"])
async def test_answers_are_those_of_the_earlier_version(client: Client, answer: dict[str, Any]) -> None:
    result = await client.call_tool("hybrid_search", {**answer["arguments"], "detail": "full"})
    assert result.structured_content is not None, result
    hits = result.structured_content["hits"]
    assert [hit["passage_id"] for hit in hits] == [hit["passage_id"] for hit in answer["hybrid_search"]]
    scores = [hit["score"] for hit in answer["hybrid_search"]]
    assert [hit["score"] for hit in hits] == pytest.approx(scores, abs=0.01)


@pytest.mark.slow
@pytest.mark.parametrize("answer", ANSWERS, ids=lambda answer: answer["arguments"]["query"])
async def test_reranked_answers_begin_with_one_of_the_first_of_the_earlier_version(
    client: Client, answer: dict[str, Any]
) -> None:
    result = await client.call_tool("search_and_rerank", {**answer["arguments"], "detail": "full"})
    assert result.structured_content is not None, result
    hits = result.structured_content["hits"]
    first = [hit["passage_id"] for hit in answer["search_and_rerank"][:3]]
    assert hits[0]["passage_id"] in first, "another reranker orders them since"


async def test_documents_can_be_read_and_removed(tmp_path: Path) -> None:
    with tarfile.open(HERE / "earlier_version.tar.xz") as archive:
        archive.extractall(tmp_path, filter="data")
    store = EdgeStore(tmp_path / "data", reserve_bytes=0)
    collection = await store.open("default")
    entries = await collection.entries()
    assert {name: entry.passages for name, entry in entries.items()} == {
        **dict.fromkeys(("brakes.md", "battery.md", "radar.md", "tyres.md", "lamps.md", "coolant.md"), 1),
        "manual.md": 3,
    }
    [brakes] = (await collection.fetch(await collection.points_in("brakes.md"))).values()
    assert (brakes.title, brakes.source) == ("Brake pads", "car/brakes.md")
    assert brakes.metadata["tags"] == ["safety", "wear"]
    assert sorted(await collection.facet("oem", limit=5)) == [(False, 2), (True, 2)]
    assert await collection.remove(AnyOf("document_id", ("manual.md",))) == 3
    assert await collection.documents() == 6
    await store.close()
