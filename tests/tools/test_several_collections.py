"""Tools that search several collections: every form of the argument, and hits that the other tools take back."""

from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import pytest
from mcp.client import Client

from resift.api.caller import CALLER, Caller
from resift.api.requests import DocumentInput
from resift.api.resift import Resift
from resift.core.errors import Forbidden
from resift.factories.engine import Engine, build_engine, running
from resift.server.mcp.assembly import create_server
from resift.settings.load import load_settings
from resift.tests.tools.asking import Asker
from resift.tests.tools.conftest import ERAS

pytestmark = pytest.mark.anyio

COLLECTIONS: dict[str, list[DocumentInput]] = {
    "devices": [
        {"id": "pump", "title": "Pump", "text": "The pump hums because its bearing is worn."},
        {"id": "both", "title": "Manual", "text": "Switch the device off before you open it."},
    ],
    "people": [
        {"id": "ada", "title": "Ada", "text": "Ada repairs pumps and looks after the bearings."},
        {"id": "both", "title": "Manual", "text": "Ask a colleague before you open anything."},
    ],
}


@pytest.fixture(scope="module")
async def stocked(tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[Engine]:
    folder = tmp_path_factory.mktemp("several")
    engine = build_engine(load_settings(data_dir=folder / "data", feedback=True), roots=[folder])
    resift = Resift(engine=engine)
    for name, documents in COLLECTIONS.items():
        await resift.ingest(documents=documents, collection=name)
    async with running(engine):
        yield engine


@pytest.fixture(params=ERAS)
async def several(stocked: Engine, request: pytest.FixtureRequest) -> AsyncGenerator[Asker]:
    async with Client(create_server(stocked), mode=str(request.param)) as client:
        yield Asker(client, {tool.name: tool for tool in (await client.list_tools()).tools})


@pytest.mark.parametrize("name", ["search_and_rerank", "hybrid_search"])
@pytest.mark.parametrize("form", ["*", "devices,people", "devices, people", ["devices", "people"], ["*"]])
async def test_every_form_of_the_argument_searches_several(several: Asker, name: str, form: Any) -> None:
    answer = await several.call(name, {"query": "why does the pump hum", "collection": form})
    assert (answer["hits"][0]["collection"], answer["hits"][0]["passage_id"]) == ("devices", "pump#0")
    assert {hit["collection"] for hit in answer["hits"]} == {"devices", "people"}
    assert len(answer["hits"]) == 4
    assert answer["notes"] == []


async def test_hit_of_a_single_collection_does_not_name_it(several: Asker) -> None:
    for form in ("devices", ["devices"]):
        answer = await several.call("hybrid_search", {"query": "pump", "collection": form})
        assert all("collection" not in hit for hit in answer["hits"])


async def test_argument_is_a_plain_string_in_the_schema(several: Asker) -> None:
    schema = several.tools["search_and_rerank"].input_schema["properties"]["collection"]
    assert (schema["type"], schema["default"]) == ("string", "default")
    assert '"a,b"' in schema["description"]
    assert '"*"' in schema["description"]


async def test_names_that_are_no_names_are_refused(several: Asker) -> None:
    refused = await several.refusal("search_and_rerank", {"query": "pump", "collection": [7]})
    assert "collection.0: Input should be a string" in refused
    refused = await several.refusal("search_and_rerank", {"query": "pump", "collection": ["devices", "poeple"]})
    assert "No collection 'poeple'. Did you mean 'people'? Known: devices, people. Call list_collections" in refused
    refused = await several.refusal("search_and_rerank", {"query": "pump", "collection": []})
    assert 'Name a collection, several of them, or "*" for all.' in refused


async def test_reading_takes_what_a_hit_shows(several: Asker) -> None:
    answer = await several.call("search_and_rerank", {"query": "what to do before I open it", "collection": "*"})
    for hit in answer["hits"]:
        for reading in ({"passage_id": hit["passage_id"]}, {"document_id": hit["document_id"]}):
            read = await several.call("read_document", {**reading, "collection": hit["collection"]})
            assert read["passages"][0]["text"] == hit["text"]


async def test_reranking_takes_the_hits_as_they_are(several: Asker) -> None:
    hits = (await several.call("hybrid_search", {"query": "pump", "collection": "*"}))["hits"]
    ranked = await several.call("rerank", {"query": "who repairs pumps", "passages": hits})
    assert ranked["hits"][0]["passage_id"] == "ada#0"


async def test_feedback_reaches_the_collection_of_each_hit(several: Asker, stocked: Engine) -> None:
    answer = await several.call("search_and_rerank", {"query": "who looks after bearings", "collection": "*"})
    feedback = {"search_id": answer["search_id"], "used": ["ada#0"], "not_used": ["pump#0"]}
    assert await several.call("record_feedback", feedback) == {"used": 1, "not_used": 1}
    uses = {name: await stocked.feedback.uses(name) for name in COLLECTIONS}
    assert [each.passage_id for each in uses["people"][-1].used] == ["ada#0"]
    assert all(use.searched.search_id != answer["search_id"] for use in uses["devices"])
    refused = await several.refusal("record_feedback", {**feedback, "used": ["eve#0"]})
    assert "showed no passage 'eve#0'" in refused


async def test_all_of_nothing_says_to_ingest_first(tmp_path: Path) -> None:
    engine = build_engine(load_settings(data_dir=tmp_path / "data"), roots=[tmp_path])
    async with running(engine), Client(create_server(engine)) as client:
        asker = Asker(client, {tool.name: tool for tool in (await client.list_tools()).tools})
        refused = await asker.refusal("search_and_rerank", {"query": "pump", "collection": "*"})
    assert refused == "There are no collections: nothing has been ingested yet. Call ingest_documents first."


async def test_caller_searches_only_what_it_may_use(stocked: Engine) -> None:
    resift = Resift(engine=stocked)
    token = CALLER.set(Caller(name="reader", collections=frozenset({"people", "secret"})))
    try:
        page = await resift.search("pump", collection="*")
        assert {hit.passage.collection for hit in page} == {"people"}
        with pytest.raises(Forbidden, match="may not use the collection 'devices'"):
            await resift.search("pump", collection=["people", "devices"])
    finally:
        CALLER.reset(token)
