"""Export a trained reranker to int8 ONNX, and check it against the network that was trained."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray
from sentence_transformers.cross_encoder import CrossEncoder

from ..core.errors import ModelError
from ..models.bundled import MODEL_FILE, TOKENIZER_FILE
from ..models.session import Session, open_session
from .card import VariantQuality
from .comparison import mean_tau, milliseconds
from .development import DEPTH, mean_ndcg
from .graph.bert import BertShape, build_reranker, linear_layers
from .graph.linear import ACTIVATED, EVERY_LAYER, FEED_FORWARD, Exact, Floats, Int8, Linear, Weights
from .graph.smoothing import Feed, smoothing
from .mined import MinedQuestion

COMPARED_QUESTIONS = 40  # ordered by every variant, 1,000 pairs; the shipped variant orders all questions

CALIBRATION_PAIRS = 300  # from which the range of activations is measured

MIN_TAU = 0.93  # Kendall's tau to the fp32 model; a lower one means a different model

MAX_NDCG_LOSS = 0.01  # of nDCG@10; with fewer than 100 questions, what one question is worth

SHIPPED = "smoothed, narrow layers per row"

EXACT = "fp32"


@dataclass(frozen=True, slots=True)
class Exported:
    """The exported model: the variants measured, and the shipped variant's scores of all development questions."""

    layers: int
    variants: Mapping[str, VariantQuality]
    scores: list[Floats]


def export(network: CrossEncoder, dev: Sequence[MinedQuestion], out: Path) -> Exported:
    """Write the model and its tokenizer to `out`.

    Raises:
        ModelError: The int8 model does not rank like the network; nothing is written.
    """
    weights, head, shape = network_parts(network)
    groups = [[_feed(network, each.query, passage.text) for passage in each.candidates[:DEPTH]] for each in dev]
    feeds = [feed for group in groups for feed in group]
    exact, layers = build_reranker(weights, head, shape, Exact()), linear_layers(weights, shape)
    divisors = smoothing(exact, layers, feeds[:: max(1, len(feeds) // CALIBRATION_PAIRS)])
    kinds: dict[str, Linear] = {
        EXACT: Exact(),
        "plain": Int8({}),
        "smoothed": Int8(divisors),
        "per row": Int8({}, EVERY_LAYER),
        "smoothed, per row": Int8(divisors, EVERY_LAYER),
        "smoothed, feed-forward per row": Int8(divisors, FEED_FORWARD),
        SHIPPED: Int8(divisors, (ACTIVATED,)),
    }
    models = {name: build_reranker(weights, head, shape, kind).SerializeToString() for name, kind in kinds.items()}
    variants, scores = compare(models, groups[:COMPARED_QUESTIONS], dev[:COMPARED_QUESTIONS])
    check_variants(variants, questions=len(dev[:COMPARED_QUESTIONS]))
    shipped = open_session(models[SHIPPED], fits_int16=True)
    scores += [_scores(shipped, group) for group in groups[COMPARED_QUESTIONS:]]
    out.mkdir(parents=True, exist_ok=True)
    (out / MODEL_FILE).write_bytes(models[SHIPPED])
    tokenizer = _tokenizer(network)
    tokenizer.no_truncation()
    tokenizer.no_padding()
    tokenizer.save(str(out / TOKENIZER_FILE), pretty=False)
    return Exported(shape.layers, variants, scores)


def check_variants(variants: Mapping[str, VariantQuality], *, questions: int) -> None:
    """Check that the shipped int8 variant ranks like the fp32 model.

    Raises:
        ModelError: Its order differs too much.
    """
    shipped, exact = variants[SHIPPED], variants[EXACT]
    if shipped.tau < MIN_TAU or shipped.ndcg < exact.ndcg - max(MAX_NDCG_LOSS, 1 / questions):
        raise ModelError(
            f"In int8 the reranker orders differently: Kendall's tau is {shipped.tau:.3f} (minimum {MIN_TAU}), nDCG@10 "
            f"{shipped.ndcg:.4f} instead of {exact.ndcg:.4f}. Train on more questions, or longer (--steps)."
        )


def compare(
    models: Mapping[str, bytes], groups: Sequence[Sequence[Feed]], dev: Sequence[MinedQuestion]
) -> tuple[dict[str, VariantQuality], list[Floats]]:
    """Return how each variant ranks compared with the fp32 model, and the scores of the shipped variant."""
    sessions = {name: open_session(model, fits_int16=True) for name, model in models.items()}
    scores = {name: [_scores(session, group) for group in groups] for name, session in sessions.items()}
    times = milliseconds(sessions, [feed for group in groups for feed in group], output="score")
    qualities = {
        name: VariantQuality(
            tau=mean_tau(scores[EXACT], own),
            ndcg=mean_ndcg(dev, own, weight=1.0),
            size_bytes=len(models[name]),
            milliseconds=times[name],
        )
        for name, own in scores.items()
    }
    return qualities, scores[SHIPPED]


def network_parts(network: CrossEncoder) -> tuple[Weights, Weights, BertShape]:
    """Return the weights of the body and of the head, and the shape, as `build_reranker` takes them."""
    bert = cast(Any, network[0]).model
    weights = {name: tensor.float().cpu().numpy() for name, tensor in bert.state_dict().items()}
    head = {name: tensor.float().cpu().numpy() for name, tensor in network[1].state_dict().items()}
    config = bert.config
    return weights, head, BertShape(config.num_hidden_layers, config.num_attention_heads, config.layer_norm_eps)


def _feed(network: CrossEncoder, query: str, passage: str) -> Feed:
    features = cast(Any, network).preprocess([(query, passage)])
    return {name: features[name].cpu().numpy() for name in ("input_ids", "token_type_ids")}


def _scores(session: Session, group: Sequence[Feed]) -> NDArray[np.float32]:
    return np.concatenate([session.run(["score"], feed)[0] for feed in group])


def _tokenizer(network: CrossEncoder) -> Any:
    return cast(Any, network[0]).tokenizer.backend_tokenizer
