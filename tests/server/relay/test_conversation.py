"""What the relay tells client and engine when an engine ends in the middle of a conversation."""

import json
from typing import Any

import pytest

from resift.server.relay.conversation import LOST, Conversation


def line(**message: Any) -> bytes:
    return json.dumps({"jsonrpc": "2.0", **message}).encode() + b"\n"


INITIALIZE = line(id=0, method="initialize", params={"protocolVersion": "2025-06-18"})
INITIALIZED = line(method="notifications/initialized")
LIST = line(id=1, method="tools/list")
CALL = line(id="c-1", method="tools/call", params={"name": "rerank"})


def after_handshake() -> Conversation:
    conversation = Conversation()
    assert conversation.from_client(INITIALIZE)
    assert conversation.from_engine(line(id=0, result={}))
    assert conversation.from_client(INITIALIZED)
    return conversation


def test_another_engine_gets_the_handshake_and_its_answer_is_kept_from_the_client() -> None:
    conversation = after_handshake()
    assert conversation.lose_engine() == []
    assert conversation.repeated() == [INITIALIZE, INITIALIZED]
    assert not conversation.from_engine(line(id=0, result={}))
    assert conversation.from_engine(line(method="notifications/message"))


def test_call_of_a_tool_is_answered_with_an_error_and_other_requests_are_sent_again() -> None:
    conversation = after_handshake()
    conversation.from_client(LIST)
    conversation.from_client(CALL)
    (answer,) = map(json.loads, conversation.lose_engine())
    assert answer == {"jsonrpc": "2.0", "id": "c-1", "error": {"code": -32603, "message": LOST}}
    assert conversation.is_waiting
    assert conversation.repeated() == [INITIALIZE, INITIALIZED, LIST]
    assert conversation.from_engine(line(id=1, result={"tools": []}))
    assert not conversation.is_waiting


def test_handshake_that_was_not_answered_is_sent_once_and_its_answer_reaches_the_client() -> None:
    conversation = Conversation()
    conversation.from_client(INITIALIZE)
    assert conversation.lose_engine() == []
    assert conversation.repeated() == [INITIALIZE]
    assert conversation.from_engine(line(id=0, result={}))


@pytest.mark.parametrize("request_id", [7, "7", 0, ""])
def test_answered_and_cancelled_calls_are_not_answered_again(request_id: int | str) -> None:
    conversation = after_handshake()
    conversation.from_client(line(id=request_id, method="tools/call"))
    conversation.from_engine(line(id=request_id, result={}))
    conversation.from_client(line(id=8, method="tools/call"))
    conversation.from_client(line(method="notifications/cancelled", params={"requestId": 8}))
    assert conversation.lose_engine() == []
    assert not conversation.is_waiting


def test_ids_of_different_types_are_different_requests() -> None:
    conversation = after_handshake()
    conversation.from_client(line(id=7, method="tools/call"))
    conversation.from_client(line(id="7", method="tools/call"))
    conversation.from_engine(line(id=7, result={}))
    assert [json.loads(each)["id"] for each in conversation.lose_engine()] == ["7"]


def test_calls_that_the_engine_has_not_read_are_sent_to_the_next_one() -> None:
    conversation = after_handshake()  # two lines
    first, second = (line(id=each, method="tools/call") for each in (1, 2))
    for each in (first, second):
        conversation.from_client(each)
    assert not conversation.from_engine(b'{"resift/goodbye": 3}\n')
    assert [json.loads(each)["id"] for each in conversation.lose_engine()] == [1]
    assert conversation.repeated() == [INITIALIZE, INITIALIZED, second]
    third = line(id=3, method="tools/call")
    conversation.from_client(third)
    conversation.not_sent(third)
    assert [json.loads(each)["id"] for each in conversation.lose_engine()] == [2]
    assert conversation.repeated() == [INITIALIZE, INITIALIZED, third]


def test_calls_sent_after_the_engine_has_said_goodbye_are_for_the_next_one() -> None:
    conversation = after_handshake()
    assert not conversation.from_engine(b'{"resift/goodbye": 2}\n')
    late = line(id=1, method="tools/call")
    assert conversation.from_client(late)  # the relay learns later that nobody reads it
    assert conversation.lose_engine() == []
    assert conversation.repeated() == [INITIALIZE, INITIALIZED, late]
    assert [json.loads(each)["id"] for each in conversation.lose_engine()] == [1], "the next one has read it"


def test_engine_that_says_goodbye_has_left_what_it_has_not_read() -> None:
    conversation = after_handshake()
    first, second = (line(id=each, method="tools/call") for each in (1, 2))
    for each in (first, second):
        conversation.from_client(each)
    assert not conversation.has_unread, "no goodbye yet"
    conversation.from_engine(line(id=1, result={}))
    conversation.from_engine(b'{"resift/goodbye": 3}\n')
    assert conversation.has_unread
    conversation.from_engine(line(id=2, result={}))
    assert not conversation.has_unread


def test_line_that_finds_no_engine_is_sent_once() -> None:
    conversation = after_handshake()
    conversation.lose_engine()
    conversation.from_client(CALL)
    assert conversation.repeated(CALL) == [INITIALIZE, INITIALIZED, CALL]
    ping = line(method="notifications/progress")
    conversation.from_client(ping)
    conversation.lose_engine()
    assert conversation.repeated(ping) == [INITIALIZE, INITIALIZED, ping]


def test_answer_to_a_question_of_the_lost_engine_does_not_reach_the_next_one() -> None:
    conversation = after_handshake()
    assert conversation.from_engine(line(id=1, method="elicitation/create"))
    conversation.lose_engine()
    assert not conversation.from_client(line(id=1, result={"action": "accept"}))
    assert conversation.from_engine(line(id=1, method="elicitation/create"))
    assert conversation.from_client(line(id=1, result={"action": "accept"}))


def test_without_any_engine_everything_in_flight_is_answered() -> None:
    conversation = after_handshake()
    for each in (LIST, CALL):
        conversation.from_client(each)
    answers = [json.loads(each) for each in conversation.give_up("No engine.")]
    assert {each["id"]: each["error"]["message"] for each in answers} == {1: "No engine.", "c-1": "No engine."}
    assert not conversation.is_waiting


def test_call_with_a_document_of_megabytes_is_tracked_by_its_id() -> None:
    conversation = after_handshake()
    big = "x" * 3_000_000
    conversation.from_client(line(id=5, method="tools/call", params={"text": big}))
    conversation.from_client(b'{"method":"tools/call","params":{"text":"%s"},"jsonrpc":"2.0","id":6}\n' % big.encode())
    assert sorted(json.loads(each)["id"] for each in conversation.lose_engine()) == [5, 6]


@pytest.mark.parametrize(
    "broken",
    [b"", b"no json", b"[" * 100_000, b"[1,2]", b"\xff", b'{"id":true,"method":"x"}', rb'{"id":"\ud800","method":"x"}'],
)
def test_broken_lines_are_passed_on_and_not_tracked(broken: bytes) -> None:
    conversation = after_handshake()
    assert conversation.from_client(broken)
    assert conversation.from_engine(broken)
    assert conversation.lose_engine() == []
    assert not conversation.is_waiting
