"""The one way to ask a language model: chat completions of any OpenAI-compatible endpoint."""

from __future__ import annotations

import random
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import anyio

from ...core.errors import ModelError, ModelUnavailable
from .chat_reply import ChatReply, read_reply
from .client import Endpoint, open_breaker, open_client
from .errors import failure_of, refused_parameter

if TYPE_CHECKING:
    from openai import AsyncOpenAI


MOST_LOGPROBS = 20  # that OpenAI and vLLM give for a token


@dataclass(frozen=True, slots=True)
class ChatRequest:
    """What a model is asked. With a schema the reply is JSON of that form, where the endpoint can see to it."""

    system: str
    user: str
    max_tokens: int = 0
    """Of the reply; 0 leaves it to the endpoint."""
    schema: Mapping[str, Any] | None = None
    seed: int | None = None
    first_token: bool = False
    """Ask for one token and the likeliest alternatives to it."""


class LanguageModel:
    """A model behind an endpoint, asked at temperature 0; what the endpoint does not take is left out from then on."""

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
        self._breaker = open_breaker(endpoint, clock=clock, sleep=sleep, chance=chance)
        self._refused: set[str] = set()
        self._client: AsyncOpenAI | None = None

    @property
    def name(self) -> str:
        """Return the name of the model."""
        return self._endpoint.model

    async def ask(self, request: ChatRequest, *, deadline: float | None = None) -> ChatReply:
        """Return the model's reply; `deadline` is a time of the clock by which it is given up.

        Raises:
            ModelUnavailable: The endpoint cannot be reached, or fails, however often it is asked.
            ContextTooLong: The request is longer than the model's window.
            ModelError: The endpoint refuses.
        """
        requests = 0

        async def attempt() -> ChatReply:
            nonlocal requests
            requests += 1
            return await self._attempt(request, deadline)

        reply = await self._breaker.call(attempt)
        return reply.after(requests - 1)

    async def close(self) -> None:
        """Close the connections."""
        if self._client is not None:
            await self._client.close()
            self._client = None

    async def _attempt(self, request: ChatRequest, deadline: float | None) -> ChatReply:
        left_s = self._endpoint.timeout_s if deadline is None else deadline - self._clock()
        limit_s = max(0.0, min(self._endpoint.timeout_s, left_s))
        try:
            with anyio.fail_after(limit_s):  # the client's own limit is between two bytes: a reply that drips passes it
                return await self._adapt(request)
        except TimeoutError as error:
            setting = "TIMEOUT_S" if limit_s == self._endpoint.timeout_s else "TOTAL_S"
            said = f"{self._endpoint.where} gave no answer within {limit_s:.0f} s. Raise RESIFT_LLM__{setting}."
            raise ModelUnavailable(said) from error
        except UnicodeError:  # it shows what cannot be sent, which may be the key
            raise ModelError(
                f"{self._endpoint.where} cannot be asked: the key or the request holds characters that cannot be sent. "
                "Check OPENAI_API_KEY."
            ) from None

    async def _adapt(self, request: ChatRequest) -> ChatReply:
        """Ask without what the endpoint is known not to take; when it complains of more, leave that out as well."""
        from openai import APIStatusError, OpenAIError

        create: Any = self._open().chat.completions.with_raw_response.create  # its overloads take no mapping
        left_out: set[str] = set()
        while True:
            parameters = _parameters(self.name, request, without=self._refused | left_out)
            try:
                content: bytes = (await create(**parameters)).content
            except APIStatusError as error:
                refused = refused_parameter(error, parameters)
                if not refused:  # not from the client's error, which holds the request and its key
                    raise failure_of(error, self._endpoint.where, secret=self._endpoint.api_key) from None
                left_out |= refused
                continue
            except OpenAIError as error:
                raise failure_of(error, self._endpoint.where, secret=self._endpoint.api_key) from None
            self._refused |= left_out
            return read_reply(content, self._endpoint.where)

    def _open(self) -> AsyncOpenAI:
        """Return the client, made at the first question: its library takes half a second to load."""
        if self._client is None:
            self._client = open_client(self._endpoint)
        return self._client


def _parameters(model: str, request: ChatRequest, *, without: set[str]) -> dict[str, Any]:
    system, user = {"role": "system", "content": request.system}, {"role": "user", "content": request.user}
    wanted: dict[str, Any] = {"temperature": 0}
    if request.max_tokens:
        name = "max_tokens" if "max_completion_tokens" in without else "max_completion_tokens"
        wanted[name] = request.max_tokens
    if request.seed is not None:
        wanted["seed"] = request.seed
    if request.schema is not None:
        form = {"name": "reply", "strict": True, "schema": request.schema}
        wanted["response_format"] = {"type": "json_schema", "json_schema": form}
    if request.first_token:
        wanted |= {"logprobs": True, "top_logprobs": MOST_LOGPROBS}
    kept = {name: value for name, value in wanted.items() if name not in without}
    return {"model": model, "messages": [system, user], **kept}
