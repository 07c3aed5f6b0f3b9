"""ONNX exports of encoders, run one text at a time, so that no vector depends on other texts."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Self, TypeAlias

from pydantic import BaseModel

from ...core.errors import ModelError
from ...core.text import encodable
from ..bundled import TOKENIZER_FILE
from ..onnx_export import INPUTS, graph_path, open_tokenizer, read_json, read_window, require_file
from ..session import Session, open_session
from .embedding import CORRECT_MODEL, Embedding, unit_vector

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from tokenizers import Tokenizer


OUTPUTS = ("sentence_embedding", "token_embeddings", "last_hidden_state")  # in order of preference; else the first one

POOLING_FILE = "1_Pooling/config.json"

Pooling: TypeAlias = Literal["mean", "cls"]


class OnnxTextModel:
    """A session and its tokenizer."""

    batch = 1

    def __init__(self, name: str, session: Session, tokenizer: Tokenizer, *, window: int, pooling: Pooling) -> None:
        self._name = name
        self._session = session
        self.tokenizer = tokenizer
        self._window = window
        self._pooling = pooling
        self._output = next((each for each in OUTPUTS if each in session.outputs), session.outputs[0])

    @classmethod
    def open(cls, folder: Path, pooling: Pooling | None = None) -> Self:
        """Load a folder as the hub has it; without `pooling`, use what 1_Pooling/config.json says, or else the mean.

        Raises:
            ModelError: The folder or a file is missing or damaged, or the graph is not an encoder's.
        """
        if not folder.is_dir():
            raise ModelError(f"There is no folder {folder}. {CORRECT_MODEL}")
        graph, window = require_file(graph_path(folder)), read_window(folder)
        tokenizer = open_tokenizer(require_file(folder / TOKENIZER_FILE))
        session = open_session(graph)
        if unknown := set(session.inputs) - set(INPUTS):
            raise ModelError(
                f"The model {graph} needs the inputs {', '.join(sorted(unknown))}, but Resift can only give it "
                f"{', '.join(INPUTS)}. Choose another export of the model."
            )
        return cls(folder.name, session, tokenizer, window=window, pooling=pooling or _read_pooling(folder))

    def embed(self, texts: Sequence[str], *, query: bool) -> list[Embedding]:
        """Return the vectors, each of length 1; queries are encoded like passages.

        Raises:
            ModelError: The model could not be run.
        """
        return [self._embed(text) for text in texts]

    def _embed(self, text: str) -> Embedding:
        import numpy as np

        ids = self.tokenizer.encode(encodable(text)).ids
        truncated = len(ids) > self._window
        kept = np.array([[*ids[: self._window - 1], ids[-1]] if truncated else ids], np.int64)
        values = {"input_ids": kept, "attention_mask": np.ones_like(kept), "token_type_ids": np.zeros_like(kept)}
        output = self._session.run([self._output], {name: values[name] for name in self._session.inputs})[0]
        return Embedding(unit_vector(self._pool(output), self._name), tokens=len(ids), truncated=truncated)

    def _pool(self, output: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return [dimension] from [1, dimension] or [1, tokens, dimension]."""
        rows = output[0]
        if rows.ndim < 2:
            return rows
        return rows[0] if self._pooling == "cls" else rows.mean(axis=0)


class _PoolingConfig(BaseModel):
    pooling_mode: str = ""
    pooling_mode_cls_token: bool = False
    pooling_mode_mean_tokens: bool = False


def _read_pooling(folder: Path) -> Pooling:
    path = folder / POOLING_FILE
    if not path.is_file():
        return "mean"
    config = read_json(path, _PoolingConfig)
    if config.pooling_mode == "cls" or config.pooling_mode_cls_token:
        return "cls"
    if config.pooling_mode == "mean" or config.pooling_mode_mean_tokens:
        return "mean"
    raise ModelError(
        f"{path} asks for a pooling other than mean and cls. Set RESIFT_ENCODER__KIND=torch, or choose one with "
        "RESIFT_ENCODER__POOLING."
    )
