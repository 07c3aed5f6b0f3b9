"""The seam to models of further vectors, beside the dense one of each passage: per token, and learned sparse ones."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from .vectors import Multi, Sparse


class TokenEncoder(Protocol):
    """Makes a vector per token, for late interaction."""

    @property
    def fingerprint(self) -> str:
        """Return name and hash of the model."""
        ...

    @property
    def dimension(self) -> int:
        """Return the number of components of a token's vector."""
        ...

    async def encode_tokens(self, texts: Sequence[str]) -> list[Multi]:
        """Return the texts' vectors in order; of no rows for a text without tokens."""
        ...


class SparseEncoder(Protocol):
    """Makes sparse vectors by a model that has learned which words matter."""

    @property
    def fingerprint(self) -> str:
        """Return the name of the model."""
        ...

    @property
    def idf(self) -> bool:
        """Return whether the store has to multiply by inverse document frequency."""
        ...

    async def encode(self, texts: Sequence[str]) -> list[Sparse]:
        """Return the texts' vectors in order."""
        ...

    async def encode_query(self, query: str) -> Sparse:
        """Return the query's vector."""
        ...


@dataclass(frozen=True, slots=True)
class Further:
    """The models of further vectors that are configured."""

    tokens: TokenEncoder | None = None
    sparse: SparseEncoder | None = None


NONE_FURTHER = Further()
