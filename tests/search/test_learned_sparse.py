"""Sparse models are loaded by fastembed from their files, and searched in place of BM25."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from onnx import TensorProto

from resift.core.errors import InvalidInput, ModelError
from resift.core.values import Document
from resift.ingest.job import Job
from resift.models.bundled import BUNDLED
from resift.models.workers import Workers
from resift.pipeline.question import Question
from resift.search.learned_sparse import FastembedSparse
from resift.server.engine import build_engine
from resift.server.settings import load_settings
from resift.server.vector_settings import VectorSettings
from resift.training.graph import GraphWriter, Tensor

pytestmark = [pytest.mark.anyio, pytest.mark.slow]

SPLADE = "prithivida/Splade_PP_en_v1"
VOCABULARY = 30522


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SPLADE in fastembed's form that weighs each token of a text log(1 + 1), and expands nothing."""
    made = tmp_path_factory.mktemp("splade")
    graph = GraphWriter()
    depth = graph.constant("depth", np.array(VOCABULARY, np.int64))
    values = graph.constant("values", np.array([0, 1], np.float32))
    graph.node("OneHot", ["input_ids", depth, values], "output", attributes={"axis": -1})
    inputs = [Tensor(name, TensorProto.INT64, ("b", "t")) for name in ("input_ids", "attention_mask")]
    outputs = [Tensor("output", TensorProto.FLOAT, ("b", "t", VOCABULARY))]
    (made / "onnx").mkdir()
    content = graph.model("splade", inputs, outputs).SerializeToString()
    for name in ("model.onnx", "onnx/model.onnx"):
        (made / name).write_bytes(content)
    shutil.copy(BUNDLED["all-MiniLM-L6-v2-int8"].folder / "tokenizer.json", made / "tokenizer.json")
    (made / "config.json").write_text(json.dumps({"pad_token_id": 0}))
    (made / "tokenizer_config.json").write_text(json.dumps({"model_max_length": 128, "pad_token": "[PAD]"}))
    (made / "special_tokens_map.json").write_text(json.dumps({"pad_token": "[PAD]"}))
    return made


async def test_model_is_loaded_from_a_folder_and_weighs_words(folder: Path) -> None:
    encoder = FastembedSparse(f"{SPLADE.lower()}={folder}", Workers(1))
    assert (encoder.fingerprint, encoder.idf) == (SPLADE, False)
    [text] = await encoder.encode(["pump pump seal"])
    query = await encoder.encode_query("seal")
    assert set(query.indices) < set(text.indices)
    assert text.values == pytest.approx([np.log(2)] * len(text.indices))


async def test_keyword_search_goes_by_the_model_the_collection_was_made_with(folder: Path, tmp_path: Path) -> None:
    words = f"{SPLADE}={folder}"
    made = build_engine(load_settings(data_dir=tmp_path, vectors=VectorSettings(words=words)))
    texts = {"pump": "The pump leaks at its seal.", "lamp": "The lamp flickers."}
    documents = [Document(name, "", text) for name, text in texts.items()]
    await made.services.ingestor.ingest(Job("default", documents, 2))
    page = await made.services.pipeline.ask(Question("leaks", mode="keyword"))
    assert page.ranking.hits[0].passage.document_id == "pump"
    assert page.ranking.hits[0].scores["sparse"] == pytest.approx(3 * np.log(2) ** 2)  # [CLS], leaks, [SEP]
    await made.close()

    other = build_engine(load_settings(data_dir=tmp_path))
    page = await other.services.pipeline.ask(Question("leaks"))
    assert any("set RESIFT_VECTORS__WORDS to prithivida/Splade" in note for note in page.ranking.notes)
    await other.close()


async def test_what_cannot_be_loaded_says_how_to_name_it(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match=r"'splade' is no model\..* Known: bm25, .*Qdrant/minicoil-v1"):
        FastembedSparse("splade", Workers(1))
    with pytest.raises(ModelError, match=r"No folder .*nowhere"):
        await FastembedSparse(f"{SPLADE}={tmp_path / 'nowhere'}", Workers(1)).encode(["x"])
    with pytest.raises(ModelError, match=r"could not be loaded: .*RESIFT_VECTORS__WORDS=.*=FOLDER"):
        await FastembedSparse(f"Qdrant/minicoil-v1={tmp_path}", Workers(1)).encode(["x"])
