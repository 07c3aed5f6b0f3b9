"""The public keys of an OAuth server: fetched by one request at a time, and kept while they cannot be fetched."""

import time
from collections.abc import Callable, Mapping
from math import inf

import anyio
import jwt
from anyio import CapacityLimiter, to_thread
from jwt import PyJWK, PyJWKClient

from ...core.errors import Unavailable

TIMEOUT_S = 5.0

KEPT_S = 300.0  # until keys are fetched again

KEPT_AT_MOST_S = 3600.0  # while they cannot be fetched: by then, a key that was withdrawn must not be accepted any more

PAUSE_S = 30.0  # between two fetches: anybody can send tokens with unknown keys

RETRY_S = 5.0  # after a fetch that failed


class PublishedKeys:
    """Keys by their names. Whoever asks for a known one does not wait for the server."""

    def __init__(self, url: str, *, clock: Callable[[], float] = time.monotonic, timeout_s: float = TIMEOUT_S) -> None:
        self._client = PyJWKClient(url, cache_jwk_set=False, timeout=timeout_s)
        self._timeout_s = timeout_s
        self._clock = clock
        self._thread = CapacityLimiter(1)
        self._keys: Mapping[str, PyJWK] = {}
        self._fetched = -inf
        """When the keys were fetched."""
        self._due = -inf
        """When they may be fetched again."""
        self._has_failed = False
        self._fetching: anyio.Event | None = None

    async def find(self, name: str) -> PyJWK | None:
        """Return a key; None if the server has none of that name.

        Raises:
            Unavailable: It is not known whether there is one, because the keys cannot be fetched.
        """
        if (key := self._keys.get(name)) is not None and self._age() < KEPT_S:
            return key
        if self._fetching is None or key is None or self._age() > KEPT_AT_MOST_S:
            await self._refresh()
        if (key := self._keys.get(name)) is not None and self._age() <= KEPT_AT_MOST_S:
            return key
        if self._has_failed:
            raise Unavailable("The keys of the OAuth server cannot be fetched. Try again soon.", retry_after_s=RETRY_S)
        return None

    def _age(self) -> float:
        return self._clock() - self._fetched

    async def _refresh(self) -> None:
        """Fetch the keys, or wait for the one who does, unless that has just been done."""
        if self._fetching is not None:
            await self._fetching.wait()
            return
        if self._clock() < self._due:
            return
        self._fetching = anyio.Event()
        try:
            await self._fetch()
        finally:
            self._fetching.set()
            self._fetching = None

    async def _fetch(self) -> None:
        """Fetch the keys; those known stay if that fails. A server that answers byte by byte does not hold it up."""
        self._has_failed = True
        self._due = self._clock() + RETRY_S
        with anyio.move_on_after(self._timeout_s):
            try:
                keys = await to_thread.run_sync(
                    self._client.get_signing_keys, limiter=self._thread, abandon_on_cancel=True
                )
            except (jwt.PyJWTError, ValueError, TypeError, OSError, RecursionError):
                return
            self._keys = {str(key.key_id): key for key in keys}
            self._has_failed = False
            self._fetched = self._clock()
            self._due = self._fetched + PAUSE_S
