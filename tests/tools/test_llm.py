"""A language model behind the cross-encoder, through the MCP client: its order, its notes, its failures."""

import logging
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from mcp.client import Client
from pydantic import SecretStr

from resift.core.errors import InvalidInput
from resift.core.values import Document
from resift.factories.engine import build_engine, running
from resift.ingest.job import Job
from resift.server.mcp.assembly import TOOLS, create_server
from resift.settings.load import load_settings
from resift.settings.sections import LlmSettings
from resift.tests.standins.chat import ChatStandIn, by_words, chat_stand_in, completion, passages_in, refusal
from resift.tests.standins.http import Answer
from resift.tests.tools.asking import Asker

pytestmark = pytest.mark.anyio

KEY = "sk-never-to-be-seen"
RESET = "To reset the router, hold its button for ten seconds."
NOTES = (
    Document("old", "Router", text=RESET, source="notes/old.md", metadata={"updated": "2019-03-01"}),
    Document("new", "Router", text=f"{RESET} Then let go.", source="notes/new.md", metadata={"updated": "2025-03-01"}),
    Document(
        "cats",
        "Cats",
        text="Cats sleep for most of the day.",
        source="notes/cats.md",
        metadata={"updated": "2026-01-01"},
    ),
)
QUESTION = {"query": "how do I reset the router", "reranker": "llm", "detail": "full"}

Connect = Callable[..., AbstractAsyncContextManager[Asker]]


@pytest.fixture
def server() -> Iterator[ChatStandIn]:
    with chat_stand_in() as server:
        server.rule = by_words
        yield server


@pytest.fixture
def connect(server: ChatStandIn, tmp_path: Path) -> Connect:
    @asynccontextmanager
    async def connect(rerankers: dict[str, Any] | None = None, **llm: Any) -> AsyncGenerator[Asker]:
        settings = load_settings(
            data_dir=tmp_path / "data",
            OPENAI_BASE_URL=server.url,
            OPENAI_API_KEY=SecretStr(KEY),
            feedback=True,  # every optional tool is on
            rerankers=rerankers or {},
            llm=LlmSettings.model_validate({"model": "small", "retries": 0, **llm}),
        )
        engine = build_engine(settings, roots=[tmp_path])
        await engine.services.ingestor.ingest(Job("default", NOTES, total=len(NOTES)))
        async with running(engine), Client(create_server(engine)) as client:
            listed = await client.list_tools()
            yield Asker(client, {tool.name: tool for tool in listed.tools})

    return connect


def ids(answer: dict[str, Any]) -> list[str]:
    return [hit["document_id"] for hit in answer["hits"]]


async def test_model_orders_behind_the_cross_encoder_and_its_scores_stay(server: ChatStandIn, connect: Connect) -> None:
    server.reply, server.rule = '{"ranking": ["D3", "D1", "D2"]}', None
    async with connect() as tools:
        answer = await tools.call("search_and_rerank", {**QUESTION, "instruction": "prefer animals"})
    assert [stage["name"] for stage in answer["stages"]][-2:] == ["rerank", "llm"]
    assert answer["stages"][-1]["note"] == "1 call, 100 tokens in, 20 out"
    first = answer["hits"][0]
    assert first["document_id"] == passages_in(server.asked[0])[2].source.split("/")[1].split(".")[0]
    assert first["scores"]["llm"] == first["score"] == 1.0
    assert first["ranks"]["llm"] == 1
    assert {"fused", "rerank", "blend", "llm"} <= first["scores"].keys()
    assert [hit["score"] for hit in answer["hits"]] == [1.0, 0.5, 0.3333]
    assert "small ordered 3 passages by the template 'relevance'." in answer["notes"]
    assert not answer["degraded"]


async def test_instruction_that_names_a_template_selects_it_and_changes_no_blend(
    server: ChatStandIn, connect: Connect
) -> None:
    async with connect() as tools:
        answer = await tools.call("search_and_rerank", {**QUESTION, "instruction": "prefer recent"})
        without_model = await tools.call(
            "search_and_rerank", {**QUESTION, "reranker": "default", "instruction": "prefer recent"}
        )
        plain = await tools.call("search_and_rerank", {**QUESTION, "reranker": "default"})
    assert answer["notes"] == ["small ordered 3 passages by the template 'prefer_recent'."]
    assert {seen.date for seen in passages_in(server.asked[0])} == {"2025-03-01", "2019-03-01", "2026-01-01"}
    assert "recency" not in answer["hits"][0]["scores"]
    assert ids(without_model) == ids(plain)
    (note,) = set(without_model["notes"]) - set(plain["notes"])
    assert note.startswith("The instruction was not followed. Rerankers that follow one: llm. With any reranker, `rec")


