"""How many requests each token may make in a minute."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from math import ceil

from cachetools import LRUCache
from starlette.types import ASGIApp, Receive, Scope, Send

from ...api.caller import Caller
from .authentication import CALLER_KEY
from .refusals import try_later

MOST_BUCKETS = 10_000
"""Of which the least recently used are dropped: an OAuth server may have any number of users."""

MINUTE_S = 60.0


@dataclass(slots=True)
class TokenBucket:
    """Holds up to a minute's requests, and fills up evenly: a burst is allowed, a steady excess is not."""

    held: float
    at: float
    """When `held` was counted, by the clock of the limiter."""

    def take(self, now: float, *, per_minute: int) -> float:
        """Take one request, and return 0; or return the seconds until there is one."""
        rate = per_minute / MINUTE_S
        self.held = min(float(per_minute), self.held + (now - self.at) * rate)
        self.at = now
        if self.held < 1:
            return (1 - self.held) / rate
        self.held -= 1
        return 0.0


class RateLimit:
    """A middleware that refuses the requests of a token that makes too many. Without a token there is no limit."""

    def __init__(self, app: ASGIApp, *, per_minute: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._app = app
        self._per_minute = per_minute
        self._clock = clock
        self._buckets: LRUCache[str, TokenBucket] = LRUCache(MOST_BUCKETS)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve or refuse a request."""
        caller: Caller | None = scope.get(CALLER_KEY)
        wait_s = self._take(caller.name) if caller is not None and caller.name and self._per_minute else 0.0
        app: ASGIApp = self._app
        if wait_s:
            message = f"This token may make {self._per_minute} requests per minute. Try again in {ceil(wait_s)} s."
            app = try_later(429, message, after_s=wait_s)
        await app(scope, receive, send)

    def _take(self, name: str) -> float:
        now = self._clock()
        bucket = self._buckets.setdefault(name, TokenBucket(float(self._per_minute), now))
        return bucket.take(now, per_minute=self._per_minute)
