"""Encoders that fastembed lists, run by fastembed's own code, one text at a time."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, cast

from ...core.errors import ModelError, nearest
from ...core.text import encodable
from .embedding import CORRECT_MODEL, Embedding, unit_vector

if TYPE_CHECKING:
    from tokenizers import Tokenizer


class FastembedTextModel:
    """A model of fastembed's `TextEmbedding`."""

    batch = 1

    def __init__(self, name: str, model: Any) -> None:
        self._name = name
        self._model = model

    @classmethod
    def open(cls, name: str, folder: str = "") -> Self:
        """Load a model from a folder, or from fastembed's cache, downloading it from the hub if it is not there.

        Raises:
            ModelError: fastembed does not list the model, or it cannot be downloaded or loaded.
        """
        from fastembed import TextEmbedding

        listed = [str(each["model"]) for each in TextEmbedding.list_supported_models()]
        if name.lower() not in map(str.lower, listed):
            known = ", ".join(sorted(listed))
            raise ModelError(
                f"RESIFT_ENCODER__MODEL: fastembed does not list the model {name!r}.{nearest(name, listed)} "
                f"Known models: {known}."
            )
        if folder and not Path(folder).expanduser().is_dir():
            raise ModelError(f"The folder {folder}, given for the model {name!r}, does not exist. {CORRECT_MODEL}")
        path = str(Path(folder).expanduser()) if folder else None
        try:
            wrapper = TextEmbedding(name, threads=1, specific_model_path=path, cuda=False)
            return cls(name, cast(Any, wrapper).model)
        except Exception as error:  # onnxruntime, the hub and fastembed raise exceptions without a common base class
            raise ModelError(
                f"The encoder {name!r} cannot be loaded: {error}. If the hub is out of reach, give a folder with the "
                f"model's files: RESIFT_ENCODER__MODEL={name}=FOLDER."
            ) from error

    @property
    def tokenizer(self) -> Tokenizer:
        """Return what cuts its texts into tokens."""
        return self._model.tokenizer

    def embed(self, texts: Sequence[str], *, query: bool) -> list[Embedding]:
        """Return the vectors, each of length 1.

        Raises:
            ModelError: The model returned a vector without a direction.
        """
        return [self._embed(text, query=query) for text in texts]

    def _embed(self, text: str, *, query: bool) -> Embedding:
        text = encodable(text)
        [vector] = self._model.query_embed(text) if query else self._model.passage_embed([text])
        encoding = self._model.tokenizer.encode(text)
        left_out = sum(len(each.ids) for each in encoding.overflowing)
        tokens = len(encoding.ids) + left_out
        return Embedding(unit_vector(vector, self._name), tokens=tokens, truncated=bool(left_out))
