"""Average rerankers that were trained from one base: the mean of their weights takes the place of training.

Sources: Wortsman et al., "Model soups" (2022, arXiv 2203.05482), for runs with different data or options; Wortsman et
al., "Robust fine-tuning of zero-shot models" (WiSE-FT, 2021, arXiv 2109.01903), for a run and the base it started from.
Both are this weighted mean.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from ..core.errors import InvalidInput
from ..models.bundled import RERANKER_FOLDER, TOKENIZER_FILE
from .base_model import BEST_FILE, BUNDLED_BASE, CONFIG_FILE, HEAD_FOLDER, WEIGHTS_FILE, is_resift_reranker
from .sets import split_weight

WORDS = "embeddings.word_embeddings.weight"

SAME_WORDS = (
    0.02  # of their mean size, by which word vectors may differ on average: training leaves them, 8 bits do not
)

UNUSED = "pooler."  # layers of a BertModel that a reranker does not have

Tensors = Mapping[str, NDArray[np.floating[Any]]]


def parse_average(specs: Sequence[str]) -> dict[Path, float]:
    """Return folders and their shares of 1, from `FOLDER` or `FOLDER=WEIGHT`; `bundled` is the bundled reranker.

    Raises:
        InvalidInput: A weight is not a positive number, or a folder is given twice.
    """
    weights: dict[Path, float] = {}
    for spec in specs:
        name, weight = split_weight("--average", spec)
        folder = RERANKER_FOLDER if name == BUNDLED_BASE else Path(name).expanduser()
        if folder in weights:
            raise InvalidInput(f"--average {name} is given twice. Give it once, with the sum of the weights.")
        weights[folder] = weight
    total = sum(weights.values())
    return {folder: weight / total for folder, weight in weights.items()}


def find_weights(folder: Path) -> Path:
    """Return the folder with a reranker's weights: the best checkpoint of a run, or else the folder itself.

    Raises:
        InvalidInput: The folder is not from `resift train`.
    """
    checkpoints = folder / "work" / "checkpoints"
    if (checkpoints / BEST_FILE).is_file():
        folder = checkpoints / (checkpoints / BEST_FILE).read_text(encoding="utf-8")
    if not is_resift_reranker(folder) and not (folder / HEAD_FOLDER / WEIGHTS_FILE).is_file():
        raise InvalidInput(
            f"--average: {folder} holds no weights. Give a folder that `resift train` wrote, one of its checkpoints in "
            'work/checkpoints, or "bundled".'
        )
    return folder


def average(members: Mapping[Path, float], out: Path) -> Path:
    """Write the mean of the members' weights to `out`, as a BertModel and a head, and return `out`.

    members: folders from `find_weights`, with shares that sum to 1.

    Raises:
        InvalidInput: The members have different shapes, or did not start from one base.
        ModelError: A member was not made by `resift train`.
    """
    import safetensors.numpy

    from .graph.dequantize import HEAD_FILE

    folders = [_unpacked(folder, out / f"member-{place}") for place, folder in enumerate(members)]
    shares = list(members.values())
    bodies = [_body(folder) for folder in folders]
    heads = [_head(folder) for folder in folders]
    _check_alike(list(members), [{**body, **head} for body, head in zip(bodies, heads, strict=True)])
    save_file = cast(Any, safetensors.numpy).save_file
    save_file(_mean(bodies, shares), out / WEIGHTS_FILE, metadata={"format": "pt"})
    save_file(_mean(heads, shares), out / HEAD_FILE)
    for name in (CONFIG_FILE, TOKENIZER_FILE, "tokenizer_config.json"):
        shutil.copy(folders[0] / name, out / name)
    return out


def trained_on(member: Path) -> dict[str, Any]:
    """Return the plan of the run that a member came from; empty if the run's files are gone."""
    for folder in (member / "work", member.parent.parent):  # of a run, or of one of its checkpoints
        path = folder / "plan.json"
        if path.is_file():
            return cast(dict[str, Any], json.loads(path.read_bytes()))
    return {}


def _unpacked(folder: Path, out: Path) -> Path:
    from .graph.dequantize import unpack

    out.mkdir(parents=True, exist_ok=True)
    return unpack(folder, out) if is_resift_reranker(folder) else folder


def _body(folder: Path) -> Tensors:
    found = _read(folder / WEIGHTS_FILE)
    return {name: tensor for name, tensor in found.items() if not name.startswith(UNUSED)}


def _head(folder: Path) -> Tensors:
    from .graph.dequantize import HEAD_FILE

    packed = folder / HEAD_FILE
    return _read(packed if packed.is_file() else folder / HEAD_FOLDER / WEIGHTS_FILE)


def _read(path: Path) -> Tensors:
    import safetensors.numpy

    return cast(Any, safetensors.numpy).load_file(path)


def _check_alike(folders: Sequence[Path], weights: Sequence[Tensors]) -> None:
    first, shape = weights[0], _shape(weights[0])
    for folder, other in zip(folders[1:], weights[1:], strict=True):
        if _shape(other) != shape:
            raise InvalidInput(
                f"--average: {folder} and {folders[0]} have different layers. Only rerankers of one shape have a mean."
            )
        apart = np.abs(first[WORDS] - other[WORDS]).mean() / np.abs(first[WORDS]).mean()
        if apart > SAME_WORDS:
            raise InvalidInput(
                f"--average: {folder} and {folders[0]} did not start from the same base: their word vectors differ by "
                f"{apart:.0%}. Average runs with one --base, or that base itself."
            )


def _shape(weights: Tensors) -> dict[str, tuple[int, ...]]:
    return {name: weights[name].shape for name in sorted(weights)}


def _mean(members: Sequence[Tensors], shares: Sequence[float]) -> dict[str, NDArray[np.float32]]:
    pairs = list(zip(members, shares, strict=True))
    return {
        name: np.asarray(sum(share * each[name].astype(np.float64) for each, share in pairs), np.float32)
        for name in members[0]
    }
