"""The seam to text models that run here, whatever library runs them."""

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from ...core.errors import ModelError
from .transformer import Embedding


class TextModel(Protocol):
    """Makes vectors of texts; may be called from several threads at once."""

    batch: int
    """How many texts it is best given at once."""

    def embed(self, texts: Sequence[str], *, query: bool) -> list[Embedding]:
        """Return the vectors of passages, or of queries.

        Raises:
            ModelError: The model could not be run.
        """
        ...


def as_unit(vector: Any, name: str) -> NDArray[np.float32]:
    """Return the vector with length 1, float32 [dimension].

    Raises:
        ModelError: It has no direction.
    """
    array = np.asarray(vector, np.float32)
    length = float(np.linalg.norm(array))
    if array.ndim != 1 or not np.isfinite(length) or not length:
        raise ModelError(
            f"The encoder {name!r} gives something other than vectors that point somewhere. Choose another."
        )
    return array / np.float32(length)
