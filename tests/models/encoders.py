"""Small encoders in two formats, in which each token has a direction of its own, whatever stands around it."""

import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from onnx import TensorProto

from resift.tests.models.rerankers import TOKENIZER
from resift.training.graph.builder import GraphWriter, Tensor

WORDS, DIMENSION, WINDOW = 30_522, 16, 40
TABLE = np.random.default_rng(3).normal(size=(WORDS, DIMENSION)).astype(np.float32)
FASTEMBED = "sentence-transformers/all-MiniLM-L6-v2"


def write_encoder(
    folder: Path,
    *,
    inputs: Sequence[str] = ("input_ids", "attention_mask"),
    pooling: dict[str, Any] | None = None,
    file: str = "model.onnx",
) -> Path:
    """Write an encoder as it lies on the hub; `pooling` is what 1_Pooling/config.json says."""
    (folder / file).parent.mkdir(parents=True, exist_ok=True)
    graph = GraphWriter()
    graph.node("Gather", [graph.constant("table", TABLE), "input_ids"], "last_hidden_state")
    given = [Tensor(name, TensorProto.INT64, ("texts", "tokens")) for name in inputs]
    outputs = [Tensor("last_hidden_state", TensorProto.FLOAT, ("texts", "tokens", DIMENSION))]
    (folder / file).write_bytes(graph.model("encoder", given, outputs).SerializeToString())
    shutil.copy(TOKENIZER, folder / "tokenizer.json")
    config = {"model_type": "bert", "max_position_embeddings": WINDOW, "pad_token_id": 0}
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "tokenizer_config.json").write_text(json.dumps({"model_max_length": WINDOW, "pad_token": "[PAD]"}))
    special = {"mask_token": "[MASK]", "pad_token": "[PAD]", "cls_token": "[CLS]", "sep_token": "[SEP]"}
    (folder / "special_tokens_map.json").write_text(json.dumps(special))
    if pooling is not None:
        (folder / "1_Pooling").mkdir()
        (folder / "1_Pooling" / "config.json").write_text(json.dumps(pooling))
    return folder


def write_fastembed(folder: Path) -> Path:
    """Write the files that fastembed looks for under the name `FASTEMBED`."""
    from fastembed import TextEmbedding

    listed = {str(each["model"]): str(each["model_file"]) for each in TextEmbedding.list_supported_models()}
    return write_encoder(folder, file=listed[FASTEMBED])
