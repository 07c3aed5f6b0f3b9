"""record_feedback: there only when switched on; what agents used teaches the weights."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import pytest
from mcp.client import Client

from resift.factories.engine import build_engine, running
from resift.server.mcp.assembly import TOOLS, create_server
from resift.settings.load import load_settings
from resift.tests.server.in_process import Run, runner
from resift.tests.tools.asking import Asker
from resift.tests.tools.test_contract import MOST_BYTES

pytestmark = pytest.mark.anyio

TOPICS = [f"{part} {place}" for part in ("pump", "lamp", "valve", "hinge", "fan", "belt") for place in "ABCD"]
SETTINGS = {"rerank": {"default": "maxsim"}, "blend": {"recency_field": "date", "recency_weight": 0.05}}


@asynccontextmanager
async def asker(folder: Path, **settings: Any) -> AsyncGenerator[Asker]:
    engine = build_engine(load_settings(data_dir=folder / "data", **{**SETTINGS, **settings}))
    async with running(engine), Client(create_server(engine)) as client:
        yield Asker(client, {tool.name: tool for tool in (await client.list_tools()).tools})


def reports() -> list[dict[str, Any]]:
    """Return three reports on each topic, of which the older say more of the words asked for."""
    return [
        {
            "id": f"{topic} {year}",
            "text": f"Maintenance of the {topic}. " * (3 - place) + "It was cleaned and its bearing was changed.",
            "metadata": {"date": f"{year}-05-01"},
        }
        for topic in TOPICS
        for place, year in enumerate((2001, 2012, 2026))
    ]


async def test_without_the_setting_nothing_is_kept_and_no_tool_offered(tmp_path: Path) -> None:
    async with asker(tmp_path) as tools:
        assert list(tools.tools) == list(TOOLS)
        await tools.call("ingest_documents", {"documents": reports()[:3]})
        assert "search_id" not in await tools.call("search_and_rerank", {"query": "pump"})
    assert not (tmp_path / "data" / "feedback").exists()


async def use_the_newest(folder: Path) -> None:
    async with asker(folder, feedback=True) as tools:
        listed = await tools.client.list_tools()
        assert "record_feedback" in tools.tools
        assert len(listed.model_dump_json(by_alias=True, exclude_none=True).encode()) < MOST_BYTES
        await tools.call("ingest_documents", {"documents": reports(), "collection": "notes"})
        search_id, newest = "", list[str]()
        for topic in TOPICS:
            question = {"query": f"maintenance of the {topic}", "collection": "notes"}
            found = await tools.call("search_and_rerank", question)
            search_id = found["search_id"]
            newest = [hit["passage_id"] for hit in found["hits"] if hit["document_id"] == f"{topic} 2026"]
            told = await tools.call("record_feedback", {"search_id": search_id, "used": newest})
            assert told == {"used": 1, "not_used": 0}
        strange = {"search_id": search_id, "used": ["elsewhere#0"]}
        assert "showed no passage 'elsewhere#0'" in await tools.refusal("record_feedback", strange)
        assert "No search 'x'" in await tools.refusal("record_feedback", {"search_id": "x", "used": newest})


@pytest.mark.slow
def test_what_agents_used_teaches_the_weights_and_goes_with_the_collection(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("RESIFT_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("RESIFT_RERANK__DEFAULT", "maxsim")
    monkeypatch.setenv("RESIFT_BLEND__RECENCY_FIELD", "date")
    monkeypatch.setenv("RESIFT_BLEND__RECENCY_WEIGHT", "0.05")
    monkeypatch.setenv("COLUMNS", "200")
    run: Run = runner(monkeypatch, capsys)
    anyio.run(use_the_newest, tmp_path)
    dry = run("tune", "--feedback", "--collection", "notes", "--dry-run")
    assert dry.code == 0, dry.err
    assert "95 % interval" in dry.out
    assert "Nothing was written: this was a dry run." in dry.out
    assert "log loss" not in dry.out
    tuned = run("tune", "--feedback", "--collection", "notes")
    assert "Stored with collection 'notes'" in tuned.out, tuned
    found = run("search", "maintenance of the lamp B", "--collection", "notes", "--json").json
    assert found["hits"][0]["document_id"] == "lamp B 2026"
    assert "weights" in found["stages"][-1]["note"]
    too_few = run("tune", "--feedback", "--collection", "notes", "--questions", "5")
    assert too_few.code != 0
    assert "Only 5 different questions to 'notes' had a hit that was used (in 24 searches)" in too_few.err
    assert (tmp_path / "data" / "feedback" / "notes.jsonl").is_file()
    assert run("delete", "notes", "--everything", "--yes").code == 0
    assert not (tmp_path / "data" / "feedback" / "notes.jsonl").exists()


async def test_answer_outlives_a_log_that_cannot_be_written(tmp_path: Path) -> None:
    async with asker(tmp_path, feedback=True) as tools:
        await tools.call("ingest_documents", {"documents": reports()[:3]})
        (tmp_path / "data" / "feedback").write_text("in the way")
        found = await tools.call("search_and_rerank", {"query": "pump"})
    assert len(found["hits"]) == 3
    assert "search_id" not in found
    assert "There is no search_id to give feedback on: " in found["notes"][-1]
