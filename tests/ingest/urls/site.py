"""A web site on this machine, with pages that are set by the test and a record of what was asked."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any

from resift.ingest.urls.addresses import UrlRules
from resift.ingest.urls.fetching import UrlOptions
from resift.tests.standins.http import LocalServer

DRIP_S = 0.02


@dataclass(frozen=True, slots=True)
class Reply:
    """What is sent for a path. A reply that drips never ends."""

    body: bytes = b""
    type: str = "text/html"
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    drips: bool = False


class Site(LocalServer):
    """Answers GETs by `pages`, the replies by path; a page with an ETag is not sent to whoever has it."""

    def __init__(self) -> None:
        super().__init__(_Handler)
        self.pages: dict[str, Reply | Callable[[Mapping[str, str]], Reply]] = {}
        self.asked: list[tuple[str, Mapping[str, str]]] = []
        """The path and the headers of each request."""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    @property
    def options(self) -> UrlOptions:
        """Return options with which this site may be asked, although it is on this machine."""
        return UrlOptions(60.0, UrlRules({self.server_port}, may_ask=lambda _: True))

    @property
    def paths(self) -> list[str]:
        """Return the paths that were asked, without those of robots.txt."""
        return [path for path, _ in self.asked if path != "/robots.txt"]

    def add(self, path: str, body: str | bytes, type_: str = "text/html", **headers: str) -> str:
        """Add a page and return its URL."""
        content = body.encode() if isinstance(body, str) else body
        self.pages[path] = Reply(content, type_, headers={name.replace("_", "-"): headers[name] for name in headers})
        return f"{self.url}{path}"

    def redirect(self, path: str, target: str, status: int = 302) -> str:
        """Add a redirection and return its URL."""
        self.pages[path] = Reply(status=status, headers={"Location": target})
        return f"{self.url}{path}"


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        site = self.server
        assert isinstance(site, Site)
        headers = {name.lower(): value for name, value in self.headers.items()}
        site.asked.append((self.path, headers))
        found = site.pages.get(self.path, Reply(status=404))
        reply = found if isinstance(found, Reply) else found(headers)
        etag = reply.headers.get("ETag", "")
        if etag and headers.get("if-none-match") == etag:
            reply = Reply(status=304, headers=reply.headers)
        self.send_response(reply.status)
        for name, value in {"Content-Type": reply.type, **reply.headers}.items():
            self.send_header(name, value)
        if not reply.drips and reply.status != 304:
            self.send_header("Content-Length", str(len(reply.body)))
        self.end_headers()
        self.wfile.write(reply.body)
        while reply.drips and not site.ended.wait(DRIP_S):
            self.wfile.write(b" ")

    def log_message(self, format: str, *args: Any) -> None:
        """Keep quiet."""
