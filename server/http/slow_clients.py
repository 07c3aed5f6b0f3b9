"""Connections that end when their client is too slow; uvicorn waits for a head, or for a reader, without end."""

import asyncio
from functools import partial
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import STATUS_PHRASES, H11Protocol

from .refusals import body_of

MOST_CONNECTIONS = 512
"""Open at once: a process may have 1,024 files open on many systems."""

MOST_HEAD_BYTES = 32_768


class TimedConnection(H11Protocol):
    """A connection with a limit on the time that the head of a request, and the reading of an answer, may take."""

    def __init__(self, *args: Any, timeout_s: float, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._timeout_s = timeout_s
        self._waiting: asyncio.TimerHandle | None = None
        """Runs from when a request may be sent until its head is complete."""
        self._writing: asyncio.TimerHandle | None = None
        """Runs while the client does not take what is written."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # pyright: ignore[reportIncompatibleMethodOverride]
        """Start to wait for a request, or refuse the connection if there are too many."""
        super().connection_made(transport)
        if len(self.connections) > MOST_CONNECTIONS:
            self._refuse(503, "The server has too many open connections. Try again soon.")
        self._watch()

    def data_received(self, data: bytes) -> None:
        """Take a part of a request."""
        super().data_received(data)
        self._watch()

    def on_response_complete(self) -> None:
        """Wait for the next request, whose beginning may have arrived already."""
        super().on_response_complete()
        self._watch()

    def pause_writing(self) -> None:
        """Wait until the client has taken what was written."""
        super().pause_writing()
        self._writing = self._writing or self.loop.call_later(self._timeout_s, self.transport.abort)

    def resume_writing(self) -> None:
        """Go on writing."""
        super().resume_writing()
        self._writing = _stopped(self._writing)

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop all clocks."""
        self._waiting, self._writing = _stopped(self._waiting), _stopped(self._writing)
        super().connection_lost(exc)

    def send_400_response(self, msg: str) -> None:
        """Refuse what is not HTTP, in the form of all refusals."""
        self._refuse(400, "This is not a valid HTTP request.")

    def _watch(self) -> None:
        is_waiting = self.cycle is None or self.cycle.response_complete  # pyright: ignore[reportUnnecessaryComparison]
        if self.transport.is_closing() or not is_waiting:
            self._waiting = _stopped(self._waiting)
        elif self._waiting is None:
            self._waiting = self.loop.call_later(self._timeout_s, self._give_up)

    def _give_up(self) -> None:
        self._refuse(408, "The head of the request did not arrive in time.")

    def _refuse(self, status: int, message: str) -> None:
        """Answer, unless an answer has begun, and close the connection."""
        if self.conn.our_state is h11.IDLE:
            content = body_of(status, message)
            headers = [
                ("content-type", "application/json"),
                ("content-length", str(len(content))),
                ("connection", "close"),
            ]
            head = h11.Response(status_code=status, headers=headers, reason=STATUS_PHRASES[status])
            for event in (head, h11.Data(data=content), h11.EndOfMessage()):
                self.transport.write(self.conn.send(event) or b"")
        self.transport.close()


def connections(timeout_s: float) -> Any:
    """Return what uvicorn calls for each connection. It can be sent to worker processes."""
    return partial(TimedConnection, timeout_s=timeout_s)


def _stopped(timer: asyncio.TimerHandle | None) -> None:
    if timer is not None:
        timer.cancel()
