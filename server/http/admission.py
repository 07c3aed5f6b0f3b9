"""How much the server takes on: bodies up to a size, so many requests at once, and a short queue."""

import time
from collections.abc import AsyncGenerator, Callable, Collection
from contextlib import asynccontextmanager

import anyio
from starlette.datastructures import Headers
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ...api.caller import JOB_WAITS, JobWaits
from ...settings.serving import HttpSettings
from .authentication import OPEN_PREFIX
from .refusals import close_after, refusal, try_later

BYTES_PER_S = 10_000
"""What a client must send of a body, after the time that it has anyway: a slow line may upload a large document."""

RETRY_S = 2.0


class Load:
    """How many requests are worked on, and how many wait. `show` is told both whenever one changes."""

    def __init__(self, http: HttpSettings, *, show: Callable[[int, int], None] = lambda _, __: None) -> None:
        self.active = 0
        self.queued = 0
        """Waiting for their turn, or for the rest of their body."""
        self._most = http.max_concurrent + http.max_queued
        self._queue_timeout_s = http.queue_timeout_s
        self._slots = anyio.Semaphore(http.max_concurrent)
        self._show = show

    @property
    def is_full(self) -> bool:
        """Return whether no more requests may wait."""
        return self.active + self.queued >= self._most

    @asynccontextmanager
    async def queue(self) -> AsyncGenerator[None]:
        """Count a request as waiting."""
        self._change(queued=1)
        try:
            yield
        finally:
            self._change(queued=-1)

    async def start(self) -> bool:
        """Wait for a slot, and return whether one became free in time."""
        with anyio.move_on_after(self._queue_timeout_s):
            await self._slots.acquire()
            self._change(active=1)
            return True
        return False

    def end(self) -> None:
        """Free the slot of a request."""
        self._change(active=-1)
        self._slots.release()

    def _change(self, *, active: int = 0, queued: int = 0) -> None:
        self.active += active
        self.queued += queued
        self._show(self.active, self.queued)


class Admission:
    """A middleware that passes requests on with their whole body, as many at once as the settings say."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        load: Load,
        http: HttpSettings,
        immediate: Collection[str],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._app = app
        self._load = load
        self._http = http
        self._waits = JobWaits(max(1, http.max_concurrent // 2))
        self._immediate = frozenset(immediate)
        self._clock = clock

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve or refuse a request. Those to the paths in `immediate` are never kept waiting.

        Nor are those that need no token: a stranger must not take a place by sending a body slowly.
        """
        if scope["type"] != "http" or scope["path"] in self._immediate or scope["path"].startswith(OPEN_PREFIX):
            await self._app(scope, receive, send)
            return
        body = await self._admit(Headers(scope=scope), receive)
        if isinstance(body, JSONResponse):
            await body(scope, receive, send)
        elif body is not None:
            token = JOB_WAITS.set(self._waits)
            try:
                await self._app(scope, _replaying(body, receive), send)
            finally:
                JOB_WAITS.reset(token)
                self._load.end()

    async def _admit(self, headers: Headers, receive: Receive) -> bytes | JSONResponse | None:
        """Return the body once it is the request's turn, or why it is refused; None if the client has gone."""
        if headers.get("content-length", "").isdecimal() and int(headers["content-length"]) > self._http.max_body_bytes:
            return self._too_large()
        if self._load.is_full:
            return _busy()
        async with self._load.queue():
            body = await self._read(receive)
            if isinstance(body, bytes) and not await self._load.start():
                return _busy()
            return body

    async def _read(self, receive: Receive) -> bytes | JSONResponse | None:
        body, start = bytearray(), self._clock()
        while True:
            left_s = self._http.client_timeout_s + len(body) / BYTES_PER_S - (self._clock() - start)
            try:
                with anyio.fail_after(max(0.0, left_s)):
                    message = await receive()
            except TimeoutError:
                return close_after(refusal(408, "The body of the request did not arrive in time. Send it faster."))
            if message["type"] != "http.request":
                return None
            body += message.get("body", b"")
            if len(body) > self._http.max_body_bytes:
                return close_after(self._too_large())
            if not message.get("more_body", False):
                return bytes(body)

    def _too_large(self) -> JSONResponse:
        most = self._http.max_body_bytes
        return refusal(413, f"The body of the request has more than {most:,} bytes. Send less in one request.")


def _busy() -> JSONResponse:
    return try_later(503, "The server is busy: too many requests are waiting already. Try again soon.", after_s=RETRY_S)


def _replaying(body: bytes, receive: Receive) -> Receive:
    """Return a function that receives the body first, and then what follows it."""
    messages: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def replay() -> Message:
        return messages.pop() if messages else await receive()

    return replay
