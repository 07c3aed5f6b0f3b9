"""Rerank by an endpoint, in the shape of Cohere, Jina, Voyage, TEI or vLLM."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Literal

import anyio

from ..core.errors import ModelError, ModelUnavailable
from ..core.retry import CircuitBreaker, RetryPolicy
from ..core.values import Logistic, Passage
from ..models.endpoint.errors import excerpt, parse_retry_after
from ..models.options import NO_TEMPLATES, InputFormat
from .blend import Weights
from .endpoint_shapes import SHAPES
from .protocols import Scores

if TYPE_CHECKING:
    from httpx2 import AsyncClient, Response


MOST_CHARACTERS = 8_000  # of a passage: some 2,000 tokens, ten times what Resift cuts

LONGEST_WAIT_S = 10.0  # that an endpoint may ask for; a question is not kept waiting for longer

RETRY_POLICY = RetryPolicy(attempts=3, first_pause_s=0.5, longest_pause_s=5.0, failures_to_open=3, open_s=60.0)

_LOGIT = Logistic(1.0, 0.0)


@dataclass(frozen=True, slots=True)
class EndpointOptions:
    """Which endpoint is asked, and how."""

    shape: str
    weights: Weights
    model: str = ""
    url: str = ""
    """Of the service, with or without the path; empty is the shape's own."""
    key: str = field(default="", repr=False)
    timeout_s: float = 10.0
    """Of one request."""
    batch: int = 0
    """Passages in one request; 0 is what suits the shape."""
    concurrency: int = 4
    scores: Literal["probability", "logit"] = "probability"
    form: InputFormat = NO_TEMPLATES


class RerankEndpoint:
    """Scores passages by requests that run at once, so many at most over all questions together.

    Statuses 429 and 5xx, time-outs and broken connections are tried again twice; after three requests in a row that
    failed to the end, none is made for a minute.
    """

    def __init__(self, options: EndpointOptions, *, retry: RetryPolicy = RETRY_POLICY) -> None:
        from httpx2 import URL

        self._options = options
        self._shape = SHAPES[options.shape]
        base = (options.url or self._shape.url).rstrip("/")
        given = URL(base if base.endswith("/rerank") else f"{base}{self._shape.path}")
        self._login = (given.username, given.password) if given.username else None
        self._url = given.copy_with(username=None, password=None)  # the HTTP client logs it
        self._shown = str(self._url.copy_with(query=None))
        self._breaker = CircuitBreaker(f"The reranker at {self._shown}", retry)
        self._client: AsyncClient | None = None
        self._limit: anyio.CapacityLimiter | None = None

    @property
    def name(self) -> str:
        """Return the shape with the model, or with the host where the server has only one model."""
        return f"{self._options.shape}:{self._options.model or self._url.netloc.decode()}"

    @property
    def fingerprint(self) -> str:
        """Return name, address and form; what is served there under that name nobody can tell from here."""
        return f"{self.name} {self._shown} {self._options.form.digest}".rstrip()

    @property
    def weights(self) -> Weights:
        """Return the shares in the final score that suit it."""
        return self._options.weights

    async def score(self, query: str, passages: Sequence[Passage], *, instruction: str = "") -> Scores:
        """Return the endpoint's scores.

        Raises:
            ModelError: It cannot be reached, refuses, or its answer is not one score for each passage.
        """
        form, contents = self._options.form, [passage.content for passage in passages]
        asked = form.format_query(query, instruction)
        texts = [form.format_passage(content[:MOST_CHARACTERS]) for content in contents]
        size = self._options.batch or self._shape.batch
        groups = [texts[start : start + size] for start in range(0, len(texts), size)]
        scored: list[list[float]] = [[] for _ in groups]

        async def ask(place: int) -> None:
            scored[place] = await self._ask(asked, groups[place])

        try:
            async with anyio.create_task_group() as tasks:
                for place in range(len(groups)):
                    tasks.start_soon(ask, place)
        except ExceptionGroup as failures:
            raise failures.exceptions[0] from None
        cut = frozenset(place for place, content in enumerate(contents) if len(content) > MOST_CHARACTERS)
        return Scores(tuple(value for group in scored for value in group), cut=cut)

    def relevance(self, score: float) -> float:
        """Return the score, where it is a probability, or the logistic of it."""
        return min(1.0, max(0.0, score)) if self._options.scores == "probability" else _LOGIT.probability(score)

    async def close(self) -> None:
        """Close the connections."""
        if self._client is not None:
            await self._client.aclose()
            self._client = None

    async def _ask(self, query: str, texts: Sequence[str]) -> list[float]:
        if self._limit is None:  # made here, since it belongs to the running event loop
            self._limit = anyio.CapacityLimiter(self._options.concurrency)
        body = self._shape.body(self._options.model, query, texts)
        async with self._limit:
            response = await self._breaker.call(lambda: self._post(body))
        try:
            return self._shape.scores(response.json(), len(texts))
        except (ValueError, ModelError) as error:
            what = str(error) if isinstance(error, ModelError) else "no JSON"
            raise ModelError(
                f"{self._shown} does not answer as {self._options.shape!r} does, but with "
                f"{excerpt(what, self._options.key)} Check its url and kind."
            ) from None  # the cause would show the reply

    async def _post(self, body: dict[str, Any]) -> Response:
        """Return a reply of status 2xx.

        Raises:
            ModelUnavailable: Another try may succeed.
            ModelError: It will not.
        """
        from httpx2 import HTTPError

        headers = {"Authorization": f"Bearer {self._options.key}"} if self._options.key else {}
        response = None
        try:
            with anyio.move_on_after(self._options.timeout_s):  # of the whole: a reply may also come byte by byte
                response = await self._connected().post(self._url, json=body, headers=headers)
        except HTTPError as error:
            reason = excerpt(str(error) or type(error).__name__, self._options.key)
            raise ModelUnavailable(f"{self._shown} cannot be reached: {reason} Check its url.") from None
        except UnicodeError:  # it shows what cannot be sent, which may be the key
            raise ModelError(
                f"{self._shown} cannot be asked: its key, or a text, holds characters that cannot be sent. "
                "Check its key."
            ) from None
        if response is None:
            raise ModelUnavailable(
                f"{self._shown} did not answer within {self._options.timeout_s:g} s. Raise `timeout_s` in its row of "
                "RESIFT_RERANKERS."
            )
        self._check(response)
        return response

    def _connected(self) -> AsyncClient:
        from httpx2 import AsyncClient

        if self._client is None:
            self._client = AsyncClient(timeout=self._options.timeout_s, auth=self._login)
        return self._client

    def _check(self, response: Response) -> None:
        if response.is_success:
            return
        problem = f"{self._shown} answered {response.status_code}: {excerpt(response.text, self._options.key)}"
        if response.status_code != 429 and response.status_code < 500:
            raise ModelError(f"{problem} Check its url, model and key.")
        wait_s = parse_retry_after(response.headers.get("Retry-After", ""), datetime.now(UTC))
        if wait_s > LONGEST_WAIT_S:
            raise ModelError(f"{problem} It asks to be left alone for {wait_s:.0f} s. Ask again then.")
        raise ModelUnavailable(f"{problem} Ask again later, or choose another reranker.", retry_after_s=wait_s)
