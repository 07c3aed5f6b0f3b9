"""A real HTTP server on this machine that stands in for somebody's endpoint, and misbehaves on command."""

import json
from collections import deque
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Lock, Thread
from typing import Any, Literal, Self

DRIP_S = 0.05  # between two bytes of a reply that drips

Fault = Literal["hang", "disconnect", "drip", "truncate"]
"""Never answer; close without a word; a byte at a time without end; half of the body, then close."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What goes over the wire: JSON, or a text as it is; with a fault, not even that."""

    body: Any = ""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    fault: Fault | None = None

    def with_fault(self, fault: Fault) -> "Answer":
        return replace(self, fault=fault)


class LocalServer(ThreadingHTTPServer):
    """A server on a free port of this machine, which serves in a thread."""

    daemon_threads = True

    def __init__(self, handler: type[BaseHTTPRequestHandler]) -> None:
        super().__init__(("127.0.0.1", 0), handler)
        self.ended = Event()

    @contextmanager
    def serving(self) -> Generator[Self]:
        with self:
            thread = Thread(target=self.serve_forever, kwargs={"poll_interval": 0.01})
            thread.start()
            try:
                yield self
            finally:
                self.ended.set()
                self.shutdown()
                thread.join()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Keep quiet of clients that went away."""


class StandIn(LocalServer):
    """Answers POSTs, each path by its function from the body asked to an answer, and keeps what it was asked.

    The answers in `next` come first, one a request; then `always`, where it is set.
    """

    def __init__(self, paths: Mapping[str, Callable[[dict[str, Any]], Answer]]) -> None:
        super().__init__(_Handler)
        self.paths = paths
        self.next: deque[Answer] = deque()
        self.always: Answer | None = None
        self.delay_s = 0.0
        self.asked: list[dict[str, Any]] = []
        self.keys: list[str] = []
        """The Authorization header of each request, "" without one."""
        self.at_once = 0
        self.most_at_once = 0
        self.heard = Event()
        """Set when a request came."""
        self.gave_up = Event()
        """Set when a client went away before its answer."""
        self._lock = Lock()

    @property
    def root(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def respond(self, path: str, body: dict[str, Any], key: str) -> Answer:
        with self._lock:
            self.asked.append(body)
            self.keys.append(key)
            self.heard.set()
            if self.next:
                return self.next.popleft()
        return self.always or self.paths[path](body)

    def count(self, change: int) -> None:
        with self._lock:
            self.at_once += change
            self.most_at_once = max(self.most_at_once, self.at_once)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Keep quiet of clients that went away."""
        self.gave_up.set()


class _Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self._stand_in.count(1)
        try:
            answer = self._stand_in.respond(self.path, body, self.headers.get("Authorization", ""))
            self._stand_in.ended.wait(self._stand_in.delay_s)
            self._send(answer)
        finally:
            self._stand_in.count(-1)

    def _send(self, answer: Answer) -> None:
        self.close_connection = answer.fault is not None
        if answer.fault == "hang":
            self._wait_until_gone()
        if answer.fault in {"hang", "disconnect"}:
            return
        text = answer.body if isinstance(answer.body, str) else json.dumps(answer.body)
        content = text.encode("utf-8", "surrogatepass")
        self.send_response(answer.status)
        for name, value in {"Content-Type": "application/json", **answer.headers}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(10_000_000 if answer.fault == "drip" else len(content)))
        self.end_headers()
        self.wfile.write(content[: len(content) // 2] if answer.fault == "truncate" else content)
        while answer.fault == "drip" and not self._stand_in.ended.wait(DRIP_S):
            self.wfile.write(b" ")

    def _wait_until_gone(self) -> None:
        """Wait for the client to close its end, or for the test to end."""
        self.connection.settimeout(DRIP_S)
        while not self._stand_in.ended.is_set():
            try:
                if not self.connection.recv(1):
                    self._stand_in.gave_up.set()
                    return
            except TimeoutError:
                continue

    @property
    def _stand_in(self) -> StandIn:
        assert isinstance(self.server, StandIn)
        return self.server

    def log_message(self, format: str, *args: Any) -> None:
        """Keep quiet."""
