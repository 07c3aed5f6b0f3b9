"""Refuse requests that a browser was led to send: those to a foreign name, or from a foreign page."""

from collections.abc import Collection
from ipaddress import ip_address
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from .refusals import refusal

LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})

LOOPBACK_ORIGINS = r"https?://(localhost|127\.0\.0\.1|\[::1\])(:\d+)?"
"""What matches pages of this machine, which browsers have to be told that they may read answers."""


class HostAndOriginCheck:
    """A middleware that serves requests to known hosts from known pages only.

    A page on the internet can make its own name point to this machine (DNS rebinding), and then send requests from the
    user's browser. Such requests have that name in `Host`, so names must be known. An IP address cannot be made to
    point elsewhere.
    """

    def __init__(self, app: ASGIApp, *, hosts: Collection[str], origins: Collection[str], public: Collection[str]):
        """Origins are in lower case and without a slash at the end, as browsers send them."""
        self._app = app
        self._hosts = {each.lower() for each in hosts}
        self._origins = frozenset(origins)
        self._public = frozenset(public)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve or refuse a request."""
        if scope["type"] != "http" or scope["path"] in self._public:
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        host, origin = headers.get("host", ""), headers.get("origin", "")
        app: ASGIApp = self._app
        if len(headers.getlist("host")) != 1 or not self._knows(host):
            app = refusal(
                421,
                f"This server is not known as {(_name_in(f'//{host}') or host)[:200]!r}. If it is, add the name to "
                "RESIFT_HTTP__ALLOWED_HOSTS.",
            )
        elif origin and not self._allows(origin.lower()):
            app = refusal(
                403,
                f"Pages from {origin[:200]!r} may not use this server. If they should, add the origin to "
                "RESIFT_HTTP__ALLOWED_ORIGINS.",
            )
        await app(scope, receive, send)

    def _knows(self, host: str) -> bool:
        name = _name_in(f"//{host}")
        return bool(name) and (name in LOOPBACK_NAMES or name in self._hosts or _is_address(name))

    def _allows(self, origin: str) -> bool:
        return origin in self._origins or _name_in(origin) in LOOPBACK_NAMES


def _name_in(url: str) -> str:
    """Return the host of a URL, without its port; empty if there is none, or a login before it."""
    try:
        return "" if "@" in url else urlsplit(url).hostname or ""
    except ValueError:
        return ""


def _is_address(name: str) -> bool:
    try:
        ip_address(name)
    except ValueError:
        return False
    return True
