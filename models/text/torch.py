"""Run an encoder with sentence-transformers, on a GPU where there is one."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from threading import Lock
from typing import Any, Self

from ...core.errors import ModelError
from ...core.text import encodable
from ..devices import load_torch_model
from .model import as_unit
from .transformer import Embedding


class TorchTexts:
    """A SentenceTransformer; one call at a time, for torch takes all cores by itself."""

    batch = 16  # a GPU is idle below; on a processor padding costs more than a larger batch saves

    def __init__(self, name: str, model: Any) -> None:
        self._name = name
        self._model = model
        self._lock = Lock()

    @classmethod
    def open(cls, source: Path | str) -> Self:
        """Load a folder, without asking the hub, or a model of the hub, which is downloaded unless it is cached.

        Raises:
            ModelError: The model cannot be loaded, or the extra `torch` is not installed.
        """
        local = isinstance(source, Path)
        model = load_torch_model(
            f"The encoder {str(source)!r}",
            lambda library: library.SentenceTransformer(str(source), local_files_only=local),
        )
        return cls(str(source), model)

    def embed(self, texts: Sequence[str], *, query: bool) -> list[Embedding]:
        """Return the vectors, each of length 1; prefixes are the settings', not those the model brings.

        Raises:
            ModelError: torch could not run the model.
        """
        clean = [encodable(text) for text in texts]
        try:
            with self._lock:
                vectors = self._model.encode(clean, prompt="", batch_size=self.batch, show_progress_bar=False)
                lengths = [len(ids) for ids in self._model.tokenizer(clean, verbose=False)["input_ids"]]
        except (RuntimeError, ValueError) as error:
            raise ModelError(f"torch could not run the encoder {self._name!r}: {error}") from error
        window = self._model.max_seq_length or max(lengths, default=0)
        return [
            Embedding(as_unit(vector, self._name), tokens=length, truncated=length > window)
            for vector, length in zip(vectors, lengths, strict=True)
        ]
