"""Whatever a client writes to `resift serve` is answered, by the id of its request if it can be found."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from resift.server.mcp.lines import MAX_LINE_BYTES
from resift.server.mcp.messages import find_id, read_message
from resift.tests.server.processes import RawServer

PARSE_ERROR, INVALID_REQUEST, METHOD_NOT_FOUND = -32700, -32600, -32601


@pytest.fixture(scope="module", params=[(), ("--in-process",)], ids=["relay", "in-process"])
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RawServer]:
    started = RawServer(tmp_path_factory.mktemp("broken"), None, *request.param)
    yield started
    assert started.end() == 0


def _line(**changes: Any) -> bytes:
    message = {"jsonrpc": "2.0", "id": 7001, "method": "ping", **changes}
    return json.dumps({name: value for name, value in message.items() if value is not ...}).encode()


def _nested(depth: int) -> bytes:
    return b'{"jsonrpc":"2.0","method":"ping","params":%s1%s,"id":7001}' % (b'{"a":' * depth, b"}" * depth)


BROKEN: dict[str, tuple[bytes, Any, int]] = {
    "nested too deeply": (_nested(250), 7001, PARSE_ERROR),
    "nested far too deeply": (_nested(10_000), 7001, PARSE_ERROR),
    "nested beyond all recursion": (_nested(100_000), None, PARSE_ERROR),
    "no JSON": (b"hello", None, PARSE_ERROR),
    "cut off": (_line()[:-1], 7001, PARSE_ERROR),
    "cut off after its id": (b'{"jsonrpc":"2.0","id":"a-1","method":"ping","params":{"x":"', "a-1", PARSE_ERROR),
    "with a raw control character": (
        b'{"jsonrpc":"2.0","id":7001,"method":"ping","params":{"a":"\0"}}',
        7001,
        PARSE_ERROR,
    ),
    "with a number of 5,000 digits": (_line(params={"a": 0})[:-2] + b"9" * 5_000 + b"}}", 7001, PARSE_ERROR),
    "with an id of 5,000 digits": (_line(id=0).replace(b'"id": 0', b'"id": ' + b"9" * 5_000), None, PARSE_ERROR),
    "with a fractional id": (_line(id=1.5), None, INVALID_REQUEST),
    "with an id that is true": (_line(id=True), None, INVALID_REQUEST),
    "with an id that is null": (_line(id=None), None, INVALID_REQUEST),
    "with an id that is an object": (_line(id={}), None, INVALID_REQUEST),
    "with a lone surrogate as id": (rb'{"jsonrpc":"2.0","id":"\ud800","method":"ping"}', None, INVALID_REQUEST),
    "with a lone surrogate as method": (rb'{"jsonrpc":"2.0","id":7001,"method":"\udc00"}', 7001, METHOD_NOT_FOUND),
    "without a method": (_line(method=...), 7001, INVALID_REQUEST),
    "with a method that is a number": (_line(method=5), 7001, INVALID_REQUEST),
    "with a list as params": (_line(params=[1]), 7001, INVALID_REQUEST),
    "of another version": (_line(jsonrpc="1.0"), 7001, INVALID_REQUEST),
    "of no version": (_line(jsonrpc=...), 7001, INVALID_REQUEST),
    "that is a number": (b"5", None, INVALID_REQUEST),
    "that is an empty batch": (b"[]", None, INVALID_REQUEST),
    "with a method of a megabyte": (_line(method="x" * 1_000_000), 7001, METHOD_NOT_FOUND),
}


@pytest.mark.parametrize("kind", BROKEN)
def test_broken_message_is_answered_with_an_error(server: RawServer, kind: str) -> None:
    line, request_id, code = BROKEN[kind]
    (answer,) = server.answers_to(line)
    assert (answer["id"], answer["error"]["code"]) == (request_id, code)
    assert answer["error"]["message"]
    assert len(json.dumps(answer)) < 5_000


ACCEPTED: dict[str, bytes] = {
    "a lone surrogate in its parameters": _line(params={"_meta": {"a": "\ud83d!"}}),
    "bytes that are not UTF-8": b'{"jsonrpc":"2.0","id":7001,"method":"ping","params":{"_meta":{"a":"\xff\xfe"}}}',
    "a byte order mark": b"\xef\xbb\xbf" + _line(),
    "a carriage return": _line() + b"\r",
    "infinite numbers": b'{"jsonrpc":"2.0","id":7001,"method":"ping","params":{"_meta":{"a":1e999,"b":NaN}}}',
    "nesting that is deep enough": _nested(150)
    .replace(b'"params":', b'"params":{"_meta":')
    .replace(b',"id"', b'},"id"'),
}


@pytest.mark.parametrize("kind", ACCEPTED)
def test_unusual_message_is_served(server: RawServer, kind: str) -> None:
    (answer,) = server.answers_to(ACCEPTED[kind])
    assert (answer["id"], answer.get("error")) == (7001, None)


@pytest.mark.parametrize("request_id", ["i" * 3_000, "http://me:mine@host/", "", "\u0000", 10**50, -1, 0])
def test_id_comes_back_as_it_was(server: RawServer, request_id: Any) -> None:
    for line in (_line(id=request_id), _line(id=request_id, method="nothing"), _line(id=request_id, params=5)):
        assert [answer["id"] for answer in server.answers_to(line)] == [request_id]


def test_every_request_of_a_batch_is_refused_by_its_id(server: RawServer) -> None:
    batch = b"[" + b",".join((_line(id="a"), _line(id="b"), _line(id=...), b"5")) + b"]"
    answers = server.answers_to(batch)
    assert [answer["id"] for answer in answers] == ["a", "b"]
    assert all("line of its own" in answer["error"]["message"] for answer in answers)


def test_both_of_two_requests_with_one_id_are_answered(server: RawServer) -> None:
    assert [answer["id"] for answer in server.answers_to(_line() + b"\n" + _line())] == [7001, 7001]


@pytest.mark.parametrize(
    "line", [b"", b"  ", b'{"jsonrpc":"2.0","id":1,"result":5}', b'{"jsonrpc":"2.0","id":1,"error":5}']
)
def test_nothing_is_answered_to_blank_lines_and_to_responses(server: RawServer, line: bytes) -> None:
    assert server.answers_to(line) == []


def test_surrogates_in_arguments_are_cleaned_and_the_call_is_served(server: RawServer) -> None:
    found = server.structured("rerank", {"query": "a \ud800 pump", "passages": ["the pump \udfff hums", "a lamp"]})
    assert found["hits"][0]["text"] == "the pump \ufffd hums"


@pytest.mark.slow
@pytest.mark.parametrize("order", ["id first", "id last"])
def test_line_without_end_is_refused_by_its_id_and_not_kept_in_memory(server: RawServer, order: str) -> None:
    parts = [b'"id":7001', b'"params":{"a":"%s"}' % (b"x" * (MAX_LINE_BYTES + 10)), b'"jsonrpc":"2.0"', b'"id":7001']
    parts = parts[:2] if order == "id first" else parts[1:]
    (answer,) = server.answers_to(b'{"method":"ping",' + b",".join(parts) + b"}")
    assert answer["id"] == 7001
    assert "longer than" in answer["error"]["message"]


@pytest.mark.skipif(sys.platform in {"darwin", "win32"}, reason="file names are always Unicode there")
def test_file_name_that_is_not_unicode_does_not_end_the_server(tmp_path: Path) -> None:
    (Path(os.fsdecode(os.fsencode(tmp_path) + b"/pump-\xff.md"))).write_text("The pump hums.", encoding="utf-8")
    server = RawServer(tmp_path)
    request = {"name": "ingest_documents", "arguments": {"paths": ["."], "glob": "*.md"}, "_meta": {"progressToken": 1}}
    (told,) = server.request("tools/call", request)["result"]["content"]
    assert "pump-" in told["text"]
    assert server.call("list_collections", {})["content"]
    assert server.end() == 0


@pytest.mark.slow
def test_client_that_stops_reading_ends_the_server(tmp_path: Path) -> None:
    server = RawServer(tmp_path)
    assert server.process.stdout is not None
    assert server.process.stdin is not None
    server.process.stdout.close()
    server.process.stdin.write(_line().decode() + "\n")
    server.process.stdin.close()
    assert server.process.wait(60) == 0
    assert "Traceback" not in (tmp_path / ".stderr").read_text(encoding="utf-8")


@pytest.mark.slow
def test_children_and_libraries_get_neither_end_of_the_wire() -> None:
    program = (
        "import os, subprocess, sys\n"
        "from resift.server.mcp.stdio import _open_wire\n"
        "source, sink = _open_wire()\n"
        "print('printed')\n"
        "child = subprocess.run([sys.executable, '-c', 'print(input())'], stderr=subprocess.DEVNULL)\n"
        "sink.write(os.read(source, 100))\n"
        "sink.flush()\n"
        "assert child.returncode == 1, 'the child could read'\n"
    )
    done = subprocess.run([sys.executable, "-c", program], input=b"the wire\n", capture_output=True, check=False)
    assert (done.returncode, done.stdout) == (0, b"the wire\n"), done.stderr
    assert b"printed" in done.stderr


@pytest.mark.parametrize(
    ("head", "tail", "expected"),
    [
        ('{"method":"x","params":{"id":5},', "", None),
        ('{"method":"x","id":5,', "", 5),
        ('{"id":"a\\"b","method":"x",', "", 'a"b'),
        ('{"method":"x","params":{"text":"\\"id\\":5}","', '"jsonrpc":"2.0","id":9}', 9),
        ('{"id":5,"result":', "", None),
        ('{"id":5', "", None),
        ('[{"id":5,"method":"x"}', "", None),
        ('{"params":"id","method":"x",', "", None),
    ],
)
def test_id_is_found_only_without_a_doubt(head: str, tail: str, expected: Any) -> None:
    assert find_id(head, tail) == expected


def test_escaped_backslash_before_u_is_no_surrogate() -> None:
    message = read_message(rb'{"jsonrpc":"2.0","id":1,"method":"x","params":{"a":"\\ud800","b":"\ud83d\ude00"}}')
    assert not isinstance(message, tuple)
    assert message.model_dump()["params"] == {"a": r"\ud800", "b": "\U0001f600"}
