"""The encoder that ships with Resift: all-MiniLM-L6-v2, quantized to int8."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ..core.vectors import Multi, Vector
from .protocols import EncodedQuery

if TYPE_CHECKING:
    from ..models.bundled import BundledModel
    from ..models.lazy import Lazy
    from ..models.text.embedding import Embedding
    from ..models.text.transformer import Transformer
    from ..models.worker_pool import WorkerPool


class BundledEncoder:
    """Encode one text at a time with the bundled model, so that no vector depends on the texts beside it."""

    def __init__(self, model: BundledModel, transformer: Lazy[Transformer], workers: WorkerPool) -> None:
        self._model = model
        self._transformer = transformer
        self._workers = workers

    @property
    def fingerprint(self) -> str:
        """Return the model's name and hash."""
        return self._model.fingerprint

    @property
    def dimension(self) -> int:
        """Return the number of components of a vector."""
        return self._model.dimension

    async def encode(self, texts: Sequence[str]) -> tuple[list[Vector], int]:
        """Return the texts' vectors, each of length 1, and how many texts were too long for the window."""
        embeddings = await self.embed(texts)
        return [each.vector for each in embeddings], sum(each.truncated for each in embeddings)

    async def embed(self, texts: Sequence[str], *, query: bool = False) -> list[Embedding]:
        """Return the texts' vectors with their tokens; passages and queries are encoded alike."""
        transformer = await self._transformer.get()
        return await self._workers.map(transformer.embed, texts)

    async def encode_tokens(self, texts: Sequence[str]) -> list[Multi]:
        """Return one vector per token of each text; tokens beyond the window are left out."""
        transformer = await self._transformer.get()
        embeddings = await self._workers.map(transformer.embed_tokens, texts)
        return [Multi(each.matrix) for each in embeddings]

    async def encode_query(self, query: str) -> EncodedQuery:
        """Return the query's vector, of length 1."""
        transformer = await self._transformer.get()
        embedding = await self._workers.run(transformer.embed, query)
        unread = transformer.is_unread(query)
        return EncodedQuery(embedding.vector, embedding.tokens, truncated=embedding.truncated, unread=unread)
