"""What text models return, and the interface of those that run in this process."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from ...core.errors import ModelError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from tokenizers import Tokenizer

CORRECT_MODEL = "Correct RESIFT_ENCODER__MODEL."


@dataclass(frozen=True, slots=True)
class Embedding:
    """The unit vector of a text, float32 [dimension].

    `tokens` counts the tokens of the whole text; `truncated` says that the model read only its beginning.
    """

    vector: NDArray[np.float32]
    tokens: int
    truncated: bool


@dataclass(frozen=True, slots=True)
class TokenEmbeddings:
    """A unit vector for each token, float32 [tokens, dimension], without [CLS] and [SEP]; an empty text has no rows."""

    matrix: NDArray[np.float32]
    truncated: bool


class TextModel(Protocol):
    """Makes vectors of texts. It may be called from several threads at once."""

    batch: int
    """The best number of texts for one call."""

    @property
    def tokenizer(self) -> Tokenizer | None:
        """Return what cuts its texts into tokens; None if that does not tell where tokens end."""
        ...

    def embed(self, texts: Sequence[str], *, query: bool) -> list[Embedding]:
        """Return the vectors of passages, or of queries.

        Raises:
            ModelError: The model could not be run.
        """
        ...


def unit_vector(vector: Any, model: str) -> NDArray[np.float32]:
    """Return the vector scaled to length 1, float32 [dimension]; `model` is the name for error messages.

    Raises:
        ModelError: The vector is zero, not finite, or not one-dimensional.
    """
    import numpy as np

    array = np.asarray(vector, np.float32)
    length = float(np.linalg.norm(array))
    if array.ndim != 1 or not np.isfinite(length) or not length:
        raise ModelError(
            f"The encoder {model!r} returned a vector that is zero, not finite, or of the wrong shape. "
            "Choose another model."
        )
    return array / np.float32(length)
