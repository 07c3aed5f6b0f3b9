"""Vectors that are known already: of stored passages, and of those that were encoded lately."""

from collections import OrderedDict
from collections.abc import Generator
from contextlib import contextmanager
from hashlib import blake2b

from ..core.vectors import AnyVector, Multi, Sparse

MAX_COMPONENTS = 4_000_000  # 16 MB: the dense vectors of 10,000 passages, or the token vectors of 50


class KnownVectors:
    """Vectors by their names and the texts that they were made of.

    Those that were encoded are kept while there is room, the ones used last; those of stored passages for one group.
    """

    def __init__(self, *, max_components: int = MAX_COMPONENTS) -> None:
        self._max_components = max_components
        self._components = 0
        self._kept: OrderedDict[bytes, AnyVector] = OrderedDict()
        self._recalled: dict[bytes, AnyVector] = {}

    @contextmanager
    def recalling(self) -> Generator[None]:
        """Keep what is recalled until the end of the block, and then only what there is room for."""
        try:
            yield
        finally:
            for key, vector in self._recalled.items():
                self._keep(key, vector)
            self._recalled = {}

    def recall(self, name: str, text: str, vector: AnyVector) -> None:
        """Take the vector of a stored passage."""
        self._recalled[_key(name, text)] = vector

    def add(self, name: str, text: str, vector: AnyVector) -> None:
        """Take a vector that was just made."""
        self._keep(_key(name, text), vector)

    def get(self, name: str, text: str) -> AnyVector | None:
        """Return the vector of a text, or None if it has to be made."""
        key = _key(name, text)
        if (recalled := self._recalled.get(key)) is not None:
            return recalled
        if (kept := self._kept.get(key)) is not None:
            self._kept.move_to_end(key)
        return kept

    def _keep(self, key: bytes, vector: AnyVector) -> None:
        if key in self._kept:
            return
        self._kept[key] = vector
        self._components += _components(vector)
        while self._components > self._max_components:
            _, oldest = self._kept.popitem(last=False)
            self._components -= _components(oldest)


def _key(name: str, text: str) -> bytes:
    return blake2b(f"{name}\n{text}".encode(), digest_size=16).digest()


def _components(vector: AnyVector) -> int:
    if isinstance(vector, Sparse):
        return 2 * len(vector.indices)
    return vector.rows.size if isinstance(vector, Multi) else vector.size
