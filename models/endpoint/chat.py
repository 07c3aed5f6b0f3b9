"""Chat completions of a language model behind any OpenAI-compatible endpoint."""

from __future__ import annotations

import random
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from math import inf
from threading import Lock
from typing import TYPE_CHECKING, Any

import anyio
from anyio import to_thread

from ...core.errors import ModelError, ModelUnavailable
from ...core.retry import OutOfTime
from .chat_reply import ChatReply, read_reply
from .client import Endpoint, new_circuit_breaker, new_client
from .errors import rejected_parameters, to_model_error

if TYPE_CHECKING:
    from openai import AsyncOpenAI


LEAST_S = 1.0  # with less time left no request is sent: it would be paid for and hardly answered

FULL = 0.9  # share of the usual time from which on a request that was not answered counts against its endpoint


@dataclass(frozen=True, slots=True)
class Deadline:
    """When a question must be answered, all its requests together."""

    at: float
    """By the clock of the model."""
    whole_s: float
    """From the beginning of the question."""
    setting: str = "RESIFT_LLM__TOTAL_S"
    """Where that comes from, for error messages."""


@dataclass(frozen=True, slots=True)
class ChatRequest:
    """A request to a model. With a schema the reply is JSON that fits it, if the endpoint supports that."""

    system: str
    user: str
    max_tokens: int = 0
    """Of the reply; 0 leaves the limit to the endpoint."""
    schema: Mapping[str, Any] | None = None
    seed: int | None = None


class LanguageModel:
    """A model called at temperature 0. A parameter that its endpoint rejects is left out of all later requests."""

    def __init__(
        self,
        endpoint: Endpoint,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = anyio.sleep,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._endpoint = endpoint
        self._clock = clock
        self._breaker = new_circuit_breaker(endpoint, clock=clock, sleep=sleep, chance=chance)
        self._rejected: set[str] = set()
        self._client: AsyncOpenAI | None = None
        self._opening = Lock()

    @property
    def name(self) -> str:
        """Return the name of the model."""
        return self._endpoint.model

    async def load(self) -> None:
        """Import the client's library and create the client, which takes half a second, beside the event loop.

        Call it before a first request whose time is limited.
        """
        if self._client is None:
            await to_thread.run_sync(self._open, abandon_on_cancel=True)

    async def ask(self, request: ChatRequest, *, deadline: Deadline | None = None) -> ChatReply:
        """Return the model's reply.

        Raises:
            ModelUnavailable: The endpoint cannot be reached or fails, after all retries.
            OutOfTime: Less time is left until the deadline than a request usually has, and that was not enough.
            ContextTooLong: The request is longer than the model's window.
            ModelError: The endpoint refuses the request.
        """
        await self.load()
        requests = 0

        async def attempt() -> ChatReply:
            nonlocal requests
            requests += 1
            return await self._attempt(request, deadline)

        reply = await self._breaker.call(attempt, deadline=deadline.at if deadline else inf)
        return reply.with_retries(requests - 1)

    async def close(self) -> None:
        """Close the connections."""
        client: AsyncOpenAI | None = None
        with anyio.CancelScope(shield=True):
            client = await to_thread.run_sync(self._take)
        if client is not None:
            await client.close()

    async def _attempt(self, request: ChatRequest, deadline: Deadline | None) -> ChatReply:
        limit_s = self._limit_s(deadline)
        try:
            with anyio.fail_after(limit_s):  # the client's own limit is per read: a reply that trickles in exceeds it
                return await self._send(request)
        except TimeoutError as error:
            raise self._late(limit_s, deadline) from error
        except UnicodeError:  # not as the cause: it contains what cannot be sent, which may be the key
            raise ModelError(
                f"The request to {self._endpoint.label}, or the API key, contains characters that cannot be sent. "
                "Check OPENAI_API_KEY."
            ) from None

    def _limit_s(self, deadline: Deadline | None) -> float:
        """Return how long a request may take that is sent now.

        Raises:
            OutOfTime: Too little time is left to send one.
        """
        if deadline is None:
            return self._endpoint.timeout_s
        left_s = deadline.at - self._clock()
        if left_s < min(LEAST_S, self._usual_s(deadline) / 2):
            left = f"{max(0.0, left_s):.1f} s of {deadline.whole_s:g} s were left"
            raise OutOfTime(f"{self._endpoint.label} was not asked, since only {left}. Raise {deadline.setting}.")
        return min(self._endpoint.timeout_s, left_s)

    def _usual_s(self, deadline: Deadline) -> float:
        """Return how long a request may take that is the first of its question."""
        return min(self._endpoint.timeout_s, deadline.whole_s)

    def _late(self, limit_s: float, deadline: Deadline | None) -> ModelError:
        """Return the error for a request without an answer. It is the endpoint's only if the request had its time."""
        what = f"{self._endpoint.label} did not answer within {round(limit_s, 1):g} s"
        if deadline is None or limit_s == self._endpoint.timeout_s:
            return ModelUnavailable(f"{what}. Raise RESIFT_LLM__TIMEOUT_S.")
        if limit_s < FULL * self._usual_s(deadline):
            return OutOfTime(f"{what}, all that was left of {deadline.whole_s:g} s. Raise {deadline.setting}.")
        return ModelUnavailable(f"{what}. Raise {deadline.setting}.")

    async def _send(self, request: ChatRequest) -> ChatReply:
        """Send the request without rejected parameters, again whenever the endpoint rejects one more."""
        from openai import APIStatusError, OpenAIError

        client: Any = self._open()  # its overloads accept no mapping
        create = client.chat.completions.with_raw_response.create
        endpoint = self._endpoint.label
        left_out: set[str] = set()
        while True:
            parameters = _parameters(self.name, request, without=self._rejected | left_out)
            try:
                body: bytes = (await create(**parameters)).content
            except APIStatusError as error:
                rejected = rejected_parameters(error, parameters)
                if not rejected:  # not as the cause: it contains the request with the key
                    raise to_model_error(error, endpoint) from None
                left_out |= rejected
                continue
            except OpenAIError as error:
                raise to_model_error(error, endpoint) from None
            self._rejected |= left_out
            return read_reply(body, endpoint)

    def _open(self) -> AsyncOpenAI:
        """Return the client, created when first needed because its library takes half a second to import."""
        if client := self._client:
            return client
        with self._opening:
            if self._client is None:
                client = new_client(self._endpoint)
                _ = client.chat.completions  # which imports more
                self._client = client
            return self._client

    def _take(self) -> AsyncOpenAI | None:
        """Return the client and forget it. One that is being created is waited for."""
        with self._opening:
            client, self._client = self._client, None
            return client


def _parameters(model: str, request: ChatRequest, *, without: set[str]) -> dict[str, Any]:
    system, user = {"role": "system", "content": request.system}, {"role": "user", "content": request.user}
    options: dict[str, Any] = {"temperature": 0}
    if request.max_tokens:
        name = "max_tokens" if "max_completion_tokens" in without else "max_completion_tokens"
        options[name] = request.max_tokens
    if request.seed is not None:
        options["seed"] = request.seed
    if request.schema is not None:
        schema = {"name": "reply", "strict": True, "schema": request.schema}
        options["response_format"] = {"type": "json_schema", "json_schema": schema}
    accepted = {name: value for name, value in options.items() if name not in without}
    return {"model": model, "messages": [system, user], **accepted}