async def test_dates_are_weighed_before_a_model_that_reads_alone(server: ChatStandIn, connect: Connect) -> None:
    server.always = refusal(401, "no")
    asked = {**QUESTION, "reranker": "alone", "recency": {"field": "updated", "weight": 0.25}}
    async with connect(rerankers={"alone": {"stages": ["llm"]}}) as tools:
        answer = await tools.call("search_and_rerank", asked)
        plain = await tools.call("search_and_rerank", {**asked, "recency": {}})
    assert [stage["name"] for stage in answer["stages"]][-2:] == ["metadata", "llm"]
    assert ids(answer)[0] == "new"
    assert "metadata" not in [stage["name"] for stage in plain["stages"]]


async def test_tool_takes_the_template_of_the_settings(server: ChatStandIn, connect: Connect) -> None:
    asked = {"query": "worth", "passages": ["one", "two"], "instruction": "half of a pair: \ud800"}
    async with connect(template="prefer_recent") as tools:
        assert not (await tools.call("rerank_with_llm", asked))["degraded"]
    said = server.asked[0]["messages"][1]["content"]
    assert "the later `date` comes first" in said
    assert "half of a pair: ?" in said


async def test_model_is_not_asked_where_the_cross_encoder_is_sure(server: ChatStandIn, connect: Connect) -> None:
    async with connect(wide_margin=0.2) as tools:
        answer = await tools.call("search_and_rerank", {**QUESTION, "limit": 2})
        assert not server.asked
        assert "The stage 'llm' was skipped: there is no instruction" in answer["notes"][0]
        assert answer["stages"][-1]["note"].startswith("skipped: ")
        assert not answer["degraded"]
        await tools.call("search_and_rerank", {**QUESTION, "limit": 2, "instruction": "prefer short ones"})
    assert len(server.asked) == 1


@pytest.mark.parametrize(
    "answer",
    [Answer({}, 500), refusal(401, f"bad key {KEY}"), completion("no idea"), Answer(fault="disconnect")],
    ids=["500", "401", "prose", "disconnect"],
)
async def test_failure_leaves_the_order_of_the_cross_encoder(
    server: ChatStandIn, connect: Connect, caplog: pytest.LogCaptureFixture, answer: Answer
) -> None:
    caplog.set_level(logging.DEBUG)
    server.always = answer
    async with connect() as tools:
        before = await tools.call("search_and_rerank", {**QUESTION, "reranker": "default"})
        after = await tools.call("search_and_rerank", {**QUESTION, "instruction": "prefer animals"})
        alone = await tools.call("rerank_with_llm", {"query": "worth", "passages": ["one", "two", "three"]})
    assert ids(after) == ids(before)
    assert after["degraded"] is alone["degraded"] is True
    assert [hit["passage_id"] for hit in alone["hits"]] == ["1", "2", "3"]
    assert any("small" in note for note in after["notes"])
    assert KEY not in f"{caplog.text} {before} {after} {alone}"


@pytest.mark.slow
async def test_time_budget_holds_for_the_model_as_well(server: ChatStandIn, connect: Connect) -> None:
    server.always = Answer(fault="hang")
    async with connect() as tools:
        await tools.call("search_and_rerank", {**QUESTION, "reranker": "default"})  # loads the models
        asked = {**QUESTION, "instruction": "prefer animals", "time_budget_ms": 2000}
        answer = await tools.call("search_and_rerank", asked)
    assert answer["degraded"]
    assert any("time budget" in note for note in answer["notes"])
    assert len(answer["hits"]) == 3


