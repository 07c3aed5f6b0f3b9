"""RESIFT_ENCODER__*: another encoder makes and searches collections, and refuses those of other models."""

import json
import shutil
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from threading import get_ident
from typing import Any

import pytest

from resift.core.errors import IncompatibleCollection, InvalidInput, ModelError
from resift.core.values import Document
from resift.factories.engine import Engine, build_engine
from resift.ingest.job import Job
from resift.models.text.onnx import OnnxTextModel
from resift.pipeline.page import Page
from resift.pipeline.request import SearchRequest
from resift.pipeline.search import UNCALIBRATED
from resift.server.cli.doctor import run_doctor
from resift.settings.load import load_settings
from resift.tests.models.encoders import DIMENSION, FASTEMBED, write_encoder, write_fastembed
from resift.tests.models.test_fingerprint import move_weights
from resift.tests.standins.chat import chat_stand_in, watch_clients
from resift.tests.standins.embeddings import EmbeddingStandIn, embedding_stand_in

pytestmark = [pytest.mark.anyio, pytest.mark.filterwarnings("ignore::DeprecationWarning")]

DOCUMENTS = (
    Document("brakes", "", text="Squealing noises come from worn brake pads and need attention soon."),
    Document("battery", "", text="The battery is charged overnight in the garage."),
    Document("wipers", "", text="Wiper blades smear when the rubber is old."),
)
QUERY = "the battery is charged overnight"


@pytest.fixture
def server() -> Iterator[EmbeddingStandIn]:
    with embedding_stand_in() as stand_in:
        yield stand_in


@asynccontextmanager
async def engine_with(folder: Path, **settings: Any) -> AsyncGenerator[Engine]:
    engine = build_engine(load_settings(data_dir=folder / "data", **settings))
    try:
        yield engine
    finally:
        await engine.close()


async def ingest(engine: Engine) -> None:
    await engine.services.ingestor.ingest(Job("default", DOCUMENTS, total=len(DOCUMENTS)))


async def ask(engine: Engine, reranker: str = "none") -> Page:
    return await engine.services.pipeline.search(SearchRequest(QUERY, reranker=reranker, mode="dense"))


def _torch(folder: Path) -> dict[str, Any]:
    from resift.tests.models.pair.test_torch import write_torch

    return {"kind": "torch", "model": str(write_torch(folder, head=False))}


WRITTEN: dict[str, tuple[int, Callable[[Path], dict[str, Any]]]] = {
    "onnx": (DIMENSION, lambda folder: {"kind": "onnx", "model": str(write_encoder(folder))}),
    "fastembed": (DIMENSION, lambda folder: {"kind": "fastembed", "model": f"{FASTEMBED}={write_fastembed(folder)}"}),
    "torch": (32, _torch),
}


@pytest.mark.parametrize(
    "kind", [pytest.param(kind, marks=pytest.mark.torch if kind == "torch" else ()) for kind in WRITTEN]
)
async def test_own_model_makes_and_searches_a_collection(tmp_path: Path, kind: str) -> None:
    dimension, write = WRITTEN[kind]
    encoder = write(tmp_path / "model")
    async with engine_with(tmp_path, encoder=encoder) as engine:
        await engine.warm()
        await ingest(engine)
        manifest = (await engine.services.store.open("default")).manifest
        assert {spec.dimension for spec in manifest.vectors.values() if spec.kind == "dense"} == {dimension}
        assert manifest.encoder == engine.encoder.fingerprint
        page = await ask(engine)
        assert page.ranking.hits[0].passage.document_id == "battery"
    async with engine_with(tmp_path, encoder=encoder) as again:
        assert (await ask(again)).ranking.hits == page.ranking.hits


@pytest.mark.parametrize(
    "kind", [pytest.param(kind, marks=pytest.mark.torch if kind == "torch" else ()) for kind in WRITTEN]
)
async def test_passages_are_cut_by_tokens_of_the_encoder(tmp_path: Path, kind: str) -> None:
    _, write = WRITTEN[kind]
    encoder = write(tmp_path / "model")
    [file] = (tmp_path / "model").rglob("tokenizer.json")
    tokenizer = json.loads(file.read_text(encoding="utf-8"))
    tokenizer["model"]["vocab"] = {
        word: at for word, at in tokenizer["model"]["vocab"].items() if word[:1] == "[" or len(word.strip("#")) == 1
    }  # one token for each letter
    file.write_text(json.dumps(tokenizer), encoding="utf-8")
    document = Document("d", "", text="A lamp stands on the table. " * 12)
    for chosen, passages in ({"kind": "bundled"}, 1), (encoder, 2):
        async with engine_with(tmp_path / chosen["kind"], encoder=chosen) as engine:
            report = await engine.services.ingestor.ingest(Job("default", [document], total=1))
            assert report.passages == passages


async def test_endpoint_makes_and_searches_a_collection_and_doctor_shows_it(
    tmp_path: Path, server: EmbeddingStandIn, capsys: pytest.CaptureFixture[str]
) -> None:
    encoder = {
        "kind": "openai",
        "model": "small",
        "dimension": 24,
        "query_prefix": "query: ",
        "passage_prefix": "passage: ",
    }
    settings = {"encoder": encoder, "OPENAI_BASE_URL": server.url, "OPENAI_API_KEY": "sk-1"}
    async with engine_with(tmp_path, **settings) as engine:
        await engine.warm()
        assert not server.asked, "an endpoint costs money: nothing is asked before it is needed"
        await ingest(engine)
        assert (await ask(engine)).ranking.hits[0].passage.document_id == "battery"
    texts = [text for body in server.asked for text in body["input"]]
    assert f"query: {QUERY}" in texts
    assert all(text.startswith("passage: ") for text in texts[:-1])
    assert await run_doctor(load_settings(data_dir=tmp_path / "data", **settings))
    assert "openai:small/24 query='query: ' passage='passage: ', 24 dimensions" in capsys.readouterr().out


