"""The network of a reranker in torch: a BERT that reads query and passage together, and a head that compares them.

The head uses what an encoder has already learned: token vectors whose cosine tells how similar two words are in their
contexts. A reranker made from a bi-encoder therefore orders well before any training, while a new layer on [CLS] would
have to learn everything from labels.
"""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self, cast

import safetensors.torch
import torch
from sentence_transformers.base.modules import Module, Transformer
from sentence_transformers.cross_encoder import CrossEncoder
from torch import Tensor, nn
from torch.nn import functional
from transformers.utils import logging

from ..core.errors import InvalidInput, ModelError
from .base_model import HEAD_FOLDER, WEIGHTS_FILE
from .graph.dequantize import HEAD_FILE

BEST_SCALE = 20.0  # of a mean of cosines, which differ by about 0.1 between a good and a bad passage

MEAN_SCALE = 5.0

MASKED = 1e4  # subtracted from values that must not be chosen; small enough for 16 bits


class InteractionHead(Module):
    """Score a pair from its token vectors.

    score = a * sum_i w_i max_j cos(q_i, p_j) + b * cos(mean q, mean p) + v . h_0 + c

    q are the vectors of "[CLS] query [SEP]", p those of "passage [SEP]", h_0 that of [CLS], and w the softmax over the
    query's tokens of u . q_i. The first term is MaxSim (Khattab and Zaharia, "ColBERT", SIGIR 2020) with learned
    weights of the query's words, over vectors that attended to both texts. u, v and c start at 0.
    """

    config_keys = ["hidden"]  # noqa: RUF012 - read by sentence-transformers from the class

    def __init__(self, hidden: int) -> None:
        super().__init__()
        self.hidden = hidden
        self.importance = nn.Linear(hidden, 1, bias=False)
        self.summary = nn.Linear(hidden, 1)
        self.scales = nn.Parameter(torch.tensor([BEST_SCALE, MEAN_SCALE]))
        for parameter in (*self.importance.parameters(), *self.summary.parameters()):
            nn.init.zeros_(parameter)

    def forward(self, features: dict[str, Tensor], **_: Any) -> dict[str, Tensor]:
        """Add `scores` [pairs, 1] to the features; reads token_embeddings, token_type_ids and attention_mask."""
        hidden = features["token_embeddings"].float()
        real = features["attention_mask"].float()
        passage = features["token_type_ids"].float() * real
        query = real - passage
        with torch.autocast(hidden.device.type, enabled=False):  # in 16 bits, cosines would tie
            best = self._best(hidden, passage)
            weights = torch.softmax(self.importance(hidden)[..., 0] - MASKED * (1 - query), dim=1)
            means = functional.cosine_similarity(_mean(hidden, query), _mean(hidden, passage), dim=-1)
            parts = torch.stack([(weights * best).sum(dim=1), means], dim=1)
            features["scores"] = (parts * self.scales).sum(dim=1, keepdim=True) + self.summary(hidden[:, 0])
        return features

    def save(self, output_path: str, *args: Any, safe_serialization: bool = True, **_: Any) -> None:
        """Write the configuration and the weights."""
        self.save_config(output_path)
        self.save_torch_weights(output_path, safe_serialization=safe_serialization)

    @classmethod
    def load(cls, model_name_or_path: str, *args: Any, subfolder: str = "", **_: Any) -> Self:
        """Read the head that `save` wrote into a folder."""
        head = cls(**cls.load_config(model_name_or_path=model_name_or_path, subfolder=subfolder))
        head.load_state_dict(_read_weights(Path(model_name_or_path) / subfolder / WEIGHTS_FILE))
        return head

    @staticmethod
    def _best(hidden: Tensor, passage: Tensor) -> Tensor:
        """Return each token's highest cosine with a token of the passage, [pairs, tokens]."""
        unit = functional.normalize(hidden, dim=-1)
        cosines = unit @ unit.transpose(1, 2)
        return (cosines - MASKED * (1 - passage)[:, None, :]).max(dim=2).values


def _mean(hidden: Tensor, mask: Tensor) -> Tensor:
    return (hidden * mask[..., None]).sum(dim=1) / mask.sum(dim=1, keepdim=True).clamp(min=1)


def build_network(base: Path, *, window: int, layers: int = 0, attention: str = "eager") -> CrossEncoder:
    """Return a reranker with the weights of the BertModel in `base`, and with the head there or else an untrained one.

    window: tokens of a pair, including special tokens; longer passages are cut.
    layers: the number of layers to keep, evenly spaced and including the last; 0 keeps all.
    attention: transformers' name of the implementation. On a CPU in 16 bits, "eager" trains two to three times as fast
        as "sdpa", whose backward pass is slow there.

    Raises:
        InvalidInput: The model has fewer layers.
        ModelError: The model in the folder cannot be loaded.
    """
    body = _load_body(base, window, attention)
    bert = cast(Any, body.model)
    if not (base / HEAD_FILE).is_file():
        with torch.no_grad():  # a bi-encoder has not been trained with the second token type
            kinds = bert.embeddings.token_type_embeddings.weight
            kinds[1] = kinds[0]
    if layers:
        keep_layers(bert, layers)
    bert.embeddings.word_embeddings.requires_grad_(False)  # training them would take most of the time and gain nothing
    head = InteractionHead(bert.config.hidden_size)
    if (base / HEAD_FILE).is_file():
        head.load_state_dict(_read_weights(base / HEAD_FILE))
    return CrossEncoder(modules=[body, head], num_labels=1)


def freeze(network: CrossEncoder, layers: int) -> None:
    """Leave the embeddings and the lowest `layers` layers as they are; 0 freezes nothing."""
    bert = cast(Any, network[0]).model
    frozen = [bert.embeddings, *bert.encoder.layer[:layers]] if layers else []
    for parameter in (parameter for module in frozen for parameter in module.parameters()):
        parameter.requires_grad_(False)


def load_weights(network: CrossEncoder, checkpoint: Path) -> None:
    """Load the weights of one of the network's checkpoints."""
    body, head = cast(Any, network[0]), network[1]
    body.model.load_state_dict(_read_weights(checkpoint / WEIGHTS_FILE))
    head.load_state_dict(_read_weights(checkpoint / HEAD_FOLDER / WEIGHTS_FILE))


def _load_body(base: Path, window: int, attention: str) -> Transformer:
    try:
        with quiet():
            return Transformer(
                str(base),
                transformer_task="feature-extraction",
                model_kwargs={"attn_implementation": attention, "local_files_only": True},
                config_kwargs={"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0},
                max_seq_length=window,
            )
    except (OSError, ValueError, RuntimeError) as error:
        raise ModelError(f"The model {base} cannot be loaded: {error}. Choose another one with --base.") from error


@contextmanager
def quiet() -> Generator[None]:
    """Silence transformers, which reports every file and the missing BERT pooler, which a reranker does not need."""
    level, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(level)
        if bars:
            logging.enable_progress_bar()


def _read_weights(path: Path) -> dict[str, Tensor]:
    return cast(Any, safetensors.torch).load_file(path)


def keep_layers(bert: Any, count: int) -> None:
    """Keep `count` evenly spaced layers of a BertModel, including the last."""
    all_layers = list(bert.encoder.layer)
    if not 1 <= count <= len(all_layers):
        raise InvalidInput(
            f"--layers {count}: the base has {len(all_layers)} layers. Choose from 1 to {len(all_layers)}."
        )
    step = len(all_layers) / count
    chosen = [all_layers[round((place + 1) * step) - 1] for place in range(count)]
    bert.encoder.layer = nn.ModuleList(chosen)
    bert.config.num_hidden_layers = count
