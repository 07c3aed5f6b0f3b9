"""The protocols that encoders implement: texts in, vectors out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from ..core.vectors import Multi, Sparse, Vector


@dataclass(frozen=True, slots=True)
class EncodedQuery:
    """The vector of a query, its number of tokens, and whether the model read only its beginning."""

    vector: Vector
    tokens: int
    truncated: bool
    unread: bool = False
    """Whether the model knows less than half of the letters, so that the vector says nothing of the query."""


class Encoder(Protocol):
    """Make dense vectors of texts and of queries, in one vector space."""

    @property
    def fingerprint(self) -> str:
        """Return the model's name and hash, which the manifest of a collection records."""
        ...

    @property
    def dimension(self) -> int:
        """Return the number of components of a vector; 0 if it is not known before a text is encoded."""
        ...

    async def encode(self, texts: Sequence[str]) -> tuple[list[Vector], int]:
        """Return the texts' vectors in order, and how many texts were too long for the model's window."""
        ...

    async def encode_query(self, query: str) -> EncodedQuery:
        """Return the query's vector."""
        ...


class TokenEncoder(Protocol):
    """Make one vector per token, for late interaction."""

    @property
    def fingerprint(self) -> str:
        """Return the model's name and hash."""
        ...

    @property
    def dimension(self) -> int:
        """Return the number of components of a token's vector."""
        ...

    async def encode_tokens(self, texts: Sequence[str]) -> list[Multi]:
        """Return the texts' vectors in order; a text without tokens has no rows."""
        ...


class SparseEncoder(Protocol):
    """Make sparse vectors with a model that has learned which words matter."""

    @property
    def fingerprint(self) -> str:
        """Return the name of the model."""
        ...

    @property
    def idf(self) -> bool:
        """Return whether the store has to multiply the weights by inverse document frequency."""
        ...

    async def encode(self, texts: Sequence[str]) -> list[Sparse]:
        """Return the texts' vectors in order."""
        ...

    async def encode_query(self, query: str) -> Sparse:
        """Return the query's vector."""
        ...


@dataclass(frozen=True, slots=True)
class ExtraEncoders:
    """The configured encoders of the optional vectors; None for a vector that is not configured."""

    tokens: TokenEncoder | None = None
    sparse: SparseEncoder | None = None


NO_EXTRA_ENCODERS = ExtraEncoders()