async def test_endpoint_that_answers_with_another_dimension_is_told_by_search_and_doctor(
    tmp_path: Path, server: EmbeddingStandIn, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = {"encoder": {"kind": "openai", "model": "small"}, "OPENAI_BASE_URL": server.url}
    async with engine_with(tmp_path, **settings) as engine:
        await ingest(engine)
        server.dimension = 24
        told = r"written with encoder openai:small \(32 dimensions\); configured is openai:small \(24\)"
        with pytest.raises(IncompatibleCollection, match=told):
            await ask(engine)
    assert not await run_doctor(load_settings(data_dir=tmp_path / "data", **settings))
    assert "(32 dimensions); configured is openai:small (24)" in capsys.readouterr().out


async def test_relevance_is_unknown_until_a_reranker_has_read(tmp_path: Path) -> None:
    async with engine_with(tmp_path, encoder={"kind": "onnx", "model": str(write_encoder(tmp_path / "m"))}) as engine:
        await ingest(engine)
        first_stage = await ask(engine)
        assert [hit.relevance for hit in first_stage.ranking.hits] == [None, None, None]
        assert first_stage.verdict == "unknown"
        assert UNCALIBRATED in first_stage.ranking.notes
        for reranker in ("default", "maxsim"):
            page = await ask(engine, reranker=reranker)
            assert page.ranking.hits[0].passage.document_id == "battery"
            assert all(hit.relevance is not None for hit in page.ranking.hits)
            assert UNCALIBRATED not in page.ranking.notes


async def test_collections_of_other_models_and_prefixes_are_refused(tmp_path: Path) -> None:
    own = {"kind": "onnx", "model": str(write_encoder(tmp_path / "m"))}
    other = Path(shutil.copytree(tmp_path / "m", tmp_path / "other"))
    (other / "1_Pooling").mkdir()
    (other / "1_Pooling" / "config.json").write_text('{"pooling_mode": "cls"}')
    async with engine_with(tmp_path, encoder=own) as engine:
        await ingest(engine)
    changed: tuple[dict[str, str], ...] = (
        {},
        {**own, "query_prefix": "query: "},
        {**own, "pooling": "cls"},
        {**own, "model": str(other)},
    )
    for encoder in changed:
        async with engine_with(tmp_path, encoder=encoder) as engine:
            for attempt in (ask(engine), ingest(engine)):
                with pytest.raises(
                    IncompatibleCollection, match=r"was written with encoder m@\w+ \(16 dimensions\); conf"
                ):
                    await attempt


async def test_collection_of_an_encoder_whose_weights_lie_in_another_file_is_refused_after_they_changed(
    tmp_path: Path,
) -> None:
    encoder = {"kind": "onnx", "model": str(write_encoder(tmp_path / "m", file="onnx/model.onnx"))}
    weights = move_weights(tmp_path / "m" / "onnx" / "model.onnx", "model.onnx_data")
    async with engine_with(tmp_path, encoder=encoder) as engine:
        await ingest(engine)
        assert (await ask(engine)).ranking.hits[0].passage.document_id == "battery"
    weights.write_bytes(weights.read_bytes()[::-1])
    async with engine_with(tmp_path, encoder=encoder) as engine:
        with pytest.raises(IncompatibleCollection, match=r"was written with encoder m@\w+"):
            await ask(engine)


async def test_broken_encoder_does_not_keep_the_engine_from_starting(tmp_path: Path) -> None:
    async with engine_with(tmp_path, encoder={"kind": "onnx", "model": str(tmp_path / "gone")}) as engine:
        with pytest.raises(ModelError, match=r"There is no folder .*gone\. Correct RESIFT_ENCODER__MODEL"):
            await ingest(engine)


@pytest.mark.parametrize(
    ("encoder", "said"),
    [
        ({"model": "BAAI/bge-small-en-v1.5"}, "set RESIFT_ENCODER__KIND too"),
        ({"kind": "onnx"}, "onnx needs a model"),
        ({"pooling": "cls"}, "pooling is for the kind onnx, and has no effect with bundled"),
        ({"kind": "torch", "model": "m", "pooling": "cls"}, "pooling is for the kind onnx"),
        ({"kind": "onnx", "model": "m", "dimension": 512}, "dimension is for the kind openai, and has no effect with"),
        ({"kind": "openai", "model": "m"}, "set OPENAI_BASE_URL or OPENAI_API_KEY"),
    ],
)
def test_settings_that_name_no_encoder_are_refused(tmp_path: Path, encoder: dict[str, Any], said: str) -> None:
    with pytest.raises(InvalidInput, match=said):
        build_engine(load_settings(data_dir=tmp_path, encoder=encoder))


def test_onnx_kind_reads_the_hub_layout(tmp_path: Path) -> None:
    folder = write_encoder(tmp_path / "hub", file="onnx/model.onnx")
    [found] = OnnxTextModel.open(folder).embed([QUERY], query=True)
    assert len(found.vector) == DIMENSION


async def test_client_of_a_language_model_is_made_in_advance_if_it_rephrases_queries(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made_by = watch_clients(monkeypatch)
    with chat_stand_in() as chat:
        for phrasings in (0, 1):
            llm = {"model": "small", "rephrase": phrasings}
            async with engine_with(tmp_path, llm=llm, OPENAI_BASE_URL=chat.url, OPENAI_API_KEY="sk-1") as engine:
                await engine.warm()
            assert len(made_by) == phrasings
        assert get_ident() not in made_by
        assert not chat.asked, "an endpoint costs money: nothing is asked before it is needed"
