"""Messages that no client should send, and what each has to be answered with."""

import json
import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal, cast

from resift.tests.hostile.server_process import CLIENT, Message

Expected = Literal["answer", "error", "silence", "anything"]

CALL: Message = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "tools/call",
    "params": {"name": "hybrid_search", "arguments": {"query": "which pump hums", "collection": "other", "limit": 1}},
}
METHODS = (
    "initialize",
    "ping",
    "tools/list",
    "tools/call",
    "prompts/list",
    "prompts/get",
    "resources/list",
    "resources/read",
    "resources/subscribe",
    "completion/complete",
    "logging/setLevel",
    "notifications/cancelled",
    "server/discover",
)
WRONG: tuple[Any, ...] = (None, True, False, 0, -1, 1.5, 10**30, "", "text", [], [1], {}, {"": None}, "\0", "\ud800")
ODD_PARAMETERS: tuple[Any, ...] = (
    *(None, 1, [], {}, {"name": 1}, {"_meta": 1}, {"_meta": {"progressToken": {}}}),
    *({"requestId": 99}, {"requestId": None}, {"requestId": {}}, {"progressToken": "x"}),
)
DEPTHS = (90, 199, 201, 500, 2_000, 100_000)


@dataclass(frozen=True, slots=True)
class BrokenMessage:
    """A line for the server, and what has to follow."""

    line: bytes
    expected: Expected
    """`answer`: a result or an error with `id`. `error`: an error with `id` or with none. Otherwise none is due."""
    id: str | int | None = None
    """The id that can be read from the line, if there is one."""


def broken_messages(draw: random.Random) -> list[BrokenMessage]:
    """Return the same messages for the same seed."""
    families = (
        _cut(draw),
        _garbled(draw),
        _not_json(),
        _envelopes(),
        _parameters(),
        _deep(),
        _surrogates(),
        _numbers(),
    )
    others = (_batches(), _notifications(), _huge(draw))
    return [message for family in (*families, *others) for message in family]


def _with_id(message: Message, name: str) -> BrokenMessage:
    """Return a message that is a request with this id, and has to be answered."""
    return BrokenMessage(_dump({**message, "id": name}), "answer", name)


def _dump(value: Any) -> bytes:
    return json.dumps(value).encode()


def _cut(draw: random.Random) -> Iterator[BrokenMessage]:
    line = _dump(CALL)
    for end in sorted(draw.sample(range(1, len(line)), 60)):
        yield BrokenMessage(line[:end], "error", 1)


def _garbled(draw: random.Random) -> Iterator[BrokenMessage]:
    line = _dump({**CALL, "id": "garbled"})
    for bad in (
        b"\xff",
        b"\xc3\x28",
        b"\xed\xa0\x80",
        b"\xf0\x28\x8c\xbc",
        b"\0",
        b"\x01",
        b"\x1b[2J",
        b"}",
        b'"',
        b",",
    ):
        for place in draw.sample(range(1, len(line)), 7):
            yield BrokenMessage(line[:place] + bad + line[place:], "anything", "garbled")
    for _ in range(30):
        yield BrokenMessage(
            draw.randbytes(draw.randint(1, 400)).replace(b"\n", b"").replace(b"\r", b"") + b"\xfe", "error"
        )


def _not_json() -> Iterator[BrokenMessage]:
    for line in (
        *(b"null", b"true", b"false", b"0", b"-1.5", b'"text"', b"[]", b"{}", b"[[]]", b"nul", b"{'a': 1}", b"{a: 1}"),
        *(b"NaN", b"Infinity", b"{]", b"}{", b"<xml/>", b"GET / HTTP/1.1", b"Content-Length: 2", b'"'),
        *(b"// comment", b'{"jsonrpc": "2.0",}', b"\xff\xfe\x00", b"\0", b"\0\0\0\0", b"\\u0000", b"{" * 50, b"[" * 50),
    ):
        yield BrokenMessage(line, "error")
    for blank in (b"", b" ", b"\t\t", b"\r", b"\xef\xbb\xbf"):
        yield BrokenMessage(blank, "silence")
    call = _dump({**CALL, "id": "framed"})
    for line in (b"  " + call + b"  ", call + b"\r", b"\t" + call):
        yield BrokenMessage(line, "answer", "framed")
    for line in (
        b"\xef\xbb\xbf" + call,
        call + call,
        call + b" tail",
        b"[" + call,
        call.replace(b'"id"', b'"id": 7, "id"'),
    ):
        yield BrokenMessage(line, "anything", "framed")


