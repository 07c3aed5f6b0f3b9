"""Late-interaction models of fastembed, loaded by fastembed's own code from a small model's files."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from onnx import TensorProto

from resift.core.errors import ModelError
from resift.models.text.token_vectors import TokenVectorModel
from resift.tests.models.rerankers import TOKENIZER
from resift.training.graph.builder import GraphWriter, Tensor

pytestmark = [pytest.mark.filterwarnings("ignore::DeprecationWarning")]

NAME = "answerdotai/answerai-colbert-small-v1"
WORDS, DIMENSION, WINDOW = 30_522, 16, 40


def write_colbert(folder: Path) -> Path:
    """Write a model that gives each token a direction of its own, whatever stands around it."""
    folder.mkdir(parents=True)
    graph = GraphWriter()
    table = np.random.default_rng(1).normal(size=(WORDS, DIMENSION)).astype(np.float32)
    graph.node("Gather", [graph.constant("table", table), "input_ids"], "contextual")
    inputs = [Tensor(name, TensorProto.INT64, ("texts", "tokens")) for name in ("input_ids", "attention_mask")]
    outputs = [Tensor("contextual", TensorProto.FLOAT, ("texts", "tokens", DIMENSION))]
    (folder / "vespa_colbert.onnx").write_bytes(graph.model("colbert", inputs, outputs).SerializeToString())
    shutil.copy(TOKENIZER, folder / "tokenizer.json")
    (folder / "config.json").write_text(json.dumps({"pad_token_id": 0}))
    (folder / "tokenizer_config.json").write_text(json.dumps({"model_max_length": WINDOW, "pad_token": "[PAD]"}))
    special = {"mask_token": "[MASK]", "pad_token": "[PAD]", "cls_token": "[CLS]", "sep_token": "[SEP]"}
    (folder / "special_tokens_map.json").write_text(json.dumps(special))
    return folder


def test_tokens_have_vectors_of_length_one_and_long_passages_are_known(tmp_path: Path) -> None:
    model = TokenVectorModel.open(NAME, str(write_colbert(tmp_path / "colbert")))
    query = model.embed_query("red brake")
    assert query.shape == (32, DIMENSION), "filled up with masks, as the model was trained"
    assert np.linalg.norm(query, axis=1) == pytest.approx(1, abs=1e-5)
    short, whole = model.embed_passage("a red brake")
    assert whole
    assert np.linalg.norm(short, axis=1) == pytest.approx(1, abs=1e-5)
    long, whole = model.embed_passage("brake " * 100)
    assert not whole
    assert len(long) <= WINDOW


def test_unknown_name_missing_folder_and_damaged_model_are_our_errors(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"the late-interaction model 'answerdotai/colbert'.*Known models: "):
        TokenVectorModel.open("answerdotai/colbert")
    with pytest.raises(ModelError, match="The folder /nowhere"):
        TokenVectorModel.open(NAME, "/nowhere")
    folder = write_colbert(tmp_path / "colbert")
    (folder / "vespa_colbert.onnx").write_bytes(b"no model")
    with pytest.raises(ModelError, match="cannot be loaded"):
        TokenVectorModel.open(NAME, str(folder))
