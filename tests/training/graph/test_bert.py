"""Our graphs compute what a BERT encoder computes: compared with a numpy forward pass that shares no code with them."""

import math
from typing import Any, cast

import numpy as np
import onnx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray
from onnx import TensorProto, numpy_helper

from resift.models.bundled import MODEL_FILE, RERANKER_FOLDER
from resift.models.pair.spec import read_spec
from resift.models.session import open_session
from resift.training.comparison import milliseconds
from resift.training.graph.bert import BertShape, build_encoder, linear_layers
from resift.training.graph.builder import GraphWriter, Tensor
from resift.training.graph.linear import ACTIVATED, EVERY_LAYER, FEED_FORWARD, Exact, Int8, Linear, by_column, by_row
from resift.training.graph.smoothing import Feed, smoothing

Floats = NDArray[np.float32]

HIDDEN, WIDE, WORDS, POSITIONS, LAYERS, HEADS, EPSILON = 32, 64, 50, 40, 2, 4, 1e-12


def random_weights(seed: int = 0) -> dict[str, Floats]:
    """Return weights of a tiny BertModel by Hugging Face's names, with a few outlying channels as real ones have."""
    rng = np.random.default_rng(seed)

    def dense(prefix: str, outputs: int, inputs: int) -> dict[str, Floats]:
        return {
            f"{prefix}.weight": (rng.normal(size=(outputs, inputs)) / math.sqrt(inputs)).astype(np.float32),
            f"{prefix}.bias": rng.normal(scale=0.1, size=outputs).astype(np.float32),
        }

    def norm(prefix: str) -> dict[str, Floats]:
        scale = rng.normal(1, 0.1, HIDDEN)
        scale[:2] *= 8
        bias = rng.normal(scale=0.1, size=HIDDEN)
        return {f"{prefix}.weight": scale.astype(np.float32), f"{prefix}.bias": bias.astype(np.float32)}

    def table(prefix: str, rows: int) -> dict[str, Floats]:
        return {f"embeddings.{prefix}_embeddings.weight": rng.normal(size=(rows, HIDDEN)).astype(np.float32)}

    weights = (
        table("word", WORDS) | table("position", POSITIONS) | table("token_type", 2) | norm("embeddings.LayerNorm")
    )
    for index in range(LAYERS):
        layer = f"encoder.layer.{index}"
        for kind in ("query", "key", "value"):
            weights |= dense(f"{layer}.attention.self.{kind}", HIDDEN, HIDDEN)
        weights |= dense(f"{layer}.attention.output.dense", HIDDEN, HIDDEN)
        weights |= dense(f"{layer}.intermediate.dense", WIDE, HIDDEN) | dense(f"{layer}.output.dense", HIDDEN, WIDE)
        weights |= norm(f"{layer}.attention.output.LayerNorm") | norm(f"{layer}.output.LayerNorm")
    return weights


def hidden_states(weights: dict[str, Floats], ids: list[int]) -> NDArray[np.float64]:
    """Return the last layer's states [tokens, hidden] in double precision."""
    w = {name: value.astype(np.float64) for name, value in weights.items()}
    tokens = len(ids)
    x = w["embeddings.word_embeddings.weight"][ids] + w["embeddings.position_embeddings.weight"][:tokens]
    x = _norm(w, "embeddings.LayerNorm", x + w["embeddings.token_type_embeddings.weight"][0])
    for index in range(LAYERS):
        layer = f"encoder.layer.{index}"
        x = _norm(w, f"{layer}.attention.output.LayerNorm", x + _attention(w, layer, x))
        wide = _gelu(_dense(w, f"{layer}.intermediate.dense", x))
        x = _norm(w, f"{layer}.output.LayerNorm", x + _dense(w, f"{layer}.output.dense", wide))
    return x


