"""Run an ONNX export of an encoder one text at a time, so that no vector depends on its neighbours."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Self, TypeAlias

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel

from ...core.errors import ModelError
from ...core.text import encodable
from ..bundled import TOKENIZER_FILE
from ..onnx_export import EXPORTED, needed, read_description, window_of
from ..session import Session, open_session
from .model import as_unit
from .transformer import Embedding

if TYPE_CHECKING:
    from tokenizers import Tokenizer


READABLE = ("input_ids", "attention_mask", "token_type_ids")

OUTPUTS = ("sentence_embedding", "token_embeddings", "last_hidden_state")  # else whatever the graph gives first

POOLING_FILE = "1_Pooling/config.json"

Pooling: TypeAlias = Literal["mean", "cls"]


class OnnxTexts:
    """A session and its tokenizer."""

    batch = 1

    def __init__(self, name: str, session: Session, tokenizer: Tokenizer, *, window: int, pooling: Pooling) -> None:
        self._name = name
        self._session = session
        self._tokenizer = tokenizer
        self._window = window
        self._pooling = pooling
        self._output = next((each for each in OUTPUTS if each in session.outputs), session.outputs[0])

    @classmethod
    def open(cls, folder: Path, pooling: Pooling | None = None) -> Self:
        """Load a folder as it lies on the hub; without `pooling`, as 1_Pooling/config.json says, else by the mean.

        Raises:
            ModelError: A file is missing or damaged, or the graph is no encoder.
        """
        from tokenizers import Tokenizer

        graph = needed(graph_in(folder))
        window, path = window_of(folder), needed(folder / TOKENIZER_FILE)
        try:
            tokenizer = Tokenizer.from_file(str(path))
        except Exception as error:  # the library raises bare Exception
            raise ModelError(f"The tokenizer {path} cannot be read: {error}. Copy the model's files again.") from error
        tokenizer.no_truncation()
        tokenizer.no_padding()
        session = open_session(graph)
        if unknown := set(session.inputs) - set(READABLE):
            raise ModelError(
                f"The model {graph} asks for {', '.join(sorted(unknown))}; known are {', '.join(READABLE)}."
            )
        return cls(folder.name, session, tokenizer, window=window, pooling=pooling or _pooling_of(folder))

    def embed(self, texts: Sequence[str], *, query: bool) -> list[Embedding]:
        """Return the vectors, each of length 1; queries are read as passages are.

        Raises:
            ModelError: The model could not be run.
        """
        return [self._embed(text) for text in texts]

    def _embed(self, text: str) -> Embedding:
        ids = self._tokenizer.encode(encodable(text)).ids
        cut = len(ids) > self._window
        kept = np.array([[*ids[: self._window - 1], ids[-1]] if cut else ids], np.int64)
        given = {"input_ids": kept, "attention_mask": np.ones_like(kept), "token_type_ids": np.zeros_like(kept)}
        output = self._session.run([self._output], {name: given[name] for name in self._session.inputs})[0]
        return Embedding(as_unit(self._pooled(output), self._name), tokens=len(ids), truncated=cut)

    def _pooled(self, output: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return [dimension] of [1, dimension] or [1, tokens, dimension]."""
        rows = output[0]
        if rows.ndim < 2:
            return rows
        return rows[0] if self._pooling == "cls" else rows.mean(axis=0)


def graph_in(folder: Path) -> Path:
    """Return where the graph of a folder is, or should be."""
    return next((folder / name for name in EXPORTED if (folder / name).is_file()), folder / EXPORTED[0])


class _Described(BaseModel):
    pooling_mode: str = ""
    pooling_mode_cls_token: bool = False
    pooling_mode_mean_tokens: bool = False


def _pooling_of(folder: Path) -> Pooling:
    path = folder / POOLING_FILE
    if not path.is_file():
        return "mean"
    described = read_description(path, _Described)
    if described.pooling_mode == "cls" or described.pooling_mode_cls_token:
        return "cls"
    if described.pooling_mode == "mean" or described.pooling_mode_mean_tokens:
        return "mean"
    raise ModelError(f"{path} asks for another pooling than mean and cls. Use RESIFT_ENCODER__KIND=torch, or set one.")
