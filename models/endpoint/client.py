"""The way to an OpenAI-compatible endpoint: its client, how often it is asked, and when it is left alone."""

from __future__ import annotations

import random
import time
from base64 import b64encode
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit, urlunsplit

import anyio

from ...core.retry import CircuitBreaker, RetryPolicy

if TYPE_CHECKING:
    from openai import AsyncOpenAI


NO_KEY = "none"  # endpoints on one's own machine ask for none, but the client insists on one

FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.5, 8.0

FAILED_CALLS, REST_S = 3, 60.0  # after so many calls in a row that failed, an endpoint is left alone for a minute


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where the model is, and how it is waited for. An empty `base_url` is OpenAI's own."""

    model: str
    base_url: str = ""
    api_key: str = field(default="", repr=False)
    timeout_s: float = 20.0
    """Of one request."""
    retries: int = 2

    @property
    def where(self) -> str:
        """Return model and host, for messages."""
        base_url, _ = _without_credentials(self.base_url)
        return f"{self.model} at {urlsplit(base_url).netloc if base_url else 'api.openai.com'}"


def open_breaker(
    endpoint: Endpoint,
    *,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], Awaitable[None]] = anyio.sleep,
    chance: Callable[[], float] = random.random,
) -> CircuitBreaker:
    """Return the line by which the endpoint is asked again, and left alone when it keeps failing."""
    retry = RetryPolicy(
        endpoint.retries + 1, FIRST_PAUSE_S, longest_pause_s=LONGEST_PAUSE_S, failed_calls=FAILED_CALLS, rest_s=REST_S
    )
    return CircuitBreaker(endpoint.where, retry, clock=clock, sleep=sleep, chance=chance)


def open_client(endpoint: Endpoint) -> AsyncOpenAI:
    """Return a client, whose library takes half a second to load; it does not ask again by itself."""
    from openai import AsyncOpenAI

    base_url, headers = _without_credentials(endpoint.base_url)
    return AsyncOpenAI(
        base_url=base_url or None,
        api_key=endpoint.api_key or NO_KEY,
        default_headers=headers,
        timeout=endpoint.timeout_s,
        max_retries=0,  # the line asks again
    )


def _without_credentials(url: str) -> tuple[str, dict[str, str]]:
    """Return the address without user and password, which the client would log, and the header that bears them."""
    parts = urlsplit(url)
    credentials, _, host = parts.netloc.rpartition("@")
    if not credentials:
        return url, {}
    token = b64encode(unquote(credentials).encode()).decode()
    return urlunsplit(parts._replace(netloc=host)), {"Authorization": f"Basic {token}"}
