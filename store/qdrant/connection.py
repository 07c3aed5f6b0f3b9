"""The connection to a Qdrant server: gRPC if it answers, else REST, with time-outs, retries and our own errors."""

from __future__ import annotations

import logging
import re
import warnings
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from math import ceil, inf
from typing import TYPE_CHECKING, TypeAlias, TypeVar
from urllib.parse import SplitResult, urlsplit

import anyio

from ...core.errors import InvalidInput, StoreError
from ...core.masking import SECRETS
from ...core.retry import CircuitBreaker
from .errors import failures, to_resift_error

if TYPE_CHECKING:
    from qdrant_client import AsyncQdrantClient


OLDEST = (1, 16)  # the first version with collection metadata, which holds the manifest

PROBE_TIMEOUT_S = 3.0  # a firewall may drop gRPC silently; then REST is tried

EXAMPLE = "Write it as http://localhost:6333."

_HOST = re.compile(r"[^\s/?#\\<>\"]+")

LOOPBACK = ("localhost", "127.0.0.1", "::1")

GRPC_OPTIONS = {"grpc.initial_reconnect_backoff_ms": 200, "grpc.max_reconnect_backoff_ms": 2000}  # default: 2 minutes

REPEATED_FOR = 1.5  # time-outs: a request that timed out is repeated once, so that a hanging server costs two

T = TypeVar("T")

Operation: TypeAlias = "Callable[[AsyncQdrantClient], Awaitable[T]]"

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Address:
    """The address of a server, and how to connect to it."""

    url: str
    api_key: str = field(default="", repr=False)
    prefer_grpc: bool = True
    grpc_port: int = 6334
    timeout_s: float = 10.0

    def __post_init__(self) -> None:
        SECRETS.add(self.api_key)
        SECRETS.add_url(self.url)
        parts = self._parts
        if "@" in parts.netloc:
            raise InvalidInput(
                f"QDRANT_URL has a user name or password for {self.shown}, which would not be sent. Remove it, and "
                "set QDRANT_API_KEY instead."
            )
        if parts.scheme not in ("http", "https") or not _HOST.fullmatch(parts.hostname or ""):
            raise InvalidInput(f"QDRANT_URL = {self.url[:200]!r} is not the URL of a server. {EXAMPLE}")

    @property
    def _parts(self) -> SplitResult:
        try:
            parts = urlsplit(self.url if "//" in self.url else f"http://{self.url}")
            _ = parts.port  # raises ValueError, as urlsplit does for an unclosed bracket
        except ValueError as error:
            value = "" if "@" in self.url else f" = {self.url[:200]!r}"  # it may have a password
            raise InvalidInput(f"QDRANT_URL{value} is not a URL: {error}. {EXAMPLE}") from error
        return parts

    @property
    def shown(self) -> str:
        """Return the address without any secret it may contain."""
        parts = self._parts
        port = f":{parts.port}" if parts.port else ""
        host = parts.hostname or ""
        bracketed = f"[{host}]" if ":" in host else host
        return f"{parts.scheme or 'http'}://{bracketed}{port}{parts.path.rstrip('/')}"

    @property
    def sends_key_openly(self) -> bool:
        """Return whether the key is sent unencrypted to another machine."""
        parts = urlsplit(self.shown)
        return bool(self.api_key) and parts.scheme != "https" and parts.hostname not in LOOPBACK


