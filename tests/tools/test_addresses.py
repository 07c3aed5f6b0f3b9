"""No address is fetched, whether it stands in an argument or in a document: only configured endpoints are called."""

import socket
from collections.abc import Iterator

import pytest

from resift.factories.engine import Engine
from resift.tests.tools.asking import Asker

pytestmark = pytest.mark.anyio


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    """A port of this machine on which nobody should call."""
    with socket.create_server(("127.0.0.1", 0)) as opened:
        opened.setblocking(False)
        yield opened


async def test_no_address_in_a_call_or_a_document_is_fetched(
    tools: Asker, engine: Engine, era: str, listener: socket.socket
) -> None:
    address = f"http://127.0.0.1:{listener.getsockname()[1]}"
    folder = engine.services.roots.folders[0] / f"addresses-{era}"
    folder.mkdir()
    (folder / "page.html").write_text(
        f'<base href="{address}/"><link rel="stylesheet" href="style.css"><script src="{address}/run.js"></script>'
        f'<img src="{address}/pixel.png"><iframe src="{address}/frame"></iframe><p>A page about pumps.</p>'
    )
    (folder / "entities.html").write_text(f'<!DOCTYPE x [<!ENTITY e SYSTEM "{address}/e">]><p>&e; A pump.</p>')
    (folder / "note.md").write_text(f"---\nsource: {address}/n\n---\n# Pumps\n\n![pump]({address}/i.png) <{address}/x>")
    collection = f"addresses-{era}"
    documents = [{"text": "A pump.", "source": f"{address}/source", "metadata": {"url": f"{address}/metadata"}}]
    taken = await tools.call(
        "ingest_documents", {"paths": [str(folder)], "documents": documents, "collection": collection}
    )
    assert (taken["added"], taken["failed"]) == (4, 0)

    assert "Download it" in await tools.refusal("ingest_documents", {"paths": [f"{address}/file.md"]})
    found = await tools.call("search_and_rerank", {"query": f"what pumps {address}/query", "collection": collection})
    await tools.call("rerank", {"query": "pump", "passages": found["hits"]})
    read = await tools.call("read_document", {"document_id": f"{address}/source", "collection": collection})
    assert read["passages"][0]["text"] == "A pump."
    for name, arguments in (
        ("read_document", {"document_id": f"{address}/missing", "collection": collection}),
        ("search_and_rerank", {"query": "pump", "collection": address}),
        ("search_and_rerank", {"query": "pump", "collection": collection, "reranker": address}),
    ):
        await tools.refusal(name, arguments)

    with pytest.raises(BlockingIOError):  # nobody waits to be served
        listener.accept()
