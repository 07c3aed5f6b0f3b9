"""Small cross-encoders in every format, whose score is known: how many tokens of query and passage are equal."""

import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from onnx import TensorProto

from resift.models.bundled import BUNDLED, sha256_of
from resift.training.graph.builder import GraphWriter, Tensor

TOKENIZER = BUNDLED["all-MiniLM-L6-v2-int8"].folder / "tokenizer.json"
SEP_IN_COMMON = 1.0  # both sides end with [SEP]


def write_own(folder: Path, **changes: Any) -> Path:
    """Write a reranker in Resift's format; `changes` are to its reranker.json."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "model.onnx").write_bytes(overlap_graph(["input_ids", "token_type_ids"], output="score", shape=(1,)))
    shutil.copy(TOKENIZER, folder / "tokenizer.json")
    spec = {
        "format": 1,
        "name": "tiny-overlap",
        "window": 32,
        "query_tokens": 8,
        "calibration": {"slope": 2.0, "intercept": -3.0},
        "weights": {"fused": 0.25, "rerank": 0.75},
        "sha256": {name: sha256_of(folder / name) for name in ("model.onnx", "tokenizer.json")},
    }
    (folder / "reranker.json").write_text(json.dumps({**spec, **changes}))
    return folder


def write_exported(
    folder: Path,
    *,
    file: str = "model.onnx",
    inputs: Sequence[str] = ("input_ids", "attention_mask", "token_type_ids"),
    labels: int = 1,
    positions: int = 64,
) -> Path:
    """Write a cross-encoder as it lies on the hub."""
    (folder / file).parent.mkdir(parents=True, exist_ok=True)
    (folder / file).write_bytes(overlap_graph(inputs, output="logits", shape=(1, labels)))
    shutil.copy(TOKENIZER, folder / "tokenizer.json")
    (folder / "config.json").write_text(json.dumps({"model_type": "bert", "max_position_embeddings": positions}))
    (folder / "tokenizer_config.json").write_text(json.dumps({"model_max_length": 10**30}))
    return folder


def overlap_graph(inputs: Sequence[str], *, output: str, shape: tuple[int, ...]) -> bytes:
    """Return a model that counts equal tokens on both sides; without types, every token against every other."""
    graph = GraphWriter()
    axis = graph.constant("axis", np.array([1], np.int64))
    turned = graph.node("Transpose", ["input_ids"], "turned", attributes={"perm": [1, 0]})
    equal = graph.node("Equal", [turned, "input_ids"], "equal")
    counted = graph.node("Cast", [equal], "counted", attributes={"to": TensorProto.FLOAT})
    if "token_type_ids" in inputs:
        types = graph.node("Cast", ["token_type_ids"], "types", attributes={"to": TensorProto.FLOAT})
        first = graph.node("Sub", [graph.constant("one", np.array([1], np.float32)), types], "first")
        rows = graph.node("Transpose", [first], "rows", attributes={"perm": [1, 0]})
        counted = graph.node("Mul", [graph.node("Mul", [counted, rows], "asked"), types], "shared")
    if "attention_mask" in inputs:
        mask = graph.node("Cast", ["attention_mask"], "mask", attributes={"to": TensorProto.FLOAT})
        counted = graph.node("Mul", [counted, mask], "attended")
    by_row = graph.node("ReduceSum", [counted, axis], "by_row", attributes={"keepdims": 0})
    total = graph.node("ReduceSum", [by_row], "total", attributes={"keepdims": 0})
    wanted = graph.constant("shape", np.array(shape, np.int64))
    graph.node("Expand", [total, wanted], output)
    tensors = [Tensor(name, TensorProto.INT64, (1, "tokens")) for name in inputs]
    return graph.model("overlap", tensors, [Tensor(output, TensorProto.FLOAT, shape)]).SerializeToString()
