"""The public keys of an OAuth server: fetched in the background, and kept while they cannot be fetched."""

import asyncio
import time
from collections.abc import Callable, Mapping
from http.client import HTTPException
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

RETRY_S = 5.0  # between the end of a fetch that failed and the next one


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
        self._fetching: asyncio.Task[None] | None = None

    async def find(self, name: str) -> PyJWK | None:
        """Return a key; None if the server has none of that name.

        Raises:
            Unavailable: It is not known whether there is one, because the keys cannot be fetched.
        """
        if (key := self._known(name)) is not None:
            if self._age() >= KEPT_S:
                self._refresh()
            return key
        if (fetching := self._refresh()) is not None:
            await asyncio.wait([fetching])  # a caller that is cancelled meanwhile does not cancel it
        if (key := self._known(name)) is not None:
            return key
        if self._has_failed:
            raise Unavailable("The keys of the OAuth server cannot be fetched. Try again soon.", retry_after_s=RETRY_S)
        return None

    def _age(self) -> float:
        return self._clock() - self._fetched

    def _known(self, name: str) -> PyJWK | None:
        return self._keys.get(name) if self._age() <= KEPT_AT_MOST_S else None

    def _refresh(self) -> asyncio.Task[None] | None:
        """Return the fetch that goes on, which is begun if none does; None if one has just ended."""
        if self._fetching is None or self._fetching.done():
            if self._clock() < self._due:
                return None
            self._fetching = asyncio.get_running_loop().create_task(self._fetch())
        return self._fetching

    async def _fetch(self) -> None:
        """Fetch the keys; those known stay if that fails. A server that answers byte by byte does not hold it up."""
        keys: list[PyJWK] = []
        try:
            with anyio.fail_after(self._timeout_s):
                keys = await to_thread.run_sync(
                    self._client.get_signing_keys, limiter=self._thread, abandon_on_cancel=True
                )
        except (jwt.PyJWTError, HTTPException, ValueError, TypeError, OSError, RecursionError):
            pass
        self._has_failed = not keys  # PyJWT raises an error if the server has none
        if keys:
            self._keys = {str(key.key_id): key for key in keys}
            self._fetched = self._clock()
        self._due = self._clock() + (PAUSE_S if keys else RETRY_S)
