"""Build the ONNX graph of a BERT-like encoder or reranker from its weights, without torch.

A graph runs one text or one pair at a time. Without batches it needs no padding and no attention mask, and a result
never depends on other texts. Weights have the names of Hugging Face's BertModel.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import onnx
from onnx import TensorProto

from .builder import MICROSOFT, GraphWriter, Tensor
from .interaction import write_interaction
from .linear import Affine, Layers, Linear, Weights, by_row

QKV = ("query", "key", "value")

DENSE = {"mix": "attention.output.dense", "widen": "intermediate.dense", "narrow": "output.dense"}
"""Our names of the other linear layers in a layer of a BertModel."""


@dataclass(frozen=True, slots=True)
class BertShape:
    """What the weights do not tell: the number of layers and heads, and the epsilon of layer normalisation."""

    layers: int
    heads: int
    epsilon: float = 1e-12


def build_encoder(weights: Weights, shape: BertShape, linear: Linear) -> onnx.ModelProto:
    """Return a model from `input_ids` int64 [1, tokens] to unit vectors.

    The outputs are `sentence_embedding`, float32 [1, hidden], the normalised mean over tokens, and `token_embeddings`,
    float32 [1, tokens, hidden], with every row normalised.
    """
    body = _Body(GraphWriter(), weights, shape=shape, linear=linear, layers=linear_layers(weights, shape))
    hidden = body.encode("input_ids")
    graph = body.graph
    axis = graph.constant("token_axis", np.array([1], np.int64))
    mean = graph.node("ReduceMean", [hidden, axis], "mean", attributes={"keepdims": 0})
    unit = {"axis": -1, "p": 2}
    sentence = graph.node("LpNormalization", [mean], "sentence_embedding", attributes=unit)
    tokens = graph.node("LpNormalization", [hidden], "token_embeddings", attributes=unit)
    width = body.width
    return graph.model(
        "encoder",
        [Tensor("input_ids", TensorProto.INT64, (1, "tokens"))],
        [Tensor(sentence, TensorProto.FLOAT, (1, width)), Tensor(tokens, TensorProto.FLOAT, (1, "tokens", width))],
    )


def build_reranker(weights: Weights, head: Weights, shape: BertShape, linear: Linear) -> onnx.ModelProto:
    """Return a model from `input_ids` and `token_type_ids`, int64 [1, tokens], to `score`, float32 [1].

    Types are 0 for "[CLS] query [SEP]" and 1 for "passage [SEP]". `head` has the weights of
    training.network.InteractionHead. It stays fp32, since it takes less than a hundredth of the time.
    """
    body = _Body(GraphWriter(), weights, shape=shape, linear=linear, layers=linear_layers(weights, shape))
    hidden = body.encode("input_ids", types="token_type_ids")
    score = write_interaction(body.graph, hidden, "token_type_ids", head)
    return body.graph.model(
        "reranker",
        [Tensor(name, TensorProto.INT64, (1, "tokens")) for name in ("input_ids", "token_type_ids")],
        [Tensor(score, TensorProto.FLOAT, (1,))],
    )


def linear_layers(weights: Weights, shape: BertShape) -> dict[str, Layers]:
    """Return the linear layers; those that share an input are under one name, such as "layer.0.qkv".

    In the graph, the layers under `name` read the tensor `<name>.input`.
    """
    layers: dict[str, Layers] = {}
    for index in range(shape.layers):
        name, source = f"layer.{index}", f"encoder.layer.{index}"
        layers[f"{name}.qkv"] = tuple(
            _affine(weights, f"{source}.attention.self.{kind}", f"{name}.qkv.{kind}") for kind in QKV
        )
        for kind, origin in DENSE.items():
            layers[f"{name}.{kind}"] = (_affine(weights, f"{source}.{origin}", f"{name}.{kind}"),)
    return layers


def _affine(weights: Weights, source: str, name: str) -> Affine:
    return Affine(name, weights[f"{source}.weight"].T, weights[f"{source}.bias"])


@dataclass(frozen=True, slots=True)
class _Body:
    """The graph below the head, from token ids to the last layer's hidden states [1, tokens, hidden]."""

    graph: GraphWriter
    weights: Weights
    shape: BertShape
    linear: Linear
    layers: Mapping[str, Layers]

    @property
    def width(self) -> int:
        return self.weights["embeddings.word_embeddings.weight"].shape[1]

    def encode(self, ids: str, *, types: str = "") -> str:
        hidden = self.embed(ids, types)
        for index in range(self.shape.layers):
            hidden = self.layer(hidden, index)
        return hidden

    def embed(self, ids: str, types: str) -> str:
        graph = self.graph
        kinds = self.weights["embeddings.token_type_embeddings.weight"]
        table = self.weights["embeddings.position_embeddings.weight"] + kinds[0]
        positions, zero = graph.constant("positions", table[None]), graph.constant("zero", np.array([0], np.int64))
        count = graph.node("Shape", [ids], "count", attributes={"start": 1})
        axis = graph.constant("token_axis", np.array([1], np.int64))
        position = graph.node("Slice", [positions, zero, count, axis], "position")
        added = [self.words(ids), position]
        if types:
            offsets = graph.constant("kinds", kinds - kinds[0])  # the table above already includes the first kind
            added.append(graph.node("Gather", [offsets, types], "kind"))
        return self.normalise(added, "embeddings.LayerNorm", "layer.0.qkv.input")

    def words(self, ids: str) -> str:
        graph, table = self.graph, self.weights["embeddings.word_embeddings.weight"]
        if not self.linear.compact:
            return graph.node("Gather", [graph.constant("words", table), ids], "word")
        quantised, scale = by_row(table)
        row = graph.node("Gather", [graph.constant("words", quantised), ids], "word.int8")
        wide = graph.node("Cast", [row], "word.wide", attributes={"to": TensorProto.FLOAT})
        size = graph.node("Gather", [graph.constant("words.scale", scale), ids], "word.scale")
        return graph.node("Mul", [wide, size], "word")

    def layer(self, hidden: str, index: int) -> str:
        name, source = f"layer.{index}", f"encoder.layer.{index}"
        mixed = self.linear_layer(self.attention(hidden, index), f"{name}.mix")
        hidden = self.normalise([mixed, hidden], f"{source}.attention.output.LayerNorm", f"{name}.widen.input")
        wide = self.graph.node("Gelu", [self.linear_layer(hidden, f"{name}.widen")], f"{name}.narrow.input")
        narrow = self.linear_layer(wide, f"{name}.narrow")
        last = index == self.shape.layers - 1
        output = "hidden" if last else f"layer.{index + 1}.qkv.input"
        return self.normalise([narrow, hidden], f"{source}.output.LayerNorm", output)

    def attention(self, hidden: str, index: int) -> str:
        name = f"layer.{index}.qkv"
        return self.graph.node(
            "MultiHeadAttention",
            self.linear.write(self.graph, hidden, self.layers[name], name=name),
            f"layer.{index}.mix.input",
            domain=MICROSOFT,
            attributes={"num_heads": self.shape.heads},
        )

    def linear_layer(self, x: str, name: str) -> str:
        return self.linear.write(self.graph, x, self.layers[name], name=name)[0]

    def normalise(self, added: list[str], source: str, name: str) -> str:
        parameters = [
            self.graph.constant(f"{source}.{kind}", self.weights[f"{source}.{kind}"]) for kind in ("weight", "bias")
        ]
        inputs = [self.sum(added), *parameters]
        return self.graph.node("LayerNormalization", inputs, name, attributes={"epsilon": self.shape.epsilon})

    def sum(self, added: list[str]) -> str:
        # Not Add, which ONNX Runtime would fuse with the next node into SkipLayerNormalization: 0.23 ms for 115 tokens,
        # against 0.03 ms for the two nodes.
        return self.graph.node("Sum", added, f"{added[0]}.sum")
