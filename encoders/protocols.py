"""The seam to encoders: texts in, dense vectors out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from ..core.vectors import Multi, Sparse, Vector

if TYPE_CHECKING:
    pass


@dataclass(frozen=True, slots=True)
class EncodedQuery:
    """A query's vector, of the encoder's dimension, and how much of the query it stands for."""

    vector: Vector
    tokens: int
    truncated: bool


class Encoder(Protocol):
    """Makes dense vectors; texts and queries of one encoder lie in one space."""

    @property
    def fingerprint(self) -> str:
        """Return name and hash of the model: what a collection's manifest records."""
        ...

    @property
    def dimension(self) -> int:
        """Return the number of components of a vector; 0 where only a vector tells."""
        ...

    async def encode(self, texts: Sequence[str]) -> tuple[list[Vector], int]:
        """Return the texts' vectors in order, and how many texts were longer than the model's window."""
        ...

    async def encode_query(self, query: str) -> EncodedQuery:
        """Return the query's vector."""
        ...


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
class ExtraEncoders:
    """The models of further vectors that are configured."""

    tokens: TokenEncoder | None = None
    sparse: SparseEncoder | None = None


NO_EXTRA_ENCODERS = ExtraEncoders()
