"""Late-interaction models of fastembed: a vector for each token of a text."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, cast

import numpy as np

from ...core.errors import ModelError, nearest
from ..devices import onnx_providers
from ..pair.options import AS_IT_IS, PairOptions

if TYPE_CHECKING:
    from numpy.typing import NDArray


class TokenVectors:
    """A model and its tokenizer. Every method may be called from several threads at once."""

    def __init__(self, model: Any) -> None:
        self._model = model

    @classmethod
    def open(cls, name: str, folder: str = "", *, options: PairOptions = AS_IT_IS, threads: int = 1) -> Self:
        """Load a model that fastembed lists, from a folder, or from the hub, where it is fetched unless it is cached.

        Raises:
            ModelError: fastembed does not know it, it cannot be fetched or loaded, or the options do not fit.
        """
        providers = onnx_providers(options.device)
        from fastembed import LateInteractionTextEmbedding

        listed = [str(each["model"]) for each in LateInteractionTextEmbedding.list_supported_models()]
        if name.lower() not in map(str.lower, listed):
            raise ModelError(f"No late-interaction model {name!r}.{nearest(name, listed)} Known: {', '.join(listed)}.")
        if folder and not Path(folder).expanduser().is_dir():
            raise ModelError(f"No folder {folder}, in which the model {name!r} should be. Correct its `folder`.")
        path = str(Path(folder).expanduser()) if folder else None
        try:
            wrapper = LateInteractionTextEmbedding(name, threads=threads, specific_model_path=path, providers=providers)
        except Exception as error:  # onnxruntime, the hub and fastembed raise what they like
            raise ModelError(f"The late-interaction model {name!r} cannot be loaded: {error}") from error
        model = cast(Any, wrapper).model
        limit = int(model.tokenizer.truncation["max_length"])
        model.tokenizer.enable_truncation(max_length=options.window_of(name, limit, usual=limit))
        return cls(model)

    def of_query(self, text: str) -> NDArray[np.float32]:
        """Return the query's vectors, [tokens, dimension], each of length 1; with the model's own filling up to 32."""
        return _unit(next(iter(self._model.query_embed(text))))

    def of_passage(self, text: str) -> tuple[NDArray[np.float32], bool]:
        """Return a passage's vectors, [tokens, dimension], each of length 1, and whether they are of all of it."""
        vectors: Sequence[Any] = list(self._model.embed([text]))
        return _unit(vectors[0]), not self._model.tokenizer.encode(text).overflowing


def _unit(vectors: Any) -> NDArray[np.float32]:
    matrix = np.asarray(vectors, np.float32)
    return matrix / np.maximum(np.linalg.norm(matrix, axis=1, keepdims=True), 1e-12)
