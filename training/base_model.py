"""The model that training starts from: a BertModel saved by transformers, or a reranker in Resift's format."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..core.errors import InvalidInput
from ..models.pair.spec import SPEC_FILE, read_spec, verify_reranker

CONFIG_FILE = "config.json"

WEIGHTS_FILE = "model.safetensors"

HEAD_FOLDER = "1_InteractionHead"  # of a checkpoint; what sentence-transformers calls the second module

BEST_FILE = "best.txt"  # beside the checkpoints of a run that has ended: the name of the best one

BUNDLED_BASE = "bundled"

MAXIMA = {
    "--window": "max_position_embeddings",
    "--layers": "num_hidden_layers",
    "--freeze": "num_hidden_layers",
}


def is_resift_reranker(folder: Path) -> bool:
    """Return whether a folder holds a reranker in Resift's format."""
    return (folder / SPEC_FILE).is_file()


def base_model_name(folder: Path) -> str:
    """Return the name of the model in a folder."""
    return read_spec(folder).name if is_resift_reranker(folder) else folder.resolve().name


def check_base_model(folder: Path, options: Mapping[str, int], *, given: str = "--base") -> None:
    """Check that a base can be trained with these values of `MAXIMA`'s options. `given` is the option that named it.

    Raises:
        InvalidInput: The base is not a BertModel, or it is smaller than an option asks for.
        ModelError: The base is a reranker in Resift's format that is damaged, or that `resift train` did not make.
    """
    config = _own_config(folder) if is_resift_reranker(folder) else _config(folder, given)
    for option, wanted in options.items():
        key = MAXIMA[option]
        if wanted > config.get(key, wanted):
            raise InvalidInput(f"{option} {wanted} is more than {given} {folder} has: {config[key]}. Lower it.")


def _own_config(folder: Path) -> Mapping[str, Any]:
    from .graph.dequantize import read_parts  # imported here because it needs onnx, from the extra `train`

    verify_reranker(folder)
    return read_parts(folder).config


def _config(folder: Path, given: str) -> Mapping[str, Any]:
    path = folder / CONFIG_FILE
    try:
        config: dict[str, Any] = json.loads(path.read_bytes())
    except (OSError, ValueError) as error:
        raise InvalidInput(
            f"{given}: {path} cannot be read: {error}. Give a folder with a BertModel or one of Resift's rerankers."
        ) from error
    if config.get("model_type") != "bert" or config.get("hidden_act", "gelu") != "gelu":
        raise InvalidInput(
            f"{given}: {folder} holds a model of type {config.get('model_type')!r} with the activation "
            f"{config.get('hidden_act', 'gelu')!r}; only 'bert' with 'gelu' can be trained. Choose another one."
        )
    return config
