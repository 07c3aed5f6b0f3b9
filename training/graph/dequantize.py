"""Turn a reranker in Resift's format back into fp32 weights, so that training can start from it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
import onnx
from google.protobuf.message import DecodeError
from onnx import GraphProto, helper, numpy_helper

from ...core.errors import ModelError
from ...models.bundled import MODEL_FILE, TOKENIZER_FILE
from .bert import DENSE, QKV
from .builder import Array
from .linear import Floats, Weights

HEAD_FILE = "head.safetensors"


@dataclass(frozen=True, slots=True)
class GraphParts:
    """A reranker in fp32: the weights of its body and its head, and the config.json of the body as a BertModel."""

    bert: Weights
    head: Weights
    config: dict[str, object]


def unpack(folder: Path, out: Path) -> Path:
    """Write the reranker in `folder` to `out`, as a BertModel and a head, and return `out`.

    Raises:
        ModelError: `resift train` did not make the model.
    """
    import safetensors.numpy

    save_file = cast(Any, safetensors.numpy).save_file
    parts = read_parts(folder)
    out.mkdir(parents=True, exist_ok=True)
    save_file(dict(parts.bert), out / "model.safetensors", metadata={"format": "pt"})
    save_file(dict(parts.head), out / HEAD_FILE)
    (out / "config.json").write_text(json.dumps(parts.config, indent=2), encoding="utf-8")
    shutil.copy(folder / TOKENIZER_FILE, out / TOKENIZER_FILE)
    (out / "tokenizer_config.json").write_text(json.dumps({"tokenizer_class": "BertTokenizer"}), encoding="utf-8")
    return out


def read_parts(folder: Path) -> GraphParts:
    """Return the parts of the reranker in `folder`.

    Raises:
        ModelError: `resift train` did not make the model.
    """
    graph = _graph(folder / MODEL_FILE)
    constants = {each.name: numpy_helper.to_array(each) for each in graph.initializer}
    try:
        bert = bert_weights(constants)
        return GraphParts(bert, head_weights(constants), _config(bert, graph))
    except KeyError as error:
        raise ModelError(
            f"{folder / MODEL_FILE} has no {error}; only rerankers made by `resift train` can be a base. "
            "Choose another --base."
        ) from error


def bert_weights(constants: Mapping[str, Array]) -> Weights:
    """Return the body's weights by their names in BertModel, from the constants of a graph by graph/bert.py."""
    weights: dict[str, Floats] = {
        "embeddings.word_embeddings.weight": _floats(constants, "words") * _floats(constants, "words.scale"),
        "embeddings.position_embeddings.weight": _floats(constants, "positions")[0],
        "embeddings.token_type_embeddings.weight": _floats(
            constants, "kinds"
        ),  # the first kind is part of the positions
    }
    weights |= {name: _floats(constants, name) for name in constants if name.startswith(("encoder.", "embeddings."))}
    layer = 0
    while f"layer.{layer}.mix.weight" in constants:
        weights |= _layer(constants, layer)
        layer += 1
    return {name: np.ascontiguousarray(value) for name, value in weights.items()}


def head_weights(constants: Mapping[str, Array]) -> Weights:
    """Return the head's weights by their names in InteractionHead."""
    return {
        "importance.weight": _floats(constants, "importance")[None],
        "summary.weight": _floats(constants, "summary")[None],
        "summary.bias": _floats(constants, "summary.bias"),
        "scales": np.concatenate([_floats(constants, f"{name}.scale") for name in ("matched", "means")]),
    }


def _layer(constants: Mapping[str, Array], index: int) -> dict[str, Floats]:
    name, source = f"layer.{index}", f"encoder.layer.{index}"
    found: dict[str, Floats] = {}
    for kind in QKV:
        found |= _dense(constants, f"{name}.qkv.{kind}", f"{source}.attention.self.{kind}", smoothed=f"{name}.qkv")
    for kind, origin in DENSE.items():
        found |= _dense(constants, f"{name}.{kind}", f"{source}.{origin}", smoothed=f"{name}.{kind}")
    return found


def _dense(constants: Mapping[str, Array], name: str, source: str, *, smoothed: str) -> dict[str, Floats]:
    """Return a layer's weights, with smoothing undone, and its bias."""
    matrix = _floats(constants, f"{name}.weight") * _floats(constants, f"{name}.scale")
    if f"{smoothed}.smoothing" in constants:
        matrix = matrix * _floats(constants, f"{smoothed}.smoothing")[:, None]
    return {f"{source}.weight": matrix.T, f"{source}.bias": _floats(constants, f"{name}.bias")}


def _floats(constants: Mapping[str, Array], name: str) -> Floats:
    return constants[name].astype(np.float32)


def _config(weights: Weights, graph: GraphProto) -> dict[str, object]:
    words, hidden = weights["embeddings.word_embeddings.weight"].shape
    return {
        "architectures": ["BertModel"],
        "model_type": "bert",
        "vocab_size": words,
        "hidden_size": hidden,
        "num_hidden_layers": sum(name.endswith("intermediate.dense.weight") for name in weights),
        "num_attention_heads": _attribute(graph, "MultiHeadAttention", "num_heads"),
        "intermediate_size": weights["encoder.layer.0.intermediate.dense.bias"].shape[0],
        "max_position_embeddings": weights["embeddings.position_embeddings.weight"].shape[0],
        "type_vocab_size": weights["embeddings.token_type_embeddings.weight"].shape[0],
        "layer_norm_eps": _attribute(graph, "LayerNormalization", "epsilon"),
        "hidden_act": "gelu",
        "pad_token_id": 0,
    }


def _attribute(graph: GraphProto, kind: str, name: str) -> float:
    """Return an attribute of the first operator of a kind.

    Raises:
        KeyError: There is no such operator or attribute.
    """
    found: Iterator[Any] = (
        helper.get_attribute_value(each)
        for node in graph.node
        if node.op_type == kind
        for each in node.attribute
        if each.name == name
    )
    value = next(found, None)
    if value is None:
        raise KeyError(f"{kind}.{name}")
    return value


def _graph(path: Path) -> GraphProto:
    try:
        return cast(Any, onnx).load(str(path)).graph
    except (OSError, DecodeError) as error:
        raise ModelError(f"{path} cannot be read: {error}. Copy the reranker's files again.") from error
