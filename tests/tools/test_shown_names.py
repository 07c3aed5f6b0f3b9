"""Hits name documents by short paths, and every tool takes back what a hit shows."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from mcp.client import Client

from resift.core.values import Document
from resift.factories.engine import Engine, build_engine, running
from resift.server.mcp.assembly import create_server
from resift.settings.load import load_settings
from resift.tests.pipeline.both_stores import STORES, engine_on
from resift.tests.tools.asking import Asker

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.filterwarnings("ignore:(Payload indexes|Local mode):UserWarning"),
]

NOTE = Document("note", "Note", text="A note on valves.", source="notes/valves.md")


@asynccontextmanager
async def asking(engine: Engine) -> AsyncGenerator[Asker]:
    async with running(engine), Client(create_server(engine)) as client:
        yield Asker(client, {tool.name: tool for tool in (await client.list_tools()).tools})


def write(folder: Path, name: str, text: str) -> Path:
    file = folder / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")
    return file


@pytest.fixture(params=STORES)
async def tools(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncGenerator[Asker]:
    """Tools over files below the only root, and one text with a source of its own."""
    steps = "\n\n".join(f"## Step {n}\n\nTurn screw {n} of the pump, " + "slowly " * 60 for n in range(9))
    write(tmp_path, "docs/guide/pump.md", f"# Pump\n\nThe pump hums because its bearing is worn.\n\n{steps}\n")
    write(tmp_path, "docs/lamp.md", "# Lamp\n\nThe lamp flickers when its contact is loose.\n")
    write(tmp_path, "notes/lamp.md", "# Lamp\n\nBuy another lamp.\n")
    async with engine_on(request.param, tmp_path, [NOTE], feedback=True) as engine, asking(engine) as asker:
        await asker.call("ingest_documents", {"paths": ["docs", "notes"]})
        yield asker


async def first_hit(tools: Asker, query: str, **arguments: Any) -> dict[str, Any]:
    return (await tools.call("search_and_rerank", {"query": query, **arguments}))["hits"][0]


async def test_everything_that_a_hit_shows_is_taken_back(tools: Asker, tmp_path: Path) -> None:
    answer = await tools.call("search_and_rerank", {"query": "why does the pump hum"})
    hit = answer["hits"][0]
    assert (hit["document_id"], hit["source"]) == ("docs/guide/pump.md", "docs/guide/pump.md:1-7")
    assert hit["passage_id"] == "docs/guide/pump.md#0"

    around = await tools.call("read_document", {"passage_id": hit["passage_id"]})
    assert around["document_id"] == hit["document_id"]
    assert [each["passage_id"] for each in around["passages"]] == [hit["passage_id"], "docs/guide/pump.md#1"]
    for name in (hit["document_id"], hit["source"], "./docs/guide/pump.md"):
        whole = await tools.call("read_document", {"document_id": name})
        assert whole["passages"][0]["source"] == hit["source"]

    for filter_ in (
        {"source": hit["source"]},
        {"source": hit["document_id"]},
        {"source": {"prefix": "docs/guide/"}},
        {"document_id": [hit["document_id"]]},
        {"not": {"source": {"prefix": "notes/"}}, "title": "Pump"},
    ):
        found = await tools.call("search_and_rerank", {"query": "hum", "filter": filter_})
        assert {each["document_id"] for each in found["hits"]} == {hit["document_id"]}, filter_

    like = await tools.call("search_and_rerank", {"like": [hit["passage_id"]], "unlike": ["notes/lamp.md#0"]})
    assert hit["passage_id"] not in [each["passage_id"] for each in like["hits"]]
    ranked = await tools.call("rerank", {"query": "hum", "passages": answer["hits"]})
    assert ranked["hits"][0]["passage_id"] == hit["passage_id"]
    told = await tools.call("record_feedback", {"search_id": answer["search_id"], "used": [hit["passage_id"]]})
    assert told["used"] == 1
    write(tmp_path, "old/docs/lamp.md", "# Lamp\n\nThe lamp flickers now and then.\n")
    await tools.call("ingest_documents", {"paths": ["old"]})
    lamps = await tools.call("search_and_rerank", {"query": "why does the lamp flicker"})
    used = [each["passage_id"] for each in lamps["hits"] if each["document_id"].endswith("docs/lamp.md")]
    assert sorted(used) == ["docs/lamp.md#0", "old/docs/lamp.md#0"]
    assert (await tools.call("record_feedback", {"search_id": lamps["search_id"], "used": used}))["used"] == 2
    gone = await tools.call(
        "delete_documents", {"collection": "default", "document_ids": [hit["document_id"], "docs/no.md"]}
    )
    assert (gone["documents"], gone["missing"]) == (1, ["docs/no.md"])
    gone = await tools.call("delete_documents", {"collection": "default", "filter": {"source": {"prefix": "notes/l"}}})
    assert gone["documents"] == 1


async def test_citation_is_read_from_its_lines_on(tools: Asker) -> None:
    [*_, last] = (await tools.call("read_document", {"document_id": "docs/guide/pump.md"}))["passages"]
    read = await tools.call("read_document", {"document_id": last["source"]})
    assert [each["passage_id"] for each in read["passages"]] == [last["passage_id"]]


async def test_end_of_a_path_finds_what_only_one_document_has(tools: Asker) -> None:
    assert (await tools.call("read_document", {"document_id": "pump.md"}))["document_id"] == "docs/guide/pump.md"
    assert (await tools.call("read_document", {"passage_id": "guide/pump.md#1"}))["passages"]
    found = await tools.call("search_and_rerank", {"query": "hum", "filter": {"source": {"prefix": "guide/"}}})
    assert found["hits"]
    assert found["notes"][0] == "'guide/' was read as 'docs/guide/'."
    message = await tools.refusal("read_document", {"document_id": "lamp.md"})
    assert "'lamp.md' may be any of 2 documents: 'docs/lamp.md', 'notes/lamp.md'. Give one of these." in message
    message = await tools.refusal("read_document", {"document_id": "docs/lamb.md"})
    assert "Did you mean 'docs/lamp.md'?" in message


async def test_deleting_takes_no_guess(tools: Asker) -> None:
    gone = await tools.call("delete_documents", {"collection": "default", "document_ids": ["lamp.md", "pump.md"]})
    assert (gone["documents"], gone["missing"]) == (0, ["lamp.md", "pump.md"])
    assert gone["notes"] == [
        "No document 'lamp.md'. Did you mean 'docs/lamp.md', 'notes/lamp.md'?",
        "No document 'pump.md'. Did you mean 'docs/guide/pump.md'?",
    ]
    gone = await tools.call("delete_documents", {"collection": "default", "document_ids": ["docs/lamb.md"]})
    assert (gone["documents"], gone["notes"]) == (0, ["No document 'docs/lamb.md'. Did you mean 'docs/lamp.md'?"])
    guess = {"collection": "default", "filter": {"source": {"prefix": "guide/"}}}
    message = await tools.refusal("delete_documents", guess)
    assert "Nothing was deleted. 'guide/' was read as 'docs/guide/'. Give the whole path." in message


@pytest.mark.parametrize(
    "call",
    [
        {"document_ids": ["notes/lamp.md", "docs/guide/pump.md:1-7"]},
        {"filter": {"source": ["notes/lamp.md", "docs/guide/pump.md:1-7"]}},
    ],
)
async def test_place_in_a_document_is_not_deleted(tools: Asker, call: dict[str, Any]) -> None:
    message = await tools.refusal("delete_documents", {"collection": "default", **call})
    assert "Nothing was deleted. 'docs/guide/pump.md:1-7' is a place in a document" in message
    assert "give 'docs/guide/pump.md' without the place." in message
    for name in ("docs/guide/pump.md", "notes/lamp.md"):
        assert (await tools.call("read_document", {"document_id": name}))["passages"]


async def test_citation_of_no_document_is_missing(tools: Asker) -> None:
    call = {"collection": "default", "document_ids": "lamp.md:1-3"}  # only the end of a path
    gone = await tools.call("delete_documents", call)
    assert (gone["documents"], gone["missing"]) == (0, ["lamp.md:1-3"])


async def test_source_of_a_text_is_taken_for_its_id(tools: Asker) -> None:
    hit = await first_hit(tools, "note on valves")
    assert (hit["document_id"], hit["source"]) == ("note", "notes/valves.md:1")
    assert (await tools.call("read_document", {"document_id": "notes/valves.md"}))["document_id"] == "note"
    found = await tools.call("search_and_rerank", {"query": "valves", "filter": {"source": {"prefix": "notes/"}}})
    assert {each["title"] for each in found["hits"]} == {"Note", "Lamp"}


async def test_misspelt_folder_is_answered_with_the_folders_there_are(tools: Asker) -> None:
    found = await tools.call("search_and_rerank", {"query": "hum", "filter": {"source": {"prefix": "doc/"}}})
    assert 'No \'source\' starts with "doc/". Did you mean "docs/"?' in found["notes"][0]
    assert 'Folders with documents: "docs/", "docs/guide/", "notes/".' in found["notes"][0]


async def test_folder_given_as_a_source_is_answered_with_a_prefix(tools: Asker) -> None:
    for given in ("docs", "docs/"):
        found = await tools.call("search_and_rerank", {"query": "hum", "filter": {"source": given}})
        assert 'is a folder: write {"source": {"prefix": "docs/"}}.' in found["notes"][0]


async def test_name_that_may_mean_two_documents_is_shown_whole(tmp_path: Path) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    files = [write(one, "lamp.md", "# Lamp\n\nThe lamp is red."), write(two, "lamp.md", "# Lamp\n\nThe lamp is blue.")]
    write(two, "docs/pump.md", "# Pump\n\nThe pump hums.")
    engine = build_engine(load_settings(data_dir=tmp_path / "data"), roots=[one, two])
    async with asking(engine) as tools:
        text = {"text": "The pump is quiet.", "id": "docs/pump.md"}
        await tools.call("ingest_documents", {"paths": [str(one), str(two)], "documents": [text]})
        shown = {each["document_id"] for each in (await tools.call("hybrid_search", {"query": "lamp pump"}))["hits"]}
        assert shown == {file.as_posix() for file in files} | {(two / "docs/pump.md").as_posix(), "docs/pump.md"}
        assert (await tools.call("read_document", {"document_id": "docs/pump.md"}))["passages"][0]["text"] == text[
            "text"
        ]
        message = await tools.refusal("read_document", {"document_id": "lamp.md"})
        assert all(file.as_posix() in message for file in files)
        found = await tools.call("hybrid_search", {"query": "lamp", "filter": {"source": "lamp.md"}})
        assert len(found["hits"]) == 2
        assert "'lamp.md' matches 2 paths" in found["notes"][0]
        refused = {"collection": "default", "filter": {"source": "lamp.md"}}
        assert "Nothing was deleted" in await tools.refusal("delete_documents", refused)
        refused = {"collection": "default", "document_ids": ["lamp.md"]}
        assert "may be any of 2 documents" in await tools.refusal("delete_documents", refused)