def _envelopes() -> Iterator[BrokenMessage]:
    for number, value in enumerate(WRONG):
        yield BrokenMessage(_dump({**CALL, "jsonrpc": value, "id": f"version-{number}"}), "answer", f"version-{number}")
        yield BrokenMessage(_dump({**CALL, "method": value, "id": f"method-{number}"}), "answer", f"method-{number}")
        yield BrokenMessage(_dump({**CALL, "params": value, "id": f"params-{number}"}), "answer", f"params-{number}")
        is_id = isinstance(value, str | int) and not isinstance(value, bool) and value != "\ud800"
        yield BrokenMessage(_dump({**CALL, "id": value}), "answer" if is_id else "anything", value if is_id else None)
    for name in ("jsonrpc", "method", "params"):
        yield _with_id({key: value for key, value in CALL.items() if key != name}, f"without-{name}")
    for method in (
        "",
        "nothing",
        "tools/",
        "TOOLS/CALL",
        "rpc.discover",
        "a" * 10_000,
        "tools/call\0",
        "../tools/list",
        "💥",
    ):
        yield _with_id({**CALL, "method": method}, f"unknown {method[:20]}")
    yield _with_id({**CALL, "extra": {"a": 1}}, "extra")
    yield _with_id({**CALL, "result": {}, "error": {}}, "everything at once")
    yield BrokenMessage(_dump({**CALL, "id": "i" * 10_000}), "answer", "i" * 10_000)


def _parameters() -> Iterator[BrokenMessage]:
    for method in METHODS:
        for number, value in enumerate((*WRONG, *ODD_PARAMETERS)):
            yield _with_id({"jsonrpc": "2.0", "method": method, "params": value}, f"{method}-{number}")
        yield _with_id({"jsonrpc": "2.0", "method": method}, f"{method} without params")
    for number, value in enumerate(WRONG):
        for key in ("name", "arguments", "_meta"):
            parameters = {**CALL["params"], key: value}
            yield _with_id({**CALL, "params": parameters}, f"call-{key}-{number}")
    for version in ("", "1.0", "2999-01-01", "2025-06-18\0", "latest"):
        yield _with_id(
            {"jsonrpc": "2.0", "method": "initialize", "params": {**CLIENT, "protocolVersion": version}},
            f"again {version}",
        )


def _deep() -> Iterator[BrokenMessage]:
    call = _dump({**CALL, "id": "deep"})
    for depth in DEPTHS:
        for opening, closing in ((b"[", b"]"), (b'{"a":', b"}")):
            nest = opening * depth + b"1" + closing * depth
            yield BrokenMessage(call.replace(b'"which pump hums"', nest), "answer", "deep")
            yield BrokenMessage(call[:-1] + b', "extra": ' + nest + b"}", "answer", "deep")
            yield BrokenMessage(nest, "error")
        yield BrokenMessage(call.replace(b'"which pump hums"', b'{"not":' * depth + b"1"), "anything", "deep")


