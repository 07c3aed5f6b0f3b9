"""robots.txt: which pages a site wants fetched by programs (RFC 9309)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import TYPE_CHECKING, Protocol, TypeAlias
from urllib.parse import urlsplit

import anyio

from ...core.errors import UnreadableFile, UrlRefused
from .spelling import without_secrets

if TYPE_CHECKING:
    from protego import Protego

MAX_BYTES = 512_000  # RFC 9309 asks for 500 KiB at least

PRODUCT = "Resift"


class _Reply(Protocol):
    @property
    def status(self) -> int: ...

    @property
    def body(self) -> bytes: ...


Get: TypeAlias = Callable[[str, int], Awaitable[_Reply]]
"""Fetches a URL of at most so many bytes, without asking robots.txt."""


class Robots:
    """The rules of each site that was asked, by scheme, host and port."""

    def __init__(self, get: Get) -> None:
        self._get = get
        self._rules: dict[str, Protego | None] = {}
        self._locks: dict[str, anyio.Lock] = {}

    async def check(self, url: str) -> None:
        """Refuse a URL that its site does not want fetched.

        Raises:
            UrlRefused: robots.txt disallows it, or the server cannot say: then nothing is allowed.
        """
        parts = urlsplit(url)
        site = f"{parts.scheme}://{parts.netloc}"
        async with self._locks.setdefault(site, anyio.Lock()):  # pages of a site are fetched at the same time
            if site not in self._rules:
                self._rules[site] = await self._read(site)
        rules = self._rules[site]
        if rules is not None and not rules.can_fetch(url, PRODUCT):
            raise UrlRefused(
                f"{site}/robots.txt does not allow programs to fetch {without_secrets(url)}. Ask the site, or download "
                "the page in a browser and ingest the file."
            )

    async def _read(self, site: str) -> Protego | None:
        """Return the rules of a site; None if it has none."""
        from protego import Protego

        try:
            reply = await self._get(f"{site}/robots.txt", MAX_BYTES)
        except UnreadableFile as error:
            raise UrlRefused(f"{site}/robots.txt could not be fetched, so nothing is fetched there: {error}") from error
        if reply.status == HTTPStatus.OK:
            return Protego.parse(reply.body.decode("utf-8", "replace"))
        if 400 <= reply.status < 500:
            return None
        raise UrlRefused(
            f"{site}/robots.txt could not be fetched, so nothing is fetched there: the server answered {reply.status}. "
            "Try again later."
        )
