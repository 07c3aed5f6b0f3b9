"""The limits: size and speed of requests, how many at once, and how many in a minute."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import anyio
import httpx
import pytest
from starlette.types import Message, Receive, Scope, Send

from resift.server.http import slow_clients
from resift.server.http.admission import Admission, Load
from resift.server.http.rate_limits import TokenBucket
from resift.settings.serving import HttpSettings
from resift.tests.server.http.application import MCP, READER, WRITER, bearer, client_of, engine_of, rows
from resift.tests.server.http.wire import WAIT_S, answer_on, assert_closed, connected, connected_with, served

pytestmark = pytest.mark.anyio

LIST = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}
QUICK = {"client_timeout_s": 0.05}


async def test_body_that_says_to_be_too_large_is_refused_unread(tmp_path: Path) -> None:
    async with client_of(engine_of(tmp_path, http={"max_body_bytes": 2000})) as client:
        response = await client.post("/mcp", content=b"x" * 2001, headers=MCP)
        assert response.status_code == 413
        assert "more than 2,000 bytes" in response.json()["error"]["message"]


async def test_body_that_turns_out_to_be_too_large_is_refused(tmp_path: Path) -> None:
    async def parts() -> AsyncIterator[bytes]:
        for _ in range(5):
            yield b" " * 1000

    async with client_of(engine_of(tmp_path, http={"max_body_bytes": 2000})) as client:
        response = await client.post("/mcp", content=parts(), headers=MCP)
        assert (response.status_code, response.headers["connection"]) == (413, "close")


async def test_head_that_does_not_arrive_is_given_up(tmp_path: Path) -> None:
    async with served(engine_of(tmp_path, http=QUICK)) as url, connected(url) as stream:
        await stream.send(b"POST /mcp HTTP/1.1\r\nHost: local")
        status, _, body = await answer_on(stream)
        assert (status, json.loads(body)["error"]["type"]) == (408, "timeout")
        await assert_closed(stream)


async def test_head_of_a_second_request_that_does_not_arrive_is_given_up(tmp_path: Path) -> None:
    sent = b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\nGET /hea"
    async with served(engine_of(tmp_path, http=QUICK)) as url, connected_with(url, sent) as stream:
        assert (await answer_on(stream))[0] == 200
        assert (await answer_on(stream))[0] == 408
        await assert_closed(stream)


async def test_body_that_does_not_arrive_is_given_up(tmp_path: Path) -> None:
    sent = b"POST /mcp HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n{"
    async with served(engine_of(tmp_path, http=QUICK)) as url, connected_with(url, sent) as stream:
        status, headers, body = await answer_on(stream)
        assert (status, headers["connection"]) == (408, "close")
        assert json.loads(body)["error"]["message"] == "The body of the request did not arrive in time. Send it faster."
        await assert_closed(stream)


async def test_body_of_a_stranger_takes_no_place_in_the_queue(tmp_path: Path) -> None:
    http = {"tokens": rows(READER), "max_concurrent": 1, "max_queued": 0}
    async with served(engine_of(tmp_path, http=http)) as url, connected(url) as stranger:
        await stranger.send(b"POST /.well-known/x HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n{")
        assert (await answer_on(stranger))[0] == 404, "without its body"


async def test_client_that_takes_no_answer_is_given_up(tmp_path: Path) -> None:
    body = json.dumps(LIST).encode()
    head = "".join(f"{name}: {value}\r\n" for name, value in {**MCP, "Host": "localhost"}.items())
    ask = f"POST /mcp HTTP/1.1\r\n{head}Content-Length: {len(body)}\r\n\r\n".encode() + body

    async def keep_asking() -> None:
        with anyio.fail_after(WAIT_S):
            while True:  # never reads, so that the server can write no more
                await stream.send(ask)

    async with served(engine_of(tmp_path, http=QUICK), buffer_bytes=4096) as url, connected(url) as stream:
        with pytest.raises(anyio.BrokenResourceError):
            await keep_asking()


async def test_connection_above_the_limit_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slow_clients, "MOST_CONNECTIONS", 1)
    async with served(engine_of(tmp_path)) as url, connected(url) as first:
        await first.send(b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert (await answer_on(first))[0] == 200
        async with connected(url) as second:
            status, _, body = await answer_on(second)
            assert (status, json.loads(body)["error"]["type"]) == (503, "unavailable")
            await assert_closed(second)


async def test_what_is_not_http_is_refused_as_json(tmp_path: Path) -> None:
    async with served(engine_of(tmp_path)) as url, connected(url) as stream:
        await stream.send(b"\x16\x03\x01 what\r\n\r\n")
        status, _, body = await answer_on(stream)
        assert (status, json.loads(body)["error"]["type"]) == (400, "invalid_request")
        await assert_closed(stream)


async def test_head_that_is_too_large_is_refused(tmp_path: Path) -> None:
    async with served(engine_of(tmp_path)) as url, connected(url) as stream:
        await stream.send(b"GET /health HTTP/1.1\r\nHost: localhost\r\nX: " + b"x" * 40_000)
        assert (await answer_on(stream))[0] == 400


async def test_token_that_asks_too_often_is_told_when_to_come_back(tmp_path: Path) -> None:
    http = {"requests_per_minute": 2, "tokens": rows(READER, WRITER)}
    async with client_of(engine_of(tmp_path, http=http)) as client:
        statuses = [(await client.post("/mcp", json=LIST, headers={**MCP, **bearer(READER)})) for _ in range(3)]
        assert [each.status_code for each in statuses] == [200, 200, 429]
        assert int(statuses[-1].headers["retry-after"]) in range(25, 31)
        assert "2 requests per minute" in statuses[-1].json()["error"]["message"]
        assert (await client.post("/mcp", json=LIST, headers={**MCP, **bearer(WRITER)})).status_code == 200


def test_bucket_gives_a_burst_and_then_what_fills_up() -> None:
    bucket = TokenBucket(60.0, 0.0)
    assert [bucket.take(0.0, per_minute=60) for _ in range(60)] == [0.0] * 60
    assert bucket.take(0.0, per_minute=60) == 1.0
    assert bucket.take(0.5, per_minute=60) == 0.5
    assert bucket.take(1.0, per_minute=60) == 0.0
    assert [bucket.take(1000.0, per_minute=60) for _ in range(61)] == [*[0.0] * 60, 1.0]


class Blocking:
    """An application whose requests end when told to."""

    def __init__(self) -> None:
        self.started = 0
        self.may_end = anyio.Event()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.started += 1
        await self.may_end.wait()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})


async def _until(condition: Any) -> None:
    with anyio.fail_after(60):
        while not condition():
            await anyio.lowlevel.checkpoint()


async def test_more_requests_wait_and_more_than_may_wait_are_refused() -> None:
    http = HttpSettings(max_concurrent=2, max_queued=1)
    app, load = Blocking(), Load(http)
    admission = Admission(app, load=load, http=http, immediate=["/health"])
    statuses: list[int] = []
    async with httpx.AsyncClient(transport=httpx.ASGITransport(admission), base_url="http://localhost") as client:

        async def post() -> None:
            statuses.append((await client.post("/mcp", content=b"{}")).status_code)

        async with anyio.create_task_group() as group:
            for _ in range(3):
                group.start_soon(post)
            await _until(lambda: (load.active, load.queued) == (2, 1))
            refused = await client.post("/mcp", content=b"{}")
            assert (refused.status_code, refused.headers["retry-after"]) == (503, "2")
            assert "busy" in refused.json()["error"]["message"]
            assert app.started == 2
            app.may_end.set()
        assert statuses == [200, 200, 200]
        assert (load.active, load.queued) == (0, 0)


async def test_request_that_waited_too_long_is_refused() -> None:
    http = HttpSettings(max_concurrent=1, max_queued=1, queue_timeout_s=0.01)
    app, load = Blocking(), Load(http)
    admission = Admission(app, load=load, http=http, immediate=[])
    async with httpx.AsyncClient(transport=httpx.ASGITransport(admission), base_url="http://localhost") as client:
        async with anyio.create_task_group() as group:
            group.start_soon(client.post, "/mcp")
            await _until(lambda: load.active)
            assert (await client.post("/mcp")).status_code == 503
            app.may_end.set()
        assert (load.active, load.queued) == (0, 0)


async def test_client_that_leaves_while_it_sends_its_body_frees_its_place() -> None:
    http = HttpSettings()
    load = Load(http)
    messages: list[Message] = [
        {"type": "http.request", "body": b"{", "more_body": True},
        {"type": "http.disconnect"},
    ]

    async def receive() -> Message:
        return messages.pop(0)

    async def send(message: Message) -> None:
        raise AssertionError(message)

    scope: Scope = {"type": "http", "path": "/mcp", "headers": []}
    await Admission(Blocking(), load=load, http=http, immediate=[])(scope, receive, send)
    assert (load.active, load.queued, messages) == (0, 0, [])
