"""Late-interaction models that fastembed lists: a vector for each token of a text."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, cast

from ...core.errors import ModelError, nearest
from ..devices import onnx_providers
from ..options import DEFAULT_OPTIONS, ModelOptions

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class TokenVectorModel:
    """A model of fastembed's `LateInteractionTextEmbedding`. Its methods may be called from several threads at once."""

    def __init__(self, model: Any) -> None:
        self._model = model

    @classmethod
    def open(cls, name: str, folder: str = "", *, options: ModelOptions = DEFAULT_OPTIONS, threads: int = 1) -> Self:
        """Load a model from a folder, or from fastembed's cache, downloading it from the hub if it is not there.

        Raises:
            ModelError: fastembed does not list the model, it cannot be downloaded or loaded, or the options do not fit.
        """
        from fastembed import LateInteractionTextEmbedding

        providers = onnx_providers(options.device)
        listed = [str(each["model"]) for each in LateInteractionTextEmbedding.list_supported_models()]
        if name.lower() not in map(str.lower, listed):
            raise ModelError(
                f"fastembed does not list the late-interaction model {name!r}.{nearest(name, listed)} "
                f"Known models: {', '.join(listed)}."
            )
        if folder and not Path(folder).expanduser().is_dir():
            raise ModelError(
                f"The folder {folder}, given for the model {name!r}, does not exist. Correct `folder` in its row of "
                "RESIFT_RERANKERS."
            )
        path = str(Path(folder).expanduser()) if folder else None
        try:
            wrapper = LateInteractionTextEmbedding(name, threads=threads, specific_model_path=path, providers=providers)
        except Exception as error:  # onnxruntime, the hub and fastembed raise exceptions without a common base class
            raise ModelError(f"The late-interaction model {name!r} cannot be loaded: {error}") from error
        model = cast(Any, wrapper).model
        limit = int(model.tokenizer.truncation["max_length"])
        model.tokenizer.enable_truncation(max_length=options.window_for(name, limit, usual=limit))
        return cls(model)

    def embed_query(self, text: str) -> NDArray[np.float32]:
        """Return the query's vectors, [tokens, dimension], each of length 1; the model pads queries to 32 tokens."""
        return _unit_rows(next(iter(self._model.query_embed(text))))

    def embed_passage(self, text: str) -> tuple[NDArray[np.float32], bool]:
        """Return the passage's vectors, [tokens, dimension], each of length 1, and whether all of it was read."""
        vectors: Sequence[Any] = list(self._model.embed([text]))
        return _unit_rows(vectors[0]), not self._model.tokenizer.encode(text).overflowing


def _unit_rows(vectors: Any) -> NDArray[np.float32]:
    import numpy as np

    matrix = np.asarray(vectors, np.float32)
    return matrix / np.maximum(np.linalg.norm(matrix, axis=1, keepdims=True), 1e-12)
