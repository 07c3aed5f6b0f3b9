"""Smoothing before quantisation: move the range of activations into the weights, where it does less harm."""

from collections.abc import Mapping, Sequence
from typing import TypeAlias

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper

from ...models.session import open_session
from .linear import Floats, Layers

Feed: TypeAlias = Mapping[str, NDArray[np.int64]]
"""The inputs of one run, by name."""

STRENGTH = 0.6  # alpha; mean cosine with all layers smoothed: .99810 at 0.4, .99874 at 0.5, .99892 at 0.6

SMOOTHED = ("qkv", "widen")  # layers after a normalisation; with the others as well, .99874 instead of .99897

SMALLEST = 1e-5


def smoothing(exact: onnx.ModelProto, layers: Mapping[str, Layers], feeds: Sequence[Feed]) -> dict[str, Floats]:
    """Return the divisors of each layer's input channels: max|x|^alpha / max|w|^(1 - alpha).

    Source: Xiao et al. 2022, SmoothQuant, equation 4. `exact` is the model in fp32, `layers` are its linear layers as
    `linear_layers` returns them, and `feeds` are real inputs.
    """
    weights = {
        name: np.max([np.abs(each.weight).max(axis=1) for each in group], axis=0)
        for name, group in layers.items()
        if name.endswith(SMOOTHED)
    }
    activations = _largest_inputs(exact, weights, feeds)
    return {name: _divisor(activations[name], weight) for name, weight in weights.items()}


def _divisor(activation: Floats, weight: Floats) -> Floats:
    ratio = np.maximum(activation, SMALLEST) ** STRENGTH / np.maximum(weight, SMALLEST) ** (1 - STRENGTH)
    return ratio.astype(np.float32)


def _largest_inputs(exact: onnx.ModelProto, channels: Mapping[str, Floats], feeds: Sequence[Feed]) -> dict[str, Floats]:
    """Return the largest magnitude of each input channel over all tokens of all feeds."""
    watched = [f"{name}.input" for name in channels]
    model = onnx.ModelProto()
    model.CopyFrom(exact)
    model.graph.output.extend(helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in watched)
    session = open_session(model.SerializeToString())
    largest = {name: np.zeros_like(each) for name, each in channels.items()}
    for feed in feeds:
        for name, values in zip(channels, session.run(watched, feed), strict=True):
            largest[name] = np.maximum(largest[name], np.abs(values[0]).max(axis=0))
    return largest
