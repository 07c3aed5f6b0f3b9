"""The keys of an OAuth server that hangs, fails or takes keys back: a real server of this machine."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import anyio
import pytest
from anyio.to_thread import run_sync

from resift.core.errors import Unavailable
from resift.server.http.oauth import OAuthTokens
from resift.server.http.published_keys import KEPT_AT_MOST_S, KEPT_S, PAUSE_S, RETRY_S, PublishedKeys
from resift.settings.serving import OAuthSettings
from resift.tests.server.http.test_oauth import KEYS, oauth, token

pytestmark = pytest.mark.anyio


class KeyServer(ThreadingHTTPServer):
    """Publishes keys, fails, or hangs until it is let go on."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.status = 200
        self.asked = 0
        self.has_been_asked, self.goes_on = threading.Event(), threading.Event()
        self.goes_on.set()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/keys"


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        server = self.server
        assert isinstance(server, KeyServer)
        server.asked += 1
        server.has_been_asked.set()
        server.goes_on.wait()
        body = json.dumps(KEYS).encode()
        self.send_response(server.status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Keep quiet."""


@pytest.fixture
def server() -> Iterator[KeyServer]:
    with KeyServer() as running:
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield running
        running.goes_on.set()
        running.shutdown()
        thread.join()


class Time:
    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


def tokens_of(server: KeyServer, time: Time, *, timeout_s: float = 60.0) -> OAuthTokens:
    keys = PublishedKeys(server.url, clock=time, timeout_s=timeout_s)
    return OAuthTokens(OAuthSettings(**oauth(server.url)), keys)


def text(**claims: Any) -> str:
    return token(**claims)["Authorization"].removeprefix("Bearer ")


@pytest.mark.parametrize("age_s", [PAUSE_S, KEPT_S])
async def test_known_keys_are_used_at_once_while_strangers_ask_for_unknown_ones(
    server: KeyServer, age_s: float
) -> None:
    time = Time()
    tokens = tokens_of(server, time)
    assert await tokens.verify_token(text()) is not None
    time.now += age_s
    server.has_been_asked.clear()
    server.goes_on.clear()
    async with anyio.create_task_group() as group:
        for _ in range(12):
            group.start_soon(tokens.verify_token, text(kid="unknown"))
        await run_sync(server.has_been_asked.wait)
        assert await tokens.verify_token(text()) is not None
        server.goes_on.set()
    assert server.asked == 2


async def test_known_key_is_used_at_once_by_the_request_that_begins_a_fetch(server: KeyServer) -> None:
    time = Time()
    keys = PublishedKeys(server.url, clock=time, timeout_s=60.0)
    assert await keys.find("rsa") is not None
    server.goes_on.clear()
    server.has_been_asked.clear()
    for more_s in (KEPT_S, KEPT_AT_MOST_S - KEPT_S):
        time.now += more_s
        for _ in range(3):
            assert await keys.find("rsa") is not None
    await run_sync(server.has_been_asked.wait)
    assert server.asked == 2


async def test_fetch_goes_on_when_the_request_that_began_it_is_cancelled(server: KeyServer) -> None:
    keys = PublishedKeys(server.url, timeout_s=60.0)
    server.goes_on.clear()
    async with anyio.create_task_group() as group:
        group.start_soon(keys.find, "rsa")
        await run_sync(server.has_been_asked.wait)
        group.cancel_scope.cancel()
    server.goes_on.set()
    assert await keys.find("rsa") is not None
    assert server.asked == 1


async def test_pause_after_a_fetch_that_failed_is_counted_from_its_end(server: KeyServer) -> None:
    time = Time()
    keys = PublishedKeys(server.url, clock=time, timeout_s=60.0)
    server.status = 500
    server.goes_on.clear()

    async def ask() -> None:
        with pytest.raises(Unavailable):
            await keys.find("rsa")

    async with anyio.create_task_group() as group:
        group.start_soon(ask)
        await run_sync(server.has_been_asked.wait)
        time.now += 2 * RETRY_S
        server.goes_on.set()
    await ask()
    assert server.asked == 1


async def test_server_that_hangs_is_given_up_and_left_in_peace_for_a_moment(server: KeyServer) -> None:
    time = Time()
    tokens = tokens_of(server, time, timeout_s=0.05)
    server.goes_on.clear()
    for _ in range(3):
        with pytest.raises(Unavailable, match="cannot be fetched"):
            await tokens.verify_token(text())
    await run_sync(server.has_been_asked.wait)  # its thread may see the request after the client has given up
    assert server.asked == 1
    server.goes_on.set()
    time.now += RETRY_S
    keys = PublishedKeys(server.url, clock=time)
    assert await keys.find("rsa") is not None


async def test_keys_are_kept_for_an_hour_while_they_cannot_be_fetched(server: KeyServer) -> None:
    time = Time()
    tokens = tokens_of(server, time)
    assert await tokens.verify_token(text()) is not None
    server.status = 500
    server.has_been_asked.clear()
    time.now += KEPT_AT_MOST_S
    for _ in range(2):
        assert await tokens.verify_token(text()) is not None
    await run_sync(server.has_been_asked.wait)
    assert server.asked == 2
    time.now += 1
    with pytest.raises(Unavailable, match="cannot be fetched"):
        await tokens.verify_token(text())
    server.status = 200
    time.now += RETRY_S
    assert await tokens.verify_token(text()) is not None


async def test_unknown_key_is_asked_for_once_in_a_while(server: KeyServer) -> None:
    time = Time()
    tokens = tokens_of(server, time)
    for _ in range(3):
        assert await tokens.verify_token(text(kid="unknown")) is None
    assert server.asked == 1
    time.now += PAUSE_S
    assert await tokens.verify_token(text(kid="unknown")) is None
    assert server.asked == 2
