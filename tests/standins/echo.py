"""A stand-in for a service that refuses every request and repeats, in many forms, what it was sent."""

import json
from base64 import b64decode
from collections.abc import Generator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import quote, quote_plus


class EchoServer(ThreadingHTTPServer):
    """Answers every request with `status` and what it was sent: headers, path, the login as text and as a URL."""

    daemon_threads = True

    def __init__(self, status: int) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.status = status
        self.heard = ""
        """All that was sent in headers and paths."""

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.server_port}"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def _answer(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        server = self.server
        assert isinstance(server, EchoServer)
        sent = [value for name, value in self.headers.items() if name.lower() in {"authorization", "api-key"}]
        login = b64decode(sent[0].split()[-1]).decode() if sent and sent[0].startswith("Basic ") else ""
        forms = [
            self.path,
            *sent,
            *map(quote, sent),
            *map(quote_plus, sent),
            login,
            quote(login),
            f"http://{login}@host/",
        ]
        server.heard += "\n".join([self.path, *sent, login])
        message = f"No: {json.dumps(forms)}"
        content = json.dumps({"error": {"message": message}, "status": {"error": message}, "message": message}).encode()
        self.send_response(server.status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.send_header("X-Sent", quote(" ".join(sent)))
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_POST = do_PUT = do_DELETE = do_PATCH = _answer  # noqa: N815 - the names of http.server

    def log_message(self, format: str, *args: Any) -> None:
        """Keep quiet."""


@contextmanager
def echo_server(status: int = 401) -> Generator[EchoServer]:
    with EchoServer(status) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
