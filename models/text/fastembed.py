"""Encoders of fastembed, run by its own code one text at a time."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self, cast

from ...core.errors import ModelError, nearest
from ...core.text import encodable
from .model import as_unit
from .transformer import Embedding


class FastembedTexts:
    """A model that fastembed lists."""

    batch = 1

    def __init__(self, name: str, model: Any) -> None:
        self._name = name
        self._model = model

    @classmethod
    def open(cls, name: str, folder: str = "") -> Self:
        """Load a model from a folder, or from the hub, where it is fetched unless it is cached.

        Raises:
            ModelError: fastembed does not know it, or it cannot be fetched or loaded.
        """
        from fastembed import TextEmbedding

        listed = [str(each["model"]) for each in TextEmbedding.list_supported_models()]
        if name.lower() not in map(str.lower, listed):
            known = ", ".join(sorted(listed))
            raise ModelError(
                f"RESIFT_ENCODER__MODEL: no model {name!r} in fastembed.{nearest(name, listed)} Known: {known}."
            )
        if folder and not Path(folder).expanduser().is_dir():
            raise ModelError(
                f"No folder {folder}, in which the model {name!r} should be. Correct RESIFT_ENCODER__MODEL."
            )
        path = str(Path(folder).expanduser()) if folder else None
        try:
            wrapper = TextEmbedding(name, threads=1, specific_model_path=path, cuda=False)
            return cls(name, cast(Any, wrapper).model)
        except Exception as error:  # onnxruntime, the hub and fastembed raise what they like
            raise ModelError(
                f"The encoder {name!r} cannot be loaded: {error}. Is the hub reachable? Else give its files: "
                f"RESIFT_ENCODER__MODEL={name}=FOLDER."
            ) from error

    def embed(self, texts: Sequence[str], *, query: bool) -> list[Embedding]:
        """Return the vectors, each of length 1.

        Raises:
            ModelError: The model gives none.
        """
        return [self._embed(text, query=query) for text in texts]

    def _embed(self, text: str, *, query: bool) -> Embedding:
        text = encodable(text)
        [vector] = self._model.query_embed(text) if query else self._model.passage_embed([text])
        read = self._model.tokenizer.encode(text)
        beyond = sum(len(each.ids) for each in read.overflowing)
        return Embedding(as_unit(vector, self._name), tokens=len(read.ids) + beyond, truncated=bool(beyond))
