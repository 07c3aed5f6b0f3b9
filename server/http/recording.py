"""Count every request, and log it: its route, its status and its caller, but neither its query nor its body."""

import logging
import time
from collections.abc import Callable
from typing import Any

from starlette.routing import BaseRoute, Match
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ...api.caller import Caller
from .authentication import CALLER_KEY
from .metrics import Metrics

UNKNOWN = "other"
"""The route of requests for paths that do not exist: what clients send must not become labels."""

logger = logging.getLogger(__name__)


class Recorder:
    """A middleware around all others."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        metrics: Metrics,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        self._app = app
        self._metrics = metrics
        self._clock = clock

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request, and record it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        start, status = self._clock(), 500  # unless something answers

        async def note_status(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, note_status)
        finally:
            self._record(scope, status, self._clock() - start)

    def _record(self, scope: Scope, status: int, seconds: float) -> None:
        route, caller = self._route(scope), scope.get(CALLER_KEY, Caller()).name
        self._metrics.count_request(route=route, status=status, seconds=seconds)
        fields = {"route": route, "status": status, "milliseconds": round(1000 * seconds, 1), "caller": caller}
        level = logging.WARNING if status >= 500 else logging.INFO
        logger.log(
            level,
            "%s: status %d in %.0f ms for %r",
            route,
            status,
            1000 * seconds,
            caller,
            extra={"fields": fields},
        )

    def _route(self, scope: Scope) -> str:
        """Return the path of the route that serves a request, or would serve it if it had not been refused."""
        found: Any = scope.get("route")  # set by FastAPI
        if found is None and "app" in scope:
            routes: list[BaseRoute] = scope["app"].state.routes
            found = next((each for each in routes if each.matches(scope)[0] is not Match.NONE), None)
        return getattr(found, "path", UNKNOWN)
