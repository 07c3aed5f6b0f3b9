"""Bring a trained reranker into the form Resift runs: ONNX in int8, checked against the network it came from."""

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
from .card import Agreement
from .fidelity import milliseconds
from .fit import DEPTH, mean_ndcg
from .graph.bert import BertShape, build_reranker, linear_layers
from .graph.linear import ACTIVATED, EVERY_LAYER, FEED_FORWARD, Exact, Floats, Int8, Linear, Weights
from .graph.smoothing import Feed, smoothing
from .mined import Mined

COMPARED = 40  # questions that every variant orders, 1,000 pairs; the shipped one orders all

CALIBRATED = 300  # pairs that tell how far activations reach

LEAST_TAU = 0.93  # Kendall's, to the exact model: below, int8 would be another model

MOST_LOST = 0.01  # nDCG@10; where questions are few, as much as one of them is worth

SHIPPED = "smoothed, narrow layers per row"

EXACT = "fp32"


@dataclass(frozen=True, slots=True)
class Exported:
    """What was written: the variants measured, and the shipped model's scores of every development question."""

    layers: int
    variants: Mapping[str, Agreement]
    scores: list[Floats]


def export(network: CrossEncoder, dev: Sequence[Mined], out: Path) -> Exported:
    """Write model and tokenizer into `out`.

    Raises:
        ModelError: the int8 model does not rank as the network does; nothing is written.
    """
    weights, head, shape = network_parts(network)
    groups = [[_feed(network, each.query, passage.text) for passage in each.candidates[:DEPTH]] for each in dev]
    every = [feed for group in groups for feed in group]
    exact, layers = build_reranker(weights, head, shape, Exact()), linear_layers(weights, shape)
    divisors = smoothing(exact, layers, every[:: max(1, len(every) // CALIBRATED)])
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
    variants, scores = compare(models, groups[:COMPARED], dev[:COMPARED])
    check(variants, questions=len(dev[:COMPARED]))
    shipped = open_session(models[SHIPPED])
    scores += [_scores(shipped, group) for group in groups[COMPARED:]]
    out.mkdir(parents=True, exist_ok=True)
    (out / MODEL_FILE).write_bytes(models[SHIPPED])
    tokenizer = _tokenizer(network)
    tokenizer.no_truncation()
    tokenizer.no_padding()
    tokenizer.save(str(out / TOKENIZER_FILE), pretty=False)
    return Exported(shape.layers, variants, scores)


def check(variants: Mapping[str, Agreement], *, questions: int) -> None:
    """Refuse an int8 model that is not the model that was trained.

    Raises:
        ModelError: its order differs too much.
    """
    shipped, exact = variants[SHIPPED], variants[EXACT]
    if shipped.tau < LEAST_TAU or shipped.ndcg < exact.ndcg - max(MOST_LOST, 1 / questions):
        raise ModelError(
            f"In int8 the reranker orders differently: Kendall's tau {shipped.tau:.3f} (at least {LEAST_TAU}), nDCG@10 "
            f"{shipped.ndcg:.4f} instead of {exact.ndcg:.4f}. Train on more questions, or longer (--steps)."
        )


def compare(
    models: Mapping[str, bytes], groups: Sequence[Sequence[Feed]], dev: Sequence[Mined]
) -> tuple[dict[str, Agreement], list[Floats]]:
    """Return how each variant ranks beside the exact one, and the scores of the one that is shipped."""
    sessions = {name: open_session(model) for name, model in models.items()}
    scores = {name: [_scores(session, group) for group in groups] for name, session in sessions.items()}
    times = milliseconds(sessions, [feed for group in groups for feed in group], output="score")
    found = {
        name: Agreement(
            tau=mean_tau(scores[EXACT], mine),
            ndcg=mean_ndcg(dev, mine, weight=1.0),
            size_bytes=len(models[name]),
            milliseconds=times[name],
        )
        for name, mine in scores.items()
    }
    return found, scores[SHIPPED]


def mean_tau(first: Sequence[Floats], second: Sequence[Floats]) -> float:
    """Return the mean over questions of Kendall's tau-b between two orders of the same passages."""
    return float(np.mean([_tau(one, other) for one, other in zip(first, second, strict=True)]))


def _tau(one: Floats, other: Floats) -> float:
    """Return tau-b (Kendall 1945): what pairs agree, by those that are no ties; 1 where neither order has any."""
    signs = [np.sign(values[:, None] - values) for values in (one, other)]
    untied = float(np.sqrt(np.prod([np.abs(each).sum() for each in signs], dtype=np.float64)))
    return float((signs[0] * signs[1]).sum()) / untied if untied else float(signs[0].any() == signs[1].any())


def network_parts(network: CrossEncoder) -> tuple[Weights, Weights, BertShape]:
    """Return the body's weights, the head's, and the shape, as bert_graph takes them."""
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
