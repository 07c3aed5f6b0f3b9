"""Requests of clients that have gone: those that only read are stopped, the others finished."""

import anyio
import pytest
from starlette.types import Message, Receive, Scope, Send

from resift.server.http.plain.departures import Departures

pytestmark = pytest.mark.anyio


class Answering:
    """An application that waits before it answers, or after it has begun to, until `may_end`."""

    def __init__(self, *, begins_first: bool = False) -> None:
        self.begins_first = begins_first
        self.working, self.may_end = anyio.Event(), anyio.Event()
        self.has_ended = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        assert (await receive())["body"] == b"{}"
        if self.begins_first:
            await send({"type": "http.response.start", "status": 200, "headers": []})
        self.working.set()
        await self.may_end.wait()
        if not self.begins_first:
            await send({"type": "http.response.start", "status": 200, "headers": []})
        self.has_ended = True


async def _statuses(app: Answering, path: str, *, ends: bool) -> list[int]:
    """Return the statuses sent to a client that leaves while the application works, which then ends or not."""
    sent: list[int] = []
    messages: list[Message] = [{"type": "http.request", "body": b"{}", "more_body": False}]

    async def receive() -> Message:
        if messages:
            return messages.pop()
        await app.working.wait()
        return {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        if message["type"] == "http.response.start":
            sent.append(message["status"])

    scope: Scope = {"type": "http", "method": "POST", "path": path, "headers": []}
    async with anyio.create_task_group() as group:
        group.start_soon(Departures(app, prefix="/v1/", reading=["/v1/search"]), scope, receive, send)
        await app.working.wait()
        await anyio.wait_all_tasks_blocked()
        if ends:
            app.may_end.set()
    return sent


async def test_request_that_only_reads_is_stopped_when_its_client_has_gone() -> None:
    app = Answering()
    with anyio.fail_after(30):
        assert await _statuses(app, "/v1/search", ends=False) == [499]
    assert not app.has_ended


async def test_request_that_changes_something_is_finished_without_its_client() -> None:
    app = Answering()
    assert await _statuses(app, "/v1/documents/delete", ends=True) == [200]
    assert app.has_ended


async def test_answer_that_has_begun_is_finished() -> None:
    app = Answering(begins_first=True)
    assert await _statuses(app, "/v1/search", ends=True) == [200]
    assert app.has_ended


async def test_failure_is_raised_as_it_is() -> None:
    async def fail(scope: Scope, receive: Receive, send: Send) -> None:
        raise LookupError("nothing there")

    messages: list[Message] = [{"type": "http.request", "body": b"", "more_body": False}]

    async def receive() -> Message:
        if not messages:
            await anyio.sleep_forever()
        return messages.pop()

    async def send(message: Message) -> None:
        raise AssertionError(message)

    scope: Scope = {"type": "http", "method": "GET", "path": "/v1/models", "headers": []}
    with pytest.raises(LookupError, match="nothing there"):
        await Departures(fail, prefix="/v1/", reading=[])(scope, receive, send)
