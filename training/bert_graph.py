"""Build the ONNX graph of a BERT-like encoder or reranker from its weights, without torch.

One text, or one pair, at a time: no batch, hence no padding and no attention mask, and a result never depends on its
neighbours. Weights go by their names in Hugging Face's BertModel.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import onnx
from onnx import TensorProto

from .graph import MICROSOFT, GraphWriter, Tensor
from .head_graph import write_head
from .linear import Floats, Linear, Weights, by_row

QKV = ("query", "key", "value")


@dataclass(frozen=True, slots=True)
class BertShape:
    """What the weights do not say: the number of layers and heads, and the epsilon of layer normalisation."""

    layers: int
    heads: int
    epsilon: float = 1e-12


def build_encoder(weights: Weights, shape: BertShape, linear: Linear) -> onnx.ModelProto:
    """Return a model from `input_ids` int64 [1, tokens] to unit vectors.

    Outputs: `sentence_embedding` float32 [1, hidden], the normalised mean over tokens, and `token_embeddings`
    float32 [1, tokens, hidden], each row normalised.
    """
    body = _Body(GraphWriter(), weights, shape, linear, linear_layers(weights, shape))
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

    Types are 0 for "[CLS] query [SEP]" and 1 for "passage [SEP]". The head is training.network.InteractionHead, by the
    names of its weights; it stays fp32, for it costs less than a hundredth of the layers below.
    """
    body = _Body(GraphWriter(), weights, shape, linear, linear_layers(weights, shape))
    hidden = body.encode("input_ids", types="token_type_ids")
    score = write_head(body.graph, hidden, "token_type_ids", head)
    return body.graph.model(
        "reranker",
        [Tensor(name, TensorProto.INT64, (1, "tokens")) for name in ("input_ids", "token_type_ids")],
        [Tensor(score, TensorProto.FLOAT, (1,))],
    )


def linear_layers(weights: Weights, shape: BertShape) -> dict[str, Floats]:
    """Return the weights [inputs, outputs] of every linear layer, by a name such as "layer.0.qkv".

    Query, key and value are one layer here. In the graph, layer `name` reads the tensor `<name>.input`.
    """
    layers: dict[str, Floats] = {}
    for index in range(shape.layers):
        source = f"encoder.layer.{index}"
        stacked = [weights[f"{source}.attention.self.{kind}.weight"] for kind in QKV]
        layers[f"layer.{index}.qkv"] = np.concatenate(stacked).T
        layers[f"layer.{index}.mix"] = weights[f"{source}.attention.output.dense.weight"].T
        layers[f"layer.{index}.widen"] = weights[f"{source}.intermediate.dense.weight"].T
        layers[f"layer.{index}.narrow"] = weights[f"{source}.output.dense.weight"].T
    return layers


@dataclass(frozen=True, slots=True)
class _Body:
    """The part below any head: ids in, the last layer's hidden states [1, tokens, hidden] out."""

    graph: GraphWriter
    weights: Weights
    shape: BertShape
    linear: Linear
    matrices: Mapping[str, Floats]

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
            further = graph.constant("kinds", kinds - kinds[0])  # the table above holds the first kind already
            added.append(graph.node("Gather", [further, types], "kind"))
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
        product = self.product(self.attention(hidden, index), f"{name}.mix")
        hidden = self.add_and_normalise(product, hidden, f"{source}.attention.output", f"{name}.widen.input")
        wide = self.sum([self.product(hidden, f"{name}.widen"), self.parameter(f"{source}.intermediate.dense.bias")])
        wide = self.graph.node("Gelu", [wide], f"{name}.narrow.input")
        last = index == self.shape.layers - 1
        output = "hidden" if last else f"layer.{index + 1}.qkv.input"
        return self.add_and_normalise(self.product(wide, f"{name}.narrow"), hidden, f"{source}.output", output)

    def attention(self, hidden: str, index: int) -> str:
        name = f"layer.{index}.qkv"
        parts = [f"{name}.{kind}" for kind in QKV]
        attributes = {"axis": 2, "num_outputs": 3}
        self.graph.node("Split", [self.product(hidden, name)], parts, attributes=attributes)
        bias = np.concatenate([self.weights[f"encoder.layer.{index}.attention.self.{kind}.bias"] for kind in QKV])
        return self.graph.node(
            "MultiHeadAttention",
            [*parts, self.graph.constant(f"{name}.bias", bias)],
            f"layer.{index}.mix.input",
            domain=MICROSOFT,
            attributes={"num_heads": self.shape.heads},
        )

    def product(self, x: str, name: str) -> str:
        return self.linear.write(self.graph, x, self.matrices[name], name=name)

    def add_and_normalise(self, x: str, residual: str, source: str, name: str) -> str:
        return self.normalise([x, residual, self.parameter(f"{source}.dense.bias")], f"{source}.LayerNorm", name)

    def normalise(self, added: list[str], source: str, name: str) -> str:
        inputs = [self.sum(added), self.parameter(f"{source}.weight"), self.parameter(f"{source}.bias")]
        return self.graph.node("LayerNormalization", inputs, name, attributes={"epsilon": self.shape.epsilon})

    def sum(self, added: list[str]) -> str:
        # Not Add, which ONNX Runtime would fuse with what follows: into SkipLayerNormalization (0.23 ms for 115 tokens,
        # against 0.03 for the two) and BiasGelu (0.15, against 0.12).
        return self.graph.node("Sum", added, f"{added[0]}.sum")

    def parameter(self, source: str) -> str:
        return self.graph.constant(source, self.weights[source])
