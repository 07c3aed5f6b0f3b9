"""An OpenAI-compatible endpoint: its settings, its client, and when a failed request is sent again."""

from __future__ import annotations

import random
import time
from base64 import b64encode
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit, urlunsplit

import anyio

from ...core.masking import SECRETS
from ...core.retry import CircuitBreaker, RetryPolicy

if TYPE_CHECKING:
    from openai import AsyncOpenAI


NO_KEY = "none"  # local endpoints need no key, but the client insists on one

FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.5, 8.0

FAILURES_TO_OPEN, OPEN_S = 3, 60.0  # after this many failed calls in a row, the endpoint is not called for a minute


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A model behind an endpoint. An empty `base_url` means OpenAI's own."""

    model: str
    base_url: str = ""
    api_key: str = field(default="", repr=False)
    timeout_s: float = 20.0
    """Of one request."""
    retries: int = 2

    def __post_init__(self) -> None:
        SECRETS.add(self.api_key)
        SECRETS.add_url(self.base_url)

    @property
    def label(self) -> str:
        """Return the model and its host, for error messages."""
        base_url, _ = _without_credentials(self.base_url)
        return f"{self.model} at {urlsplit(base_url).netloc if base_url else 'api.openai.com'}"


def new_circuit_breaker(
    endpoint: Endpoint,
    *,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], Awaitable[None]] = anyio.sleep,
    chance: Callable[[], float] = random.random,
) -> CircuitBreaker:
    """Return what repeats failed requests to the endpoint, and stops sending any after several failed calls."""
    policy = RetryPolicy(
        attempts=endpoint.retries + 1,
        first_pause_s=FIRST_PAUSE_S,
        longest_pause_s=LONGEST_PAUSE_S,
        failures_to_open=FAILURES_TO_OPEN,
        open_s=OPEN_S,
    )
    return CircuitBreaker(endpoint.label, policy, clock=clock, sleep=sleep, chance=chance)


def new_client(endpoint: Endpoint) -> AsyncOpenAI:
    """Return a client that does not retry by itself; importing its library takes half a second."""
    from openai import AsyncOpenAI

    base_url, headers = _without_credentials(endpoint.base_url)
    return AsyncOpenAI(
        base_url=base_url or None,
        api_key=endpoint.api_key or NO_KEY,
        default_headers=headers,
        timeout=endpoint.timeout_s,
        max_retries=0,  # the circuit breaker retries
    )


def _without_credentials(url: str) -> tuple[str, dict[str, str]]:
    """Return the URL without user and password, which the client would log, and the header that carries them."""
    parts = urlsplit(url)
    credentials, _, host = parts.netloc.rpartition("@")
    if not credentials:
        return url, {}
    token = b64encode(unquote(credentials).encode()).decode()
    return urlunsplit(parts._replace(netloc=host)), {"Authorization": f"Basic {token}"}
