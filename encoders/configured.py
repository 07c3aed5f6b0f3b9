"""Encoders that replace the bundled one: a local model, or a model behind an endpoint."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..core.vectors import Vector
from .protocols import EncodedQuery

if TYPE_CHECKING:
    from tokenizers import Tokenizer

    from ..models.endpoint.embeddings import Embeddings
    from ..models.lazy import Lazy
    from ..models.text.embedding import Embedding, TextModel
    from ..models.worker_pool import WorkerPool


@dataclass(frozen=True, slots=True)
class Prefixes:
    """The prefixes that a model was trained with, such as "query: " and "passage: " for E5."""

    query: str = ""
    passage: str = ""

    def extend(self, fingerprint: str) -> str:
        """Return a model's fingerprint extended by these prefixes, which change its vectors."""
        parts = [f"{name}={value!r}" for name, value in (("query", self.query), ("passage", self.passage)) if value]
        return " ".join([fingerprint, *parts])


class LocalEncoder:
    """Encode with a local model, which is loaded on first use."""

    dimension = 0

    def __init__(self, fingerprint: str, model: Lazy[TextModel], workers: WorkerPool, prefixes: Prefixes) -> None:
        self.fingerprint = prefixes.extend(fingerprint)
        self._model = model
        self._workers = workers
        self._prefixes = prefixes

    async def encode(self, texts: Sequence[str]) -> tuple[list[Vector], int]:
        """Return the texts' vectors, each of length 1, and how many texts were too long for the window."""
        embeddings = await self.embed(texts)
        return [each.vector for each in embeddings], sum(each.truncated for each in embeddings)

    async def embed(self, texts: Sequence[str], *, query: bool = False) -> list[Embedding]:
        """Return the vectors of passages or of queries, with their tokens."""
        model = await self._model.get()
        prefix = self._prefixes.query if query else self._prefixes.passage
        prefixed = [prefix + text for text in texts]
        groups = [prefixed[start : start + model.batch] for start in range(0, len(prefixed), model.batch)]

        def embed(group: Sequence[str]) -> list[Embedding]:
            return model.embed(group, query=query)

        return [each for group in await self._workers.map(embed, groups) for each in group]

    async def tokenizer(self) -> Tokenizer | None:
        """Return what cuts the model's texts into tokens; None if that does not tell where tokens end."""
        return (await self._model.get()).tokenizer

    async def encode_query(self, query: str) -> EncodedQuery:
        """Return the query's vector, of length 1."""
        [embedding] = await self.embed([query], query=True)
        return EncodedQuery(embedding.vector, embedding.tokens, truncated=embedding.truncated)


class RemoteEncoder:
    """Encode with a model behind an endpoint, which does not report whether it cut a text."""

    dimension = 0

    def __init__(self, fingerprint: str, model: Embeddings, prefixes: Prefixes) -> None:
        self.fingerprint = prefixes.extend(fingerprint)
        self._model = model
        self._prefixes = prefixes

    async def encode(self, texts: Sequence[str]) -> tuple[list[Vector], int]:
        """Return the texts' vectors, each of length 1, and 0, because the endpoint does not report cut texts."""
        return await self._model.embed([self._prefixes.passage + text for text in texts]), 0

    async def encode_query(self, query: str) -> EncodedQuery:
        """Return the query's vector, of length 1."""
        [vector] = await self._model.embed([self._prefixes.query + query])
        return EncodedQuery(vector, tokens=0, truncated=False)

    async def close(self) -> None:
        """Close the connections."""
        await self._model.close()