def _surrogates() -> Iterator[BrokenMessage]:
    for number, lone in enumerate(
        (b"\\ud800", b"\\udfff", b"\\udc00\\ud800", b"\\ud83d", b"ok\\ud800ok", b"\\uD800\\uD800")
    ):
        name = f"surrogate-{number}"
        call = _dump({**CALL, "id": name})
        yield BrokenMessage(call.replace(b"which pump hums", lone), "answer", name)
        yield BrokenMessage(call.replace(b'"collection": "other"', b'"collection": "' + lone + b'"'), "answer", name)
        yield BrokenMessage(call.replace(b'"limit"', b'"' + lone + b'"'), "answer", name)
        yield BrokenMessage(call.replace(b'"hybrid_search"', b'"' + lone + b'"'), "answer", name)
        yield BrokenMessage(call.replace(b"tools/call", lone), "answer", name)
        yield BrokenMessage(call[:-1] + b', "' + lone + b'": 1}', "answer", name)
        yield BrokenMessage(_dump({**CALL, "id": ""}).replace(b'"id": ""', b'"id": "' + lone + b'"'), "anything")


def _numbers() -> Iterator[BrokenMessage]:
    digits = (
        b"1" + b"0" * 400,
        b"9" * 5_000,
        b"-" + b"9" * 5_000,
        b"1e400",
        b"-1e400",
        b"1e-400",
        b"0." + b"3" * 5_000,
        b"1E99999999",
    )
    for number, value in enumerate((*digits, b"NaN", b"-Infinity", b"01", b"+1", b".5", b"1.", b"0x10", b"1_000")):
        name = f"number-{number}"
        call = _dump({**CALL, "id": name})
        expected: Expected = "answer" if number < len(digits) else "anything"
        yield BrokenMessage(call.replace(b'"limit": 1', b'"limit": ' + value), expected, name)
        yield BrokenMessage(call.replace(b'"which pump hums"', value), expected, name)
        yield BrokenMessage(call.replace(b'"' + name.encode() + b'"', value), "anything")


def _batches() -> Iterator[BrokenMessage]:
    note: Message = {"jsonrpc": "2.0", "method": "notifications/initialized"}
    batches: tuple[list[Any], ...] = ([], [1], [None], [[]], [CALL], [CALL, CALL], [CALL, note], [note], [{}], [[CALL]])
    for batch in (*batches, [{"id": 1}], ["text"]):
        yield BrokenMessage(_dump(batch), "error", 1)


def _notifications() -> Iterator[BrokenMessage]:
    for method in ("cancelled", "progress", "initialized", "roots/list_changed", "message", "nothing", ""):
        message: Message = {"jsonrpc": "2.0", "method": f"notifications/{method}"}
        yield BrokenMessage(_dump(message), "silence")
        for value in ODD_PARAMETERS:
            yield BrokenMessage(_dump({**message, "params": value}), "silence")
        yield _with_id(message, f"notification {method}")
    answers: tuple[Message, ...] = (
        {"result": {}},
        {"result": 1},
        {"error": {}},
        {"error": {"code": 1, "message": "x"}},
    )
    for answer in (*answers, {"error": None}, {"result": None, "error": None}):
        for name in (98765, "nobody", None, "own-1"):
            yield BrokenMessage(_dump({"jsonrpc": "2.0", "id": name, **cast("Message", answer)}), "silence")


def _huge(draw: random.Random) -> Iterator[BrokenMessage]:
    call = _dump({**CALL, "id": "huge"})
    for size in (100_000, 5_000_000):
        for text in (b"a" * size, b"\\u0000" * (size // 6), b"word " * (size // 5), "轮".encode() * (size // 3)):
            yield BrokenMessage(call.replace(b"which pump hums", text), "answer", "huge")
        yield BrokenMessage(call.replace(b"hybrid_search", b"h" * size), "answer", "huge")
        yield BrokenMessage(b" " * size, "silence")
        yield BrokenMessage(draw.randbytes(size).replace(b"\n", b"") + b"\xfe", "error")
        yield BrokenMessage(b"9" * size, "error")
        yield BrokenMessage(
            call.replace(b'"limit": 1', b'"filter": {' + b'"a": 1,' * (size // 7) + b'"b": 2}'), "answer", "huge"
        )
