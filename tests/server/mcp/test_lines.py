"""A connection of lines ends when its client has sent its last line and can be told no more."""

import json
from collections.abc import Sequence
from typing import Any, cast

import anyio
import pytest
from mcp.types import INVALID_PARAMS

from resift.api.resift import Resift
from resift.factories.engine import Engine
from resift.server.mcp.assembly import create_server
from resift.server.mcp.lines import ByteStream, LineService, cutting_off_calls

pytestmark = pytest.mark.anyio

HANG_S = 60


async def _answers(engine: Engine, *messages: dict[str, Any], **capabilities: Any) -> list[dict[str, Any]]:
    """Send messages after the handshake, close the client's direction at once, and return what was answered."""
    hello = {"protocolVersion": "2025-11-25", "capabilities": capabilities, "clientInfo": {"name": "x", "version": "0"}}
    first = [{"id": 0, "method": "initialize", "params": hello}, {"method": "notifications/initialized"}]
    return await _answers_to(engine, [*first, *messages])


async def _answers_to(engine: Engine, lines: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    sent = [json.dumps({"jsonrpc": "2.0", **each}).encode() + b"\n" for each in lines]
    received = list[dict[str, Any]]()

    async def receive() -> bytes:
        return sent.pop(0) if sent else b""

    async def send(line: bytes) -> None:
        received.append(json.loads(line))

    with anyio.fail_after(HANG_S):
        await LineService(create_server(engine), ByteStream(receive, send)).run()
    return received


async def test_requests_are_answered_although_nothing_follows(engine: Engine) -> None:
    call: dict[str, Any] = {"id": 1, "method": "tools/call", "params": {"name": "list_collections", "arguments": {}}}
    received = await _answers(engine, call, {"id": 2, "method": "prompts/list"})
    assert {each["id"] for each in received} == {0, 1, 2}
    assert all("result" in each for each in received)


@pytest.mark.parametrize("request_id", [{}, [], None, True, 1.5, "unknown"], ids=repr)
async def test_cancellation_of_what_is_no_request_is_ignored(engine: Engine, request_id: Any) -> None:
    cancel: dict[str, Any] = {"method": "notifications/cancelled", "params": {"requestId": request_id}}
    received = await _answers(engine, cancel, {"id": 1, "method": "ping"})
    assert received[-1] == {"jsonrpc": "2.0", "id": 1, "result": {}}


async def test_question_that_nobody_will_answer_does_not_hold_the_connection(engine: Engine) -> None:
    await Resift(engine=engine).ingest(documents=[{"id": "pump", "text": "The pump hums."}], collection="asked")
    arguments = {"collection": "asked", "everything": True}
    call: dict[str, Any] = {
        "id": 1,
        "method": "tools/call",
        "params": {"name": "delete_documents", "arguments": arguments},
    }
    received = await _answers(engine, call, elicitation={})
    assert "elicitation/create" in [each.get("method") for each in received]
    assert [each.name for each in await Resift(engine=engine).collections()] == ["asked"]


@pytest.mark.parametrize(
    ("method", "params", "reason"),
    [
        ("tools/call", ..., "params: Field required."),
        ("tools/call", {"name": "rerank", "arguments": [1]}, "params.arguments: Input should be an object."),
        ("tools/call", {"name": 5}, "params.name: Input should be a string."),
        ("prompts/get", {"name": "relevance", "arguments": {"query": 5}}, "params.arguments.query: Input should be a"),
    ],
)
async def test_parameters_that_cannot_be_used_are_refused_with_a_reason(
    engine: Engine, method: str, params: Any, reason: str
) -> None:
    request = {"id": 1, "method": method, **({} if params is ... else {"params": params})}
    [_, answer] = await _answers(engine, request)
    assert answer["error"]["code"] == INVALID_PARAMS
    assert answer["error"]["message"].startswith(f"The request cannot be used: {reason}")


async def test_request_before_the_handshake_is_told_what_comes_first(engine: Engine) -> None:
    [answer] = await _answers_to(engine, [{"id": 1, "method": "tools/list"}])
    assert (answer["error"]["code"], "Send `initialize` first" in answer["error"]["message"]) == (INVALID_PARAMS, True)


async def test_id_that_is_null_is_named_in_the_words_of_json(engine: Engine) -> None:
    [answer] = await _answers_to(engine, [{"id": None, "method": "ping"}])
    assert answer["error"]["message"] == "The id of a request is text or a whole number, got null."


class _Deaf:
    """A server that takes no message."""

    @property
    def _lowlevel_server(self) -> "_Deaf":
        return self

    def create_initialization_options(self) -> None: ...

    async def run(self, requests: Any, replies: Any, _: None) -> None:
        async with requests, replies:
            await anyio.sleep_forever()


async def test_request_that_the_server_has_not_taken_does_not_hold_the_end() -> None:
    lines = [b'{"jsonrpc":"2.0","id":1,"method":"ping"}\n']

    async def receive() -> bytes:
        if not lines:
            await anyio.sleep_forever()
        return lines.pop()

    async def send(line: bytes) -> None: ...

    service = LineService(cast("Any", _Deaf()), ByteStream(receive, send))
    with anyio.fail_after(HANG_S):
        async with anyio.create_task_group() as group:
            group.start_soon(service.run)
            await anyio.wait_all_tasks_blocked()
            await service.finish()
            group.cancel_scope.cancel()
    assert service.lines_read == 0


async def test_calls_that_do_not_end_in_time_are_cut_off_and_logged(caplog: pytest.LogCaptureFixture) -> None:
    with cutting_off_calls(after_s=HANG_S):
        pass
    assert not caplog.messages
    with cutting_off_calls(after_s=0):
        await anyio.sleep_forever()
    assert caplog.messages == ["Calls in flight did not end within 0 s and are cut off"]
