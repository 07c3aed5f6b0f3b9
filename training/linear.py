"""Linear layers of the bundled models: plain fp32, or dynamically quantised to int8.

Both give `x @ weight` without the bias, which the operator that follows adds in its own pass.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from .graph import MICROSOFT, GraphWriter

Floats = NDArray[np.float32]
Weights = Mapping[str, Floats]
"""Tensors by name."""

FEED_FORWARD = ("widen", "narrow")  # kinds of linear layers, as bert_graph.linear_layers names them
EVERY_LAYER = ("qkv", "mix", *FEED_FORWARD)
INT8_MAX = 127  # symmetric: -128 is left out so that every weight has a negative


class Linear(Protocol):
    """Write the product of `x` [1, tokens, inputs] and `weight` [inputs, outputs] into a graph."""

    @property
    def compact(self) -> bool:
        """Return whether tables of embeddings are stored in int8 too."""
        ...

    def write(self, graph: GraphWriter, x: str, weight: Floats, *, name: str) -> str:
        """Return the name of the product [1, tokens, outputs]; `name` is the layer's, unique in the graph."""
        ...


@dataclass(frozen=True, slots=True)
class Exact:
    """Multiply in fp32."""

    @property
    def compact(self) -> bool:
        """Return False: tables stay fp32."""
        return False

    def write(self, graph: GraphWriter, x: str, weight: Floats, *, name: str) -> str:
        """Return the name of the product [1, tokens, outputs]."""
        return graph.node("MatMul", [x, graph.constant(f"{name}.weight", weight)], f"{name}.product")


@dataclass(frozen=True, slots=True)
class Int8:
    """Multiply in int8: weights by output channel beforehand, activations as they come.

    smoothing: by layer name, what each input channel is divided by before quantisation and its weights are multiplied
        by (Xiao et al. 2022, SmoothQuant, equation 3); layers without an entry are not smoothed.
    rows: the kinds of layers whose input is scaled by every token's own largest magnitude, not the whole text by one.
    """

    smoothing: Mapping[str, Floats]
    rows: tuple[str, ...] = ()

    @property
    def compact(self) -> bool:
        """Return True: tables are stored in int8."""
        return True

    def write(self, graph: GraphWriter, x: str, weight: Floats, *, name: str) -> str:
        """Return the name of the product [1, tokens, outputs]."""
        if name in self.smoothing:
            divisor = self.smoothing[name]
            inverse = graph.constant(f"{name}.smoothing", 1 / divisor)
            x = graph.node("Mul", [x, inverse], f"{name}.smooth")
            weight = weight * divisor[:, None]
        quantised, scale = by_column(weight)
        weights = graph.constant(f"{name}.weight", quantised), graph.constant(f"{name}.scale", scale)
        write = _by_rows if name.endswith(self.rows) else _whole
        return write(graph, x, *weights, name=name)


def _by_rows(graph: GraphWriter, x: str, weight: str, scale: str, *, name: str) -> str:
    magnitude = graph.node("Abs", [x], f"{name}.magnitude")
    axis = graph.constant("last_axis", np.array([-1], np.int64))
    largest = graph.node("ReduceMax", [magnitude, axis], f"{name}.largest")
    inverse = graph.node("Reciprocal", [largest], f"{name}.inverse")  # multiplying by it is faster than to divide
    unit = graph.node("Mul", [x, inverse], f"{name}.unit")
    product = _whole(graph, unit, weight, scale, name=f"{name}.unit")
    return graph.node("Mul", [product, largest], f"{name}.product")


def _whole(graph: GraphWriter, x: str, weight: str, scale: str, *, name: str) -> str:
    return graph.node("DynamicQuantizeMatMul", [x, weight, scale], f"{name}.product", domain=MICROSOFT)


def by_column(weight: Floats) -> tuple[NDArray[np.int8], Floats]:
    """Return int8 weights [inputs, outputs] and one scale per output; weight ~ int8 * scale."""
    return _quantise(weight, axis=0)


def by_row(table: Floats) -> tuple[NDArray[np.int8], Floats]:
    """Return an int8 table [rows, columns] and one scale per row [rows, 1]; table ~ int8 * scale."""
    quantised, scale = _quantise(table, axis=1)
    return quantised, scale[:, None]


def _quantise(values: Floats, *, axis: int) -> tuple[NDArray[np.int8], Floats]:
    scale = np.abs(values).max(axis=axis, keepdims=True) / INT8_MAX
    scale = np.where(scale == 0, 1, scale).astype(np.float32)
    return np.rint(values / scale).astype(np.int8), scale.squeeze(axis)
