"""A real HTTP server on this machine that stands in for a language model's endpoint."""

import json
from collections.abc import Generator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any


class StandIn(ThreadingHTTPServer):
    """Answers chat completions with `reply`, or with `status` when that is an error, and keeps what it was asked."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.reply: Any = "What hums?"
        self.status = 200
        self.asked: list[dict[str, Any]] = []
        self.keys: list[str] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/v1"


class _Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        assert self.path == "/v1/chat/completions"
        self._stand_in.asked.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
        self._stand_in.keys.append(self.headers["Authorization"])
        refusal = {"error": {"message": "no such model"}}
        body = json.dumps(self._completion() if self._stand_in.status == 200 else refusal)
        self.send_response(self._stand_in.status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body.encode())

    @property
    def _stand_in(self) -> StandIn:
        assert isinstance(self.server, StandIn)
        return self.server

    def log_message(self, format: str, *args: Any) -> None:
        """Keep quiet."""

    def _completion(self) -> dict[str, Any]:
        message = {"role": "assistant", "content": self._stand_in.reply}
        choices = [{"index": 0, "finish_reason": "stop", "message": message}]
        return {"id": "1", "object": "chat.completion", "created": 0, "model": "small", "choices": choices}


@contextmanager
def stand_in() -> Generator[StandIn]:
    with StandIn() as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
