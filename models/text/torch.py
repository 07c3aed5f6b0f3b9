"""Encoders that sentence-transformers runs, on a GPU if there is one."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any, Self

from ...core.errors import ModelError
from ...core.text import encodable
from ..devices import load_torch_model, looks_like_a_path
from .embedding import CORRECT_MODEL, Embedding, unit_vector

if TYPE_CHECKING:
    from tokenizers import Tokenizer


class TorchTextModel:
    """A SentenceTransformer. Calls run one after another, since torch uses all cores by itself."""

    batch = 16  # fewer leave a GPU idle; on a processor, padding in larger batches costs more than they save

    def __init__(self, name: str, model: Any) -> None:
        self._name = name
        self._model = model
        self._lock = Lock()

    @classmethod
    def open(cls, source: Path | str) -> Self:
        """Load a folder, without contacting the hub, or a model of the hub by name, downloading it if necessary.

        Raises:
            ModelError: The model cannot be loaded, or the extra `torch` is not installed.
        """
        if not (local := isinstance(source, Path)) and looks_like_a_path(source):
            raise ModelError(f"There is no folder {Path(source).expanduser().absolute()}. {CORRECT_MODEL}")
        model = load_torch_model(
            "encoder",
            source,
            lambda library: library.SentenceTransformer(str(source), local_files_only=local),
        )
        return cls(str(source), model)

    @property
    def tokenizer(self) -> Tokenizer | None:
        """Return what cuts its texts into tokens; None for a tokenizer written in Python."""
        return getattr(self._model.tokenizer, "backend_tokenizer", None)

    def embed(self, texts: Sequence[str], *, query: bool) -> list[Embedding]:
        """Return the vectors, each of length 1. Prefixes come from the settings; the model's own prompts are not used.

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
            Embedding(unit_vector(vector, self._name), tokens=length, truncated=length > window)
            for vector, length in zip(vectors, lengths, strict=True)
        ]
