"""Vectors from an OpenAI-compatible endpoint."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import anyio
from pydantic import BaseModel, ValidationError

from ...core.errors import ModelError, ModelUnavailable
from ...core.text import encodable
from ..text.embedding import unit_vector
from .client import Endpoint, new_circuit_breaker, new_client
from .errors import to_model_error

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from openai import AsyncOpenAI


MAX_CONCURRENT = 4  # requests at the same time, over all searches and ingestions

CHECK = "Check RESIFT_ENCODER__MODEL, OPENAI_BASE_URL and OPENAI_API_KEY."


class Embeddings:
    """One model, called with batches of texts, several at a time."""

    def __init__(self, endpoint: Endpoint, *, batch: int, dimension: int = 0) -> None:
        self._endpoint = endpoint
        self._batch = batch
        self._dimension = dimension
        self._breaker = new_circuit_breaker(endpoint)
        self._client: AsyncOpenAI | None = None
        self._limit: anyio.CapacityLimiter | None = None

    async def embed(self, texts: Sequence[str]) -> list[NDArray[np.float32]]:
        """Return the vectors in the order of the texts, each of length 1.

        Raises:
            ModelUnavailable: The endpoint cannot be reached or fails, after all retries.
            ContextTooLong: A text is longer than the model's window.
            ModelError: The endpoint refuses the request, or does not answer with one vector for each text.
        """
        groups = [texts[start : start + self._batch] for start in range(0, len(texts), self._batch)]
        vectors: list[list[NDArray[np.float32]]] = [[] for _ in groups]

        async def embed_group(index: int) -> None:
            vectors[index] = await self._embed(groups[index])

        try:
            async with anyio.create_task_group() as tasks:
                for index in range(len(groups)):
                    tasks.start_soon(embed_group, index)
        except ExceptionGroup as failures:
            raise failures.exceptions[0] from None
        return [vector for group in vectors for vector in group]

    async def close(self) -> None:
        """Close the connections."""
        if self._client is not None:
            await self._client.close()
            self._client = None

    async def _embed(self, texts: Sequence[str]) -> list[NDArray[np.float32]]:
        if self._limit is None:  # created here because it belongs to the running event loop
            self._limit = anyio.CapacityLimiter(MAX_CONCURRENT)
        clean = [encodable(text) for text in texts]
        async with self._limit:
            return await self._breaker.call(lambda: self._attempt(clean))

    async def _attempt(self, texts: list[str]) -> list[NDArray[np.float32]]:
        from openai import OpenAIError

        if self._client is None:
            self._client = new_client(self._endpoint)
        create: Any = self._client.embeddings.with_raw_response.create  # its overloads accept no mapping
        options = {"dimensions": self._dimension} if self._dimension else {}
        try:
            with anyio.fail_after(self._endpoint.timeout_s):
                reply = await create(model=self._endpoint.model, input=texts, encoding_format="float", **options)
        except TimeoutError as error:
            raise ModelUnavailable(
                f"{self._endpoint.label} did not answer within {self._endpoint.timeout_s:g} s. "
                "Raise RESIFT_ENCODER__TIMEOUT_S."
            ) from error
        except UnicodeError:  # not as the cause: it contains what cannot be sent, which may be the key
            raise ModelError(
                f"The API key for {self._endpoint.label} contains characters that cannot be sent. {CHECK}"
            ) from None
        except OpenAIError as error:  # not as the cause: it contains the request with the key
            raise to_model_error(error, self._endpoint.label, check=CHECK) from None
        return self._read(reply.content, len(texts))

    def _read(self, content: bytes, count: int) -> list[NDArray[np.float32]]:
        try:
            rows = sorted(_Reply.model_validate_json(content).data, key=lambda row: row.index)
        except ValidationError:
            rows = []
        sizes = {len(row.embedding) for row in rows}
        expected = {self._dimension} if self._dimension else sizes
        if [row.index for row in rows] != list(range(count)) or len(sizes) != 1 or sizes != expected:
            size = f" of {self._dimension} numbers" if self._dimension else ""
            raise ModelError(f"{self._endpoint.label} did not answer with one vector{size} for each text. {CHECK}")
        return [unit_vector(row.embedding, self._endpoint.model) for row in rows]


class _Row(BaseModel):
    index: int
    embedding: list[float]


class _Reply(BaseModel):
    data: list[_Row]
