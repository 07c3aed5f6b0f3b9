"""Linear layers in a graph: in fp32, or dynamically quantised to int8."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from .builder import MICROSOFT, GraphWriter

Floats = NDArray[np.float32]

Weights = Mapping[str, Floats]
"""Tensors by name."""

FEED_FORWARD = ("widen", "narrow")  # kinds of linear layers, as in the names that graph/bert.py gives them

EVERY_LAYER = ("qkv", "mix", *FEED_FORWARD)

ACTIVATED = "narrow"  # the kind whose input is the output of GELU

GELU_MINIMUM = 0.17  # GELU is never below -0.16998, so Abs can be left out, which saves 0.02 ms a layer

INT8_MAX = 127  # symmetric: without -128, every weight has a negative

PAIR_MAX = 128  # 255 * 128 fits into 16 bits; see `by_column`


@dataclass(frozen=True, slots=True)
class Affine:
    """A linear layer `x @ weight + bias`: weight [inputs, outputs], bias [outputs], and a name unique in the graph."""

    name: str
    weight: Floats
    bias: Floats


Layers = tuple[Affine, ...]
"""Linear layers that share an input, such as query, key and value."""


class Linear(Protocol):
    """Writes linear layers into a graph."""

    @property
    def compact(self) -> bool:
        """Return whether embedding tables are stored in int8 as well."""
        ...

    def write(self, graph: GraphWriter, x: str, layers: Sequence[Affine], *, name: str) -> list[str]:
        """Return the name of each layer's output [1, tokens, outputs] for `x` [1, tokens, inputs].

        `name` is what `linear_layers` calls them as a group.
        """
        ...


@dataclass(frozen=True, slots=True)
class Exact:
    """Multiplies in fp32."""

    @property
    def compact(self) -> bool:
        """Return False: tables stay in fp32."""
        return False

    def write(self, graph: GraphWriter, x: str, layers: Sequence[Affine], *, name: str) -> list[str]:
        """Return the name of each layer's output [1, tokens, outputs]."""
        del name
        return [_matmul(graph, x, layer) for layer in layers]


def _matmul(graph: GraphWriter, x: str, layer: Affine) -> str:
    weight = graph.constant(f"{layer.name}.weight", layer.weight)
    return _add_bias(graph, graph.node("MatMul", [x, weight], f"{layer.name}.product"), layer)


@dataclass(frozen=True, slots=True)
class Int8:
    """Multiplies in int8: weights are quantised by output channel in advance, activations while running.

    smoothing: divisors of the input channels by the name of a group of layers; the weights are multiplied by them
        (Xiao et al. 2022, SmoothQuant, equation 3). Layers without an entry are not smoothed.
    rows: the kinds of layers whose input has a scale for every token instead of one for the whole text.
    """

    smoothing: Mapping[str, Floats]
    rows: tuple[str, ...] = ()

    @property
    def compact(self) -> bool:
        """Return True: tables are stored in int8."""
        return True

    def write(self, graph: GraphWriter, x: str, layers: Sequence[Affine], *, name: str) -> list[str]:
        """Return the name of each layer's output [1, tokens, outputs]."""
        divisor = self.smoothing.get(name)
        if divisor is not None:
            x = graph.node("Mul", [x, graph.constant(f"{name}.smoothing", 1 / divisor)], f"{name}.smooth")
            layers = [replace(layer, weight=layer.weight * divisor[:, None]) for layer in layers]
        if not name.endswith(self.rows):
            quantised = _quantised(graph, x, name)
            return [
                _product(graph, quantised, layer, graph.constant(f"{layer.name}.bias", layer.bias)) for layer in layers
            ]
        largest = _largest(graph, x, name)
        inverse = graph.node("Reciprocal", [largest], f"{name}.inverse")  # multiplying by it is faster than dividing
        quantised = _quantised(graph, graph.node("Mul", [x, inverse], f"{name}.unit"), name)
        products = [_product(graph, quantised, layer) for layer in layers]
        scaled = [graph.node("Mul", [product, largest], f"{product}.scaled") for product in products]
        return [_add_bias(graph, each, layer) for each, layer in zip(scaled, layers, strict=True)]


def _largest(graph: GraphWriter, x: str, name: str) -> str:
    """Return the name of an upper bound of each token's magnitudes, [1, tokens, 1]."""
    axis = graph.constant("last_axis", np.array([-1], np.int64))
    if not name.endswith(ACTIVATED):
        return graph.node("ReduceMax", [graph.node("Abs", [x], f"{name}.magnitude"), axis], f"{name}.largest")
    deepest = graph.constant("gelu.deepest", np.array(GELU_MINIMUM, np.float32))
    return graph.node("Max", [graph.node("ReduceMax", [x, axis], f"{name}.highest"), deepest], f"{name}.largest")


def _quantised(graph: GraphWriter, x: str, name: str) -> tuple[str, ...]:
    """Return the names of `x` in uint8, of its scale and of its zero point."""
    names = f"{name}.uint8", f"{name}.step", f"{name}.zero"
    graph.node("DynamicQuantizeLinear", [x], names)
    return names


def _product(graph: GraphWriter, quantised: Sequence[str], layer: Affine, bias: str = "") -> str:
    x, step, zero = quantised
    values, sizes = by_column(layer.weight)
    weight, scale = graph.constant(f"{layer.name}.weight", values), graph.constant(f"{layer.name}.scale", sizes)
    inputs = [x, weight, step, scale, zero, *(["", bias] if bias else [])]
    return graph.node("MatMulIntegerToFloat", inputs, f"{layer.name}.product", domain=MICROSOFT)


def _add_bias(graph: GraphWriter, product: str, layer: Affine) -> str:
    return graph.node("Sum", [product, graph.constant(f"{layer.name}.bias", layer.bias)], f"{layer.name}.output")


def by_column(weight: Floats) -> tuple[NDArray[np.int8], Floats]:
    """Return int8 weights [inputs, outputs] and one scale per output; weight ~ int8 * scale.

    x86 processors without VNNI add the products of two neighbouring inputs, uint8 times int8, in 16 bits (VPMADDUBSW).
    So that no such sum overflows, weights of the same sign add up to `PAIR_MAX` at most, in pairs from the first
    input on. Scales grow by 1.2 to 1.3 for that; with 7-bit weights they would grow by 2.
    """
    scale = np.abs(weight).max(axis=0) / INT8_MAX
    for sign in (1, -1):
        part = np.maximum(sign * weight, 0)
        # Two roundings may add up to nearly 1.
        scale = np.maximum(scale, (part[0::2] + part[1::2]).max(axis=0) / (PAIR_MAX - 0.01))
    scale = _used(scale)
    return np.rint(weight / scale).astype(np.int8), scale


def by_row(table: Floats) -> tuple[NDArray[np.int8], Floats]:
    """Return an int8 table [rows, columns] and one scale per row [rows, 1]; table ~ int8 * scale."""
    scale = _used(np.abs(table).max(axis=1, keepdims=True) / INT8_MAX)
    return np.rint(table / scale).astype(np.int8), scale


def _used(scale: Floats) -> Floats:
    """Return the scales, with 1 for rows or columns of zeros."""
    return np.where(scale == 0, 1, scale).astype(np.float32)