def _attention(w: dict[str, NDArray[np.float64]], layer: str, x: NDArray[np.float64]) -> NDArray[np.float64]:
    query, key, value = (_dense(w, f"{layer}.attention.self.{kind}", x) for kind in ("query", "key", "value"))
    size = HIDDEN // HEADS
    mixed = np.empty_like(x)
    for head in range(HEADS):
        part = slice(head * size, (head + 1) * size)
        scores = query[:, part] @ key[:, part].T / math.sqrt(size)
        weight = np.exp(scores - scores.max(axis=1, keepdims=True))
        mixed[:, part] = weight / weight.sum(axis=1, keepdims=True) @ value[:, part]
    return _dense(w, f"{layer}.attention.output.dense", mixed)


def _dense(w: dict[str, NDArray[np.float64]], name: str, x: NDArray[np.float64]) -> NDArray[np.float64]:
    return x @ w[f"{name}.weight"].T + w[f"{name}.bias"]


def _norm(w: dict[str, NDArray[np.float64]], name: str, x: NDArray[np.float64]) -> NDArray[np.float64]:
    centred = x - x.mean(axis=1, keepdims=True)
    unit = centred / np.sqrt((centred**2).mean(axis=1, keepdims=True) + EPSILON)
    return unit * w[f"{name}.weight"] + w[f"{name}.bias"]


def _gelu(x: NDArray[np.float64]) -> NDArray[np.float64]:
    return x * 0.5 * (1 + np.vectorize(math.erf)(x / math.sqrt(2)))


SHAPE = BertShape(LAYERS, HEADS, EPSILON)
WEIGHTS = random_weights()
TEXTS = [[int(word) for word in np.random.default_rng(length).integers(0, WORDS, length)] for length in range(2, 32, 3)]
IDS = [np.array([text], np.int64) for text in TEXTS]
FEEDS: list[Feed] = [{"input_ids": ids} for ids in IDS]


def unit(values: NDArray[np.float64]) -> NDArray[np.float64]:
    return values / np.linalg.norm(values, axis=-1, keepdims=True)


EXPECTED = np.stack([unit(hidden_states(WEIGHTS, text).mean(axis=0)) for text in TEXTS])


def divisors() -> dict[str, Floats]:
    return smoothing(build_encoder(WEIGHTS, SHAPE, Exact()), linear_layers(WEIGHTS, SHAPE), FEEDS)


def cosines(linear: Linear) -> NDArray[np.float64]:
    session = open_session(build_encoder(WEIGHTS, SHAPE, linear).SerializeToString())
    found = np.concatenate([session.run(["sentence_embedding"], {"input_ids": ids})[0] for ids in IDS])
    return (found * EXPECTED).sum(axis=1)


def test_fp32_graph_equals_the_reference() -> None:
    session = open_session(build_encoder(WEIGHTS, SHAPE, Exact()).SerializeToString())
    for ids, text, expected in zip(IDS, TEXTS, EXPECTED, strict=True):
        sentence, tokens = session.run(["sentence_embedding", "token_embeddings"], {"input_ids": ids})
        assert sentence[0] == pytest.approx(expected, abs=1e-5)
        assert tokens[0] == pytest.approx(unit(hidden_states(WEIGHTS, text)), abs=1e-5)


@pytest.mark.parametrize("rows", [(), (ACTIVATED,), FEED_FORWARD, EVERY_LAYER])
@pytest.mark.parametrize("smoothed", [False, True])
def test_int8_graph_stays_near_the_reference(rows: tuple[str, ...], smoothed: bool) -> None:
    assert cosines(Int8(divisors() if smoothed else {}, rows)).min() > 0.99


def test_smoothing_with_row_scales_is_nearer_than_neither() -> None:
    both = cosines(Int8(divisors(), EVERY_LAYER))
    assert 1 - both.mean() < (1 - cosines(Int8({})).mean()) / 2


