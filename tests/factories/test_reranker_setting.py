"""RESIFT_RERANKER: a cross-encoder of one's own takes the place of the default, and a broken one harms no search."""

from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from mcp.client import Client

from resift.core.errors import InvalidInput
from resift.core.values import Document
from resift.factories.engine import Engine, build_engine, running
from resift.ingest.job import Job
from resift.pipeline.page import Page
from resift.pipeline.request import SearchRequest
from resift.server.cli.doctor import run_doctor
from resift.server.mcp.assembly import create_server
from resift.settings.load import load_settings
from resift.tests.models.rerankers import write_exported, write_own

pytestmark = pytest.mark.anyio

QUERY = "why do brakes squeal"
DOCUMENTS = (
    Document("close", "", text="Squealing noises come from worn brake pads and need attention soon."),
    Document("words", "", text="why do why do why do: a list of words."),
    Document("other", "", text="The battery is charged overnight in the garage."),
)


@asynccontextmanager
async def engine_with(folder: Path, **settings: object) -> AsyncGenerator[Engine]:
    engine = build_engine(load_settings(data_dir=folder / "data", **settings))
    try:
        await engine.services.ingestor.ingest(Job("default", DOCUMENTS, total=len(DOCUMENTS)))
        yield engine
    finally:
        await engine.close()


async def ask(engine: Engine, **changes: Any) -> Page:
    arguments: dict[str, Any] = {"reranker": "default", "mode": "dense", **changes}
    return await engine.services.pipeline.search(SearchRequest(QUERY, **arguments))


def order(page: Page) -> list[str]:
    return [hit.passage.document_id for hit in page.ranking.hits]


@pytest.mark.parametrize(("write", "name"), [(write_own, "tiny-overlap"), (write_exported, "model")])
async def test_own_reranker_changes_the_order_and_is_reported(
    tmp_path: Path, write: Callable[[Path], Path], name: str
) -> None:
    folder = write(tmp_path / "model")
    async with engine_with(tmp_path, reranker=str(folder)) as engine:
        first_stage = await ask(engine, reranker="none")
        assert order(first_stage)[0] == "close"
        page = await ask(engine, rerank_weight=1.0)
        assert order(page)[0] == "words", "the tiny model counts words in common"
        stage = page.ranking.stages[-1]
        assert (stage.name, stage.model, stage.returned) == ("rerank", name, 3)
        assert not page.ranking.degraded
        named = await ask(engine, reranker="cross-encoder", rerank_weight=1.0)
        assert order(named) == order(page)
        assert (await ask(engine, reranker="maxsim")).ranking.stages[-1].model.startswith("maxsim:")


async def test_search_repeated_shows_the_saving(tmp_path: Path) -> None:
    async with engine_with(tmp_path, reranker=str(write_own(tmp_path / "model"))) as engine:
        assert (await ask(engine)).ranking.stages[-1].note == ""
        first, again = await ask(engine), await ask(engine)
        assert again.ranking.stages[-1].note == "3 of 3 from the cache"
        assert order(again) == order(first)
        assert again.ranking.hits == first.ranking.hits
    async with engine_with(tmp_path, reranker=str(tmp_path / "model"), rerank={"cache_size": 0}) as engine:
        await ask(engine)
        assert (await ask(engine)).ranking.stages[-1].note == ""


async def test_broken_reranker_leaves_the_order_of_retrieval_and_says_so(tmp_path: Path) -> None:
    folder = write_own(tmp_path / "model")
    (folder / "model.onnx").write_bytes(b"no model")
    async with engine_with(tmp_path, reranker=str(folder)) as engine:
        plain, page = await ask(engine, reranker="none"), await ask(engine)
        assert order(page) == order(plain)
        assert page.ranking.degraded
        assert "Reranking failed; the order is that of retrieval: The file" in page.ranking.notes[-1]
        assert "is damaged" in page.ranking.stages[-1].note
        # Nor does it keep the server from starting.
        async with running(engine), Client(create_server(engine)) as client:
            answer = await client.call_tool("search_and_rerank", {"query": QUERY})
        assert answer.structured_content is not None
        assert answer.structured_content["degraded"] is True
        assert len(answer.structured_content["hits"]) == 3


@pytest.mark.parametrize(
    ("settings", "weight"),
    [({}, 0.75), ({"rerank": {"weight": 0.1}}, 0.1), ({"rerank": {"default": "maxsim"}}, 0.2)],
    ids=["the reranker's own", "of the settings", "maxsim's"],
)
async def test_weight_is_of_the_settings_or_the_rerankers_own(
    tmp_path: Path, settings: dict[str, object], weight: float
) -> None:
    engine = build_engine(load_settings(data_dir=tmp_path, reranker=str(write_own(tmp_path / "model")), **settings))
    reranker = engine.services.pipeline.rerankers.scorer("default")
    assert reranker is not None
    assert engine.services.pipeline.rerankers.weights(reranker)["rerank"] == weight


def test_default_that_is_no_reranker_names_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match=r"'cohere' is not a known reranker\. Known: none, cross-encoder, maxsim"):
        build_engine(load_settings(data_dir=tmp_path, rerank={"default": "cohere"}))


async def test_doctor_shows_the_reranker_and_checks_its_files(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "300")
    folder = write_own(tmp_path / "model")
    settings = load_settings(data_dir=tmp_path / "data", reranker=str(folder))
    assert await run_doctor(settings)
    assert f"✓ reranker: tiny-overlap, weight 0.75; cross-encoder tiny-overlap at {folder}" in capsys.readouterr().out
    (folder / "tokenizer.json").unlink()
    assert not await run_doctor(settings)
    shown = capsys.readouterr().out
    assert "✗ reranker: " in shown
    assert "tokenizer.json of the model 'tiny-overlap' is missing" in shown
    assert "✓ models: " in shown
