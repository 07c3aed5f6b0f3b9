"""Load what sentence-transformers runs, the extra `torch`: in one way for encoders and rerankers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

from ..core.errors import ModelError

INSTALL = "pip install 'resift[torch]'"


def load_model(model: str, load: Callable[[Any], Any], *, why: str = "") -> Any:
    """Return what `load` makes with the library; `model` names it in messages, `why` says what asks for the library.

    Raises:
        ModelError: sentence-transformers is not installed, or the model cannot be loaded.
    """
    try:
        import sentence_transformers  # pyright: ignore
    except ModuleNotFoundError as error:
        if error.name != "sentence_transformers":
            raise
        raise ModelError(" ".join(filter(None, [model, why, f"needs sentence-transformers: {INSTALL}"]))) from error
    import safetensors  # pyright: ignore

    library, damaged = cast(Any, sentence_transformers), cast(Any, safetensors).SafetensorError
    try:
        return load(library)
    except (OSError, ValueError, RuntimeError, KeyError, damaged) as error:
        raise ModelError(f"{model} cannot be loaded: {error}") from error