async def test_tool_orders_given_passages_by_a_template(server: ChatStandIn, connect: Connect) -> None:
    passages = [
        {"id": "old", "text": RESET, "date": "2019-03-01"},
        {"id": "new", "text": RESET, "date": "2025-03-01", "source": "notes/new.md"},
        {"id": "cats", "text": "Cats sleep.", "date": "2026-01-01"},
    ]
    asked = {"query": "reset the router", "passages": passages}
    async with connect() as tools:
        listed = await tools.client.list_tools()
        assert [tool.name for tool in listed.tools] == [*TOOLS, "rerank_with_llm", "record_feedback"]
        assert len(listed.model_dump_json(by_alias=True, exclude_none=True).encode()) < 16_000
        plain = await tools.call("rerank_with_llm", asked)
        recent = await tools.call("rerank_with_llm", {**asked, "template": "prefer_recent", "limit": 2})
        assert [hit["passage_id"] for hit in plain["hits"]] == ["old", "new", "cats"]
        assert [(hit["passage_id"], hit["was"]) for hit in recent["hits"]] == [("new", 2), ("old", 1)]
        assert "No template 'recent' orders passages." in await tools.refusal(
            "rerank_with_llm", {**asked, "template": "recent"}
        )
        official = {**asked, "template": "prefer_official"}
        assert "needs a list of official sources" in await tools.refusal("rerank_with_llm", official)
    assert passages_in(server.asked[-1])[1].source == "notes/new.md"


async def test_phrasings_are_written_for_a_question_without_and_shown_to_the_agent(
    server: ChatStandIn, connect: Connect
) -> None:
    server.phrasings = lambda query: ["restart the device", query.upper(), "press the button"]
    asked = {"query": "how do I reset the router"}
    async with connect(rephrase=2, rephrase_s=60) as tools:
        answer = await tools.call("search_and_rerank", asked)
        again = await tools.call("hybrid_search", asked)
        own = await tools.call("search_and_rerank", {**asked, "queries": ["restart the device", "press the button"]})
        server.always = refusal(503, "overloaded")
        failed = await tools.call("search_and_rerank", {"query": "where do cats sleep"})
    stage = answer["stages"][0]
    assert (stage["name"], stage["received"], stage["returned"]) == ("rephrase", 1, 2)
    assert stage["note"] == '"restart the device", "press the button"; 1 call, 100 tokens in, 20 out'
    assert again["stages"][0]["note"].endswith("; 0 calls, served from cache")
    assert [stage["name"] for stage in own["stages"]] == ["encode", "search", "rerank"]
    assert [(hit["document_id"], hit["score"]) for hit in answer["hits"]] == [
        (hit["document_id"], hit["score"]) for hit in own["hits"]
    ]
    assert not answer["degraded"]
    assert failed["degraded"]
    assert ids(failed)[0] == "cats"
    assert "The stage 'rephrase' failed, so only the query itself was searched: small at" in failed["notes"][0]


async def test_nothing_is_rephrased_unless_the_settings_ask_for_it(server: ChatStandIn, connect: Connect) -> None:
    async with connect() as tools:
        answer = await tools.call("search_and_rerank", {"query": "how do I reset the router"})
    assert not server.asked
    assert answer["stages"][0]["name"] == "encode"


async def test_phrasings_need_a_model_and_a_template_that_asks_for_some(tmp_path: Path) -> None:
    asked = {"data_dir": tmp_path / "data", "llm": LlmSettings(model="small", rephrase=2)}
    with pytest.raises(InvalidInput, match=r"RESIFT_LLM__REPHRASE = 2 needs a language model\. Set RESIFT_LLM__MODEL"):
        build_engine(load_settings(**asked))
    (tmp_path / "own.md").write_text("---\nname: rephrase\nversion: 1\ndescription: Mine\nreply: text\n---\n{query}")
    with pytest.raises(
        InvalidInput, match="'rephrase' in RESIFT_PROMPTS_DIR must have the reply 'queries', not 'text'"
    ):
        build_engine(load_settings(**asked, prompts_dir=tmp_path))


async def test_without_a_model_neither_tool_nor_reranker_is_there(tmp_path: Path) -> None:
    engine = build_engine(load_settings(data_dir=tmp_path / "data", llm=LlmSettings(model="small")))
    async with running(engine), Client(create_server(engine)) as client:
        assert [tool.name for tool in (await client.list_tools()).tools] == list(TOOLS)
    assert "llm" not in engine.services.pipeline.rerankers.names
