"""Stop work for clients that have gone, where it changes nothing."""

from collections.abc import Collection

import anyio
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ..refusals import refusal

GONE = 499
"""The status in the log and the metrics: nobody sees it. nginx uses the same."""


class Departures:
    """A middleware that stops requests that only read once their clients have gone. It gets bodies in one piece.

    Requests that change something are finished: half a deletion helps nobody. MCP looks for departures itself.
    """

    def __init__(self, app: ASGIApp, *, prefix: str, reading: Collection[str]) -> None:
        self._app = app
        self._prefix = prefix
        """Below it, every GET only reads."""
        self._reading = frozenset(reading)
        """Paths whose POST only reads."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request to its end, or until its client has gone before an answer began."""
        if scope["type"] != "http" or not self._only_reads(scope):
            await self._app(scope, receive, send)
            return
        messages = [await receive()]
        gone, has_begun, serving = anyio.Event(), False, anyio.CancelScope()

        async def replay() -> Message:
            if messages:
                return messages.pop()
            await gone.wait()
            return {"type": "http.disconnect"}

        async def note_begin(message: Message) -> None:
            nonlocal has_begun
            has_begun = True
            await send(message)

        async def watch() -> None:
            while (await receive())["type"] != "http.disconnect":
                pass
            gone.set()
            if not has_begun:  # servers also report a departure at the end of an answer
                serving.cancel()

        try:
            async with anyio.create_task_group() as group:
                group.start_soon(watch)
                with serving:
                    await self._app(scope, replay, note_begin)
                group.cancel_scope.cancel()
        except ExceptionGroup as failures:
            raise failures.exceptions[0] from None
        if serving.cancelled_caught:
            await refusal(GONE, "The client has gone.")(scope, receive, send)

    def _only_reads(self, scope: Scope) -> bool:
        if scope["method"] == "GET":
            return scope["path"].startswith(self._prefix)
        return scope["method"] == "POST" and scope["path"] in self._reading