def test_a_row_scale_makes_a_token_independent_of_its_neighbours_sizes() -> None:
    quantised, scale = by_row(np.array([[1, -2], [100, 50]], np.float32))
    assert quantised.tolist() == [[64, -127], [127, 64]]
    assert scale[:, 0] == pytest.approx([2 / 127, 100 / 127])


def test_a_channel_of_zeros_stays_zero() -> None:
    quantised, scale = by_column(np.array([[0, 1], [0, -1]], np.float32))
    assert quantised.tolist() == [[0, 127], [0, -127]]
    assert scale == pytest.approx([1, 1 / 127])


def fits_16_bits(weight: NDArray[np.int8]) -> bool:
    """Return whether neighbours of one sign, times 255, add up to what 16 bits hold."""
    parts = np.maximum(weight, 0), np.minimum(weight, 0)
    return all(np.abs(part[0::2].astype(np.int16) + part[1::2]).max() <= 32767 // 255 for part in parts)


@given(arrays(np.float32, (6, 3), elements=st.floats(-9, 9, width=32)))
def test_neighbouring_weights_add_up_to_what_16_bits_hold(weight: Floats) -> None:
    quantised, scale = by_column(weight)
    assert fits_16_bits(quantised)
    assert np.abs(quantised * scale - weight).max() <= 0.51 * scale.max()


def test_int8_sums_are_the_same_with_the_kernels_of_all_processors() -> None:
    """Every input is 255 or 0, so that each pair of weights of one sign gives the largest sum it can."""
    generator = np.random.default_rng(3)
    weight, _ = by_column(generator.normal(size=(HIDDEN, 50)).astype(np.float32))
    signs = np.concatenate([weight.T > 0, weight.T < 0])
    inputs = np.where(signs, 255, 0).astype(np.uint8)
    graph = GraphWriter()
    graph.node("MatMulInteger", ["a", graph.constant("b", weight)], "c")
    tensors = [Tensor("a", TensorProto.UINT8, (100, HIDDEN))], [Tensor("c", TensorProto.INT32, (100, 50))]
    session = open_session(graph.model("sums", *tensors).SerializeToString(), fits_int16=True)
    assert (session.run(["c"], {"a": inputs})[0] == inputs.astype(np.int32) @ weight).all()


def test_bundled_reranker_says_whether_its_sums_fit_into_16_bits() -> None:
    graph = cast(Any, onnx).load(str(RERANKER_FOLDER / MODEL_FILE)).graph
    weights = [
        numpy_helper.to_array(each)
        for each in graph.initializer
        if each.data_type == TensorProto.INT8 and each.name.endswith(".weight")
    ]
    assert len(weights) == 36
    assert read_spec(RERANKER_FOLDER).fits_int16 == all(map(fits_16_bits, weights))


def test_int8_files_are_a_quarter_of_fp32_files() -> None:
    weights = WEIGHTS | {
        "embeddings.word_embeddings.weight": np.random.default_rng(0).normal(size=(4000, HIDDEN)).astype(np.float32)
    }
    exact, small = (
        len(build_encoder(weights, SHAPE, kind).SerializeToString()) for kind in (Exact(), Int8({}, EVERY_LAYER))
    )
    assert small < exact * 0.35


def test_the_same_weights_give_the_same_bytes() -> None:
    one, other = (
        build_encoder(WEIGHTS, SHAPE, Int8({}, EVERY_LAYER)).SerializeToString(deterministic=True) for _ in range(2)
    )
    assert one == other


def test_every_linear_layer_is_named_once() -> None:
    layers = linear_layers(WEIGHTS, SHAPE)
    assert len(layers) == 4 * LAYERS
    assert [each.weight.shape for each in layers["layer.0.qkv"]] == [(HIDDEN, HIDDEN)] * 3


def test_variants_are_timed_in_turn() -> None:
    session = open_session(build_encoder(WEIGHTS, SHAPE, Exact()).SerializeToString())
    times = milliseconds({"one": session, "other": session}, FEEDS, output="sentence_embedding")
    assert all(time > 0 for time in times.values())
