"""Rerank with an endpoint that speaks the protocol of Cohere, Jina, Voyage, TEI or vLLM."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Literal

import anyio

from ..core.concurrency import batched, run_concurrently
from ..core.errors import InvalidInput, ModelError, ModelUnavailable
from ..core.masking import SECRETS
from ..core.query import Query
from ..core.retry import CircuitBreaker, RetryPolicy
from ..core.values import Logistic, Passage
from ..models.endpoint.errors import excerpt, parse_retry_after
from ..models.options import NO_TEMPLATES, InputFormat
from .blend import Weights
from .endpoint_shapes import SHAPES
from .protocols import Scores

if TYPE_CHECKING:
    from httpx2 import AsyncClient, Response


MAX_PASSAGE_CHARACTERS = 8_000  # about 2,000 tokens, ten times the length of Resift's own passages

MAX_RETRY_AFTER_S = 10.0  # a query does not wait for an endpoint that asks for more

RETRY_POLICY = RetryPolicy(attempts=3, first_pause_s=0.5, longest_pause_s=5.0, failures_to_open=3, open_s=60.0)

ROUNDING = 0.001  # by which a probability may lie outside 0 to 1

_LOGIT = Logistic(1.0, 0.0)


@dataclass(frozen=True, slots=True)
class EndpointOptions:
    """Which endpoint to call, and how."""

    shape: str
    weights: Weights
    model: str = ""
    url: str = ""
    """URL of the service, with or without its path; empty for the protocol's own service."""
    key: str = field(default="", repr=False)
    timeout_s: float = 10.0
    """Time limit of one request."""
    batch: int = 0
    """Passages in one request; 0 for the protocol's default."""
    concurrency: int = 4
    scores: Literal["probability", "logit"] = "probability"
    form: InputFormat = NO_TEMPLATES

    def __post_init__(self) -> None:
        SECRETS.add(self.key)
        SECRETS.add_url(self.url)


class RerankEndpoint:
    """Scores passages with concurrent requests; `concurrency` limits them over all queries.

    Statuses 429 and 5xx, time-outs and broken connections are retried twice. After three failed requests in a row the
    endpoint is left alone for a minute.
    """

    def __init__(self, options: EndpointOptions, *, retry: RetryPolicy = RETRY_POLICY) -> None:
        from httpx2 import URL, InvalidURL

        self._options = options
        self._shape = SHAPES[options.shape]
        base = (options.url or self._shape.url).rstrip("/")
        try:
            given = URL(base if base.endswith("/rerank") else f"{base}{self._shape.path}")
        except InvalidURL as error:
            raise InvalidInput(
                f"RESIFT_RERANKERS: {base!r} is not the URL of a service: {error}. Correct it."
            ) from error
        self._login = (given.username, given.password) if given.username else None
        self._url = given.copy_with(username=None, password=None)  # the HTTP client logs it
        self._address = str(self._url.copy_with(query=None))
        self._breaker = CircuitBreaker(f"The reranker at {self._address}", retry)
        self._client: AsyncClient | None = None
        self._limit: anyio.CapacityLimiter | None = None

    @property
    def name(self) -> str:
        """Return the protocol with the model, or with the host of a server that has only one model."""
        return f"{self._options.shape}:{self._options.model or self._url.netloc.decode()}"

    @property
    def fingerprint(self) -> str:
        """Return name, address and input format. What the server runs under that name is not known here."""
        return f"{self.name} {self._address} {self._options.form.digest}".rstrip()

    @property
    def weights(self) -> Weights:
        """Return the default share of each signal in the final score."""
        return self._options.weights

    async def score(self, query: Query, passages: Sequence[Passage]) -> Scores:
        """Return one score per passage.

        Raises:
            ModelError: The endpoint cannot be reached, refuses, or does not return one score per passage.
        """
        form, contents = self._options.form, [passage.content for passage in passages]
        text = form.format_query(query.text, query.instruction)
        texts = [form.format_passage(content[:MAX_PASSAGE_CHARACTERS]) for content in contents]
        size = self._options.batch or self._shape.batch
        calls = [lambda batch=batch: self._ask(text, batch) for batch in batched(texts, size)]
        scored = await run_concurrently(calls)
        cut = frozenset(place for place, content in enumerate(contents) if len(content) > MAX_PASSAGE_CHARACTERS)
        values = tuple(value for batch in scored for value in batch)
        return Scores(values, notes=self._notes(values), cut=cut)

    def relevance(self, score: float) -> float:
        """Return the score if it is a probability, else its logistic."""
        return min(1.0, max(0.0, score)) if self._options.scores == "probability" else _LOGIT.probability(score)

    def _notes(self, values: Sequence[float]) -> tuple[str, ...]:
        """Return what shows that the setting `scores` is wrong: relevance would be 1 for every positive logit."""
        if self._options.scores == "logit" or all(-ROUNDING <= value <= 1 + ROUNDING for value in values):
            return ()
        return (
            f"The scores of {self.name} are not probabilities, so their relevance is wrong: set `scores` to "
            '"logit" in its row of RESIFT_RERANKERS.',
        )

    async def close(self) -> None:
        """Close the connections."""
        if self._client is not None:
            await self._client.aclose()
            self._client = None

    async def _ask(self, query: str, texts: Sequence[str]) -> list[float]:
        if self._limit is None:  # belongs to the running event loop
            self._limit = anyio.CapacityLimiter(self._options.concurrency)
        body = self._shape.body(self._options.model, query, texts)
        async with self._limit:
            response = await self._breaker.call(lambda: self._post(body))
        try:
            return self._shape.scores(response.json(), len(texts))
        except (ValueError, RecursionError, ModelError) as error:  # RecursionError: lists within lists, without end
            what = str(error) if isinstance(error, ModelError) else "no JSON"
        # Not raised while the other error is handled: that one shows the reply, which may hold the key.
        raise ModelError(
            f"{self._address} does not answer like {self._options.shape!r}: {excerpt(what)} Check its url and kind."
        )

    async def _post(self, body: dict[str, Any]) -> Response:
        """Return a reply with status 2xx.

        Raises:
            ModelUnavailable: A retry may succeed.
            ModelError: A retry will not succeed.
        """
        from httpx2 import HTTPError

        headers = {"Authorization": f"Bearer {self._options.key}"} if self._options.key else {}
        response = None
        try:
            with anyio.move_on_after(
                self._options.timeout_s
            ):  # limits the whole request: a reply may arrive byte by byte
                response = await self._connected().post(self._url, json=body, headers=headers)
        except HTTPError as error:
            reason = excerpt(str(error) or type(error).__name__)
            raise ModelUnavailable(f"{self._address} cannot be reached: {reason} Check its url.") from None
        except UnicodeError:  # its message shows what cannot be sent, which may be the key
            raise ModelError(
                f"{self._address} cannot be called: its key or a text holds characters that HTTP cannot carry. "
                "Check its key."
            ) from None
        if response is None:
            raise ModelUnavailable(
                f"{self._address} did not answer within {self._options.timeout_s:g} s. Raise `timeout_s` in its row of "
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
        problem = f"{self._address} answered {response.status_code}: {excerpt(response.text)}"
        if response.status_code != 429 and response.status_code < 500:
            raise ModelError(f"{problem} Check its url, model and key.")
        wait_s = parse_retry_after(response.headers.get("Retry-After", ""), datetime.now(UTC))
        if wait_s > MAX_RETRY_AFTER_S:
            raise ModelError(f"{problem} It asks for a pause of {wait_s:.0f} s. Try again after that.")
        raise ModelUnavailable(f"{problem} Try again later, or choose another reranker.", retry_after_s=wait_s)
