"""Fetching one URL: redirects, robots.txt, conditions, and bounds on time and size."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from urllib.parse import urljoin, urlsplit

import anyio

from ... import __version__
from ...core.errors import UnreadableFile, UrlRefused
from ...core.text import cut
from .addresses import UrlRules
from .robots import Robots
from .spelling import without_secrets
from .unpacking import read_body

USER_AGENT = f"Resift/{__version__} (+https://github.com/resift/resift)"

MAX_REDIRECTS = 5

_REDIRECTS = (301, 302, 303, 307, 308)

_HEADERS = {
    "User-Agent": USER_AGENT,
    "Accept": "text/html,application/xhtml+xml,application/pdf;q=0.9,text/*;q=0.9,*/*;q=0.5",
    "Accept-Encoding": "gzip",
}


@dataclass(frozen=True, slots=True)
class UrlOptions:
    """How documents are fetched by their URLs."""

    timeout_s: float = 30.0
    """For a whole document with its redirects, however it arrives."""
    rules: UrlRules = field(default_factory=UrlRules)


@dataclass(frozen=True, slots=True)
class Fetched:
    """What a server answered."""

    url: str
    """After redirects, as it was asked."""
    status: int
    headers: Mapping[str, str]
    body: bytes = b""


class Fetcher:
    """Fetches documents. What robots.txt of a host allows is remembered as long as the object lives."""

    def __init__(self, options: UrlOptions, *, max_bytes: int) -> None:
        self._options = options
        self._max_bytes = max_bytes
        self._robots = Robots(self._follow_to_robots)

    async def fetch(self, url: str, conditions: Mapping[str, str] | None = None) -> Fetched:
        """Return the answer with status 200, or 304 if the document is as the conditions (headers) say.

        Raises:
            UrlRefused: A URL on the way may not be asked.
            UnreadableFile: The server cannot be reached, answers otherwise, too late, or too much.
        """
        answer = None
        with anyio.move_on_after(self._options.timeout_s):  # of everything: a reply may arrive byte by byte
            answer = await self._follow(url, conditions or {}, asks_robots=True, max_bytes=self._max_bytes)
        if answer is None:
            raise UnreadableFile(
                f"It did not arrive within {self._options.timeout_s:g} s. Raise RESIFT_INGEST__URL_TIMEOUT_S, or "
                "download it and ingest the file."
            )
        if answer.status == HTTPStatus.OK or (answer.status == HTTPStatus.NOT_MODIFIED and conditions):
            return answer
        raise UnreadableFile(f"The server answered {answer.status}{_phrase(answer.status)}. Check the URL.")

    async def _follow_to_robots(self, url: str, max_bytes: int) -> Fetched:
        return await self._follow(url, {}, asks_robots=False, max_bytes=max_bytes)

    async def _follow(self, url: str, conditions: Mapping[str, str], *, asks_robots: bool, max_bytes: int) -> Fetched:
        for _ in range(MAX_REDIRECTS + 1):
            self._options.rules.check(url)
            if asks_robots:
                await self._robots.check(url)
            answer = await self._get(url, conditions, max_bytes)
            if answer.status not in _REDIRECTS or "location" not in answer.headers:
                return answer
            url = _redirected(url, answer.headers["location"])
        raise UrlRefused(f"It was redirected more than {MAX_REDIRECTS} times.")

    async def _get(self, url: str, conditions: Mapping[str, str], max_bytes: int) -> Fetched:
        from httpx2 import AsyncClient, HTTPError, InvalidURL

        from .pinned import PinnedTransport

        try:
            async with (
                AsyncClient(
                    transport=PinnedTransport(self._options.rules), timeout=self._options.timeout_s, trust_env=False
                ) as client,
                client.stream("GET", url, headers={**_HEADERS, **conditions}) as response,
            ):
                body = await read_body(response, max_bytes) if response.status_code == HTTPStatus.OK else b""
                return Fetched(url, response.status_code, headers=dict(response.headers), body=body)
        except InvalidURL as error:
            raise UrlRefused(f"It is not a valid URL: {error}.") from error
        except HTTPError as error:
            reason = cut(str(error) or type(error).__name__, 200)
            raise UnreadableFile(f"The server cannot be reached: {reason}. Try again later.") from error


def _redirected(url: str, location: str) -> str:
    target = urljoin(url, location).partition("#")[0]
    if urlsplit(url).scheme == "https" and urlsplit(target).scheme == "http":
        raise UrlRefused(
            f"It was redirected from https to http, to {without_secrets(target)}. Use that URL if you trust it."
        )
    return target


def _phrase(status: int) -> str:
    return f" {HTTPStatus(status).phrase}" if status in set(HTTPStatus) else ""