class QdrantConnection:
    """One client for one server: the client given, or one opened with the first request."""

    def __init__(self, address: Address, breaker: CircuitBreaker, *, client: AsyncQdrantClient | None = None) -> None:
        self._address = address
        self._breaker = breaker
        self._parts: dict[str, CircuitBreaker] = {}
        """The circuits of single collections, of their points and of their metadata, by what messages call them."""
        self._client = client
        self._opening = anyio.Lock()
        self.transport = ""
        """"gRPC" or "REST"; empty before the first answer."""
        self.version = ""

    @property
    def address(self) -> Address:
        """Return the address of the server."""
        return self._address

    async def ask(self, operation: Operation[T]) -> T:
        """Return the answer to a request about collections. It is repeated after a temporary failure.

        It must be safe to send twice, as all requests of both kinds.

        Raises:
            NotFound: The server does not have what the request names.
            StoreError: The server refused, failed or did not answer.
        """
        return await self._ask(operation, self._breaker)

    async def ask_metadata(self, collection: str, operation: Operation[T]) -> T:
        """Return the answer to a request that reads the metadata of a collection, counted apart like its points.

        Raises:
            NotFound: The server does not have what the request names.
            StoreError: The server refused, failed or did not answer.
        """
        return await self._ask(operation, self._circuit(f"The metadata of collection {collection!r}"))

    async def ask_points(self, collection: str, operation: Operation[T], *, writes: bool = False) -> T:
        """Return the answer to a request about the points of a collection, as `ask` does.

        Their failures are counted apart: a server whose disks hang still tells which collections it has, and one
        collection that fails keeps nobody from the others. What `writes` is repeated for longer, because a job
        waits for it rather than a person.

        Raises:
            NotFound: The server does not have what the request names.
            StoreError: The server refused, failed or did not answer.
        """
        return await self._ask(operation, self._circuit(f"Collection {collection!r}"), writes=writes)

    async def check(self) -> None:
        """Check that the server answers. Collections that fail are no reason: others may be read.

        Raises:
            StoreError: The server refused, failed or did not answer.
        """
        await self.ask(lambda client: client.get_collections())

    def _circuit(self, part: str) -> CircuitBreaker:
        if part not in self._parts:
            self._parts[part] = self._breaker.apart(part)
        return self._parts[part]

    async def _ask(self, operation: Operation[T], breaker: CircuitBreaker, *, writes: bool = False) -> T:
        async def attempt() -> T:
            try:
                return await operation(await self._connected())
            except failures() as error:
                raise to_resift_error(error, self._address.shown, writes=writes) from error

        deadline = inf if writes else breaker.now() + REPEATED_FOR * self._address.timeout_s
        return await breaker.call(attempt, deadline=deadline)

    async def close(self) -> None:
        """Close the connection."""
        client, self._client = self._client, None
        if client is not None:
            await client.close()

    async def _connected(self) -> AsyncQdrantClient:
        async with self._opening:
            if self._client is None:
                self._client = await self._open()
            return self._client

    async def _open(self) -> AsyncQdrantClient:
        if self._address.prefer_grpc:
            client = self._build(grpc=True)
            try:
                with anyio.fail_after(PROBE_TIMEOUT_S):
                    return await self._greet(client, "gRPC")
            except (TimeoutError, *failures()) as error:
                await client.close()
                logger.info("No gRPC at %s (%s): trying REST", self._address.shown, type(error).__name__)
        client = self._build(grpc=False)
        try:
            return await self._greet(client, "REST")
        except failures():
            await client.close()
            raise

    async def _greet(self, client: AsyncQdrantClient, transport: str) -> AsyncQdrantClient:
        version = (await client.info()).version
        if tuple(int(part) for part in version.split(".")[:2] if part.isdecimal()) < OLDEST:
            await client.close()
            raise StoreError(f"Qdrant at {self._address.shown} is {version}; Resift needs 1.16 or newer. Update it.")
        self.transport, self.version = transport, version
        return client

    def _build(self, *, grpc: bool) -> AsyncQdrantClient:
        from qdrant_client import AsyncQdrantClient

        address = self._address
        with warnings.catch_warnings():  # `resift doctor` reports keys sent over plain HTTP
            warnings.simplefilter("ignore", UserWarning)
            return AsyncQdrantClient(
                url=address.shown,
                api_key=address.api_key or None,
                prefer_grpc=grpc,
                grpc_port=address.grpc_port,
                grpc_options=dict(GRPC_OPTIONS),
                timeout=max(1, ceil(address.timeout_s)),
                check_compatibility=False,
            )
