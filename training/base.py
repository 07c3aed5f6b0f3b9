"""The model that training starts from: a BertModel as transformers saves it, or a reranker of Resift's own form."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..core.errors import InvalidInput
from ..models.pair.spec import SPEC_FILE, read_spec, verify_reranker

CONFIG_FILE = "config.json"

LIMITS = {"--window": "max_position_embeddings", "--layers": "num_hidden_layers"}


def is_own(folder: Path) -> bool:
    """Return whether a folder holds a reranker of Resift's own form."""
    return (folder / SPEC_FILE).is_file()


def base_name(folder: Path) -> str:
    """Return what the model in a folder is called."""
    return read_spec(folder).name if is_own(folder) else folder.resolve().name


def check_base(folder: Path, options: Mapping[str, int]) -> None:
    """Refuse a base that cannot be trained, or has less than the options of LIMITS ask of it.

    Raises:
        InvalidInput: it is no BertModel, or too small.
        ModelError: it is a reranker of Resift's own that is damaged, or that `resift train` did not make.
    """
    config = _own_config(folder) if is_own(folder) else _config(folder)
    for option, key in LIMITS.items():
        wanted = options[option]
        if wanted > config.get(key, wanted):
            raise InvalidInput(f"{option} {wanted} is more than the {config[key]} of --base {folder}.")


def _own_config(folder: Path) -> Mapping[str, Any]:
    from .graph.dequantize import read_parts  # needs onnx, of which cli.py has yet to say that it is missing

    verify_reranker(folder)
    return read_parts(folder).config


def _config(folder: Path) -> Mapping[str, Any]:
    path = folder / CONFIG_FILE
    try:
        config: dict[str, Any] = json.loads(path.read_bytes())
    except (OSError, ValueError) as error:
        raise InvalidInput(
            f"--base: {path} cannot be read: {error}. Name a folder with a BertModel, or a reranker of Resift's own."
        ) from error
    if config.get("model_type") != "bert" or config.get("hidden_act", "gelu") != "gelu":
        kind = f"{config.get('model_type')!r} with {config.get('hidden_act', 'gelu')!r}"
        raise InvalidInput(
            f"--base: {folder} holds a model of the kind {kind}; only 'bert' with 'gelu' can be trained."
        )
    return config
