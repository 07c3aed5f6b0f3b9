"""Vectors from an OpenAI-compatible endpoint."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import anyio
import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ValidationError

from ...core.errors import ModelError, ModelUnavailable
from ...core.text import encodable
from ..text.model import as_unit
from .client import Endpoint, open_breaker, open_client
from .errors import failure_of

if TYPE_CHECKING:
    from openai import AsyncOpenAI


AT_ONCE = 4  # requests under way over all questions and ingestions together

CHECK = "Check RESIFT_ENCODER__MODEL, OPENAI_BASE_URL and OPENAI_API_KEY."


class Embeddings:
    """One model, asked in batches, several at once."""

    def __init__(self, endpoint: Endpoint, *, batch: int, dimension: int = 0) -> None:
        self._endpoint = endpoint
        self._batch = batch
        self._dimension = dimension
        self._breaker = open_breaker(endpoint)
        self._client: AsyncOpenAI | None = None
        self._limit: anyio.CapacityLimiter | None = None

    async def embed(self, texts: Sequence[str]) -> list[NDArray[np.float32]]:
        """Return the texts' vectors in order, each of length 1.

        Raises:
            ModelUnavailable: The endpoint cannot be reached, or fails, however often it is asked.
            ContextTooLong: A text is longer than the model's window.
            ModelError: The endpoint refuses, or its answer is not one vector for each text.
        """
        groups = [texts[start : start + self._batch] for start in range(0, len(texts), self._batch)]
        found: list[list[NDArray[np.float32]]] = [[] for _ in groups]

        async def ask(place: int) -> None:
            found[place] = await self._ask(groups[place])

        try:
            async with anyio.create_task_group() as tasks:
                for place in range(len(groups)):
                    tasks.start_soon(ask, place)
        except ExceptionGroup as failures:
            raise failures.exceptions[0] from None
        return [vector for group in found for vector in group]

    async def close(self) -> None:
        """Close the connections."""
        if self._client is not None:
            await self._client.close()
            self._client = None

    async def _ask(self, texts: Sequence[str]) -> list[NDArray[np.float32]]:
        if self._limit is None:  # made here, since it belongs to the running event loop
            self._limit = anyio.CapacityLimiter(AT_ONCE)
        clean = [encodable(text) for text in texts]
        async with self._limit:
            return await self._breaker.call(lambda: self._attempt(clean))

    async def _attempt(self, texts: list[str]) -> list[NDArray[np.float32]]:
        from openai import OpenAIError

        if self._client is None:
            self._client = open_client(self._endpoint)
        create: Any = self._client.embeddings.with_raw_response.create  # its overloads take no mapping
        wanted = {"dimensions": self._dimension} if self._dimension else {}
        try:
            with anyio.fail_after(self._endpoint.timeout_s):
                reply = await create(model=self._endpoint.model, input=texts, encoding_format="float", **wanted)
        except TimeoutError as error:
            limit_s = self._endpoint.timeout_s
            said = f"{self._endpoint.where} gave no answer within {limit_s:g} s. Raise RESIFT_ENCODER__TIMEOUT_S."
            raise ModelUnavailable(said) from error
        except UnicodeError:  # it shows what cannot be sent, which may be the key
            raise ModelError(f"{self._endpoint.where}: the key holds characters that cannot be sent. {CHECK}") from None
        except OpenAIError as error:  # not from the client's error, which holds the request and its key
            raise failure_of(error, self._endpoint.where, secret=self._endpoint.api_key, check=CHECK) from None
        return self._read(reply.content, len(texts))

    def _read(self, content: bytes, count: int) -> list[NDArray[np.float32]]:
        try:
            rows = sorted(_Reply.model_validate_json(content).data, key=lambda row: row.index)
        except ValidationError:
            rows = []
        sizes = {len(row.embedding) for row in rows}
        wanted = {self._dimension} if self._dimension else sizes
        if [row.index for row in rows] != list(range(count)) or len(sizes) != 1 or sizes != wanted:
            size = f" of {self._dimension} numbers" if self._dimension else ""
            raise ModelError(f"{self._endpoint.where} did not answer with one vector{size} for each text. {CHECK}")
        return [as_unit(row.embedding, self._endpoint.model) for row in rows]


class _Row(BaseModel):
    index: int
    embedding: list[float]


class _Reply(BaseModel):
    data: list[_Row]
