"""Malformed HTTP requests, made from valid ones by seeded mutations of their JSON, their bytes and their heads."""

import json
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, cast

from resift.tests.hostile.schema_values import HOSTILE_NUMBERS, HOSTILE_TEXTS, WRONG_TYPES

HEADERS = {"Host": "localhost", "Content-Type": "application/json", "Connection": "close"}
METHODS = ("GET", "PUT", "DELETE", "PATCH", "OPTIONS", "HEAD", "TRACE", "CONNECT", "post", "P\x00ST", "", "X" * 300)
PATHS = (
    "/",
    "//v1/search",
    "/v1/search/",
    "/v1/../v1/search",
    "/v1/search?collection=a&collection=b",
    "/v1/models/%00",
    "/v1/models/%ff%fe",
    "/v1/models/..%2f..%2fetc",
    "/v1/collections?collection=%ed%a0%80",
    "/v1/collections?" + "a=b&" * 2000,
    "/v1/" + "a" * 5000,
    "*",
    "http://elsewhere.example/v1/search",
    "/v1/search#part",
    "/\u00e9",
    "/v1/sea rch",
)
HEADS: tuple[Mapping[str, str | None], ...] = (
    {"Content-Type": None},
    {"Content-Type": "text/plain"},
    {"Content-Type": "application/json; charset=utf-16"},
    {"Content-Type": "application/json; boundary=" + "x" * 4000},
    {"Content-Type": "application/jsonx"},
    {"Content-Length": "-1"},
    {"Content-Length": "99999999999999999999"},
    {"Content-Length": "7"},
    {"Content-Length": "0"},
    {"Content-Length": "1e3"},
    {"Content-Length": None},
    {"Transfer-Encoding": "chunked"},
    {"Transfer-Encoding": "gzip, chunked"},
    {"Transfer-Encoding": "identity"},
    {"Content-Encoding": "gzip"},
    {"Host": None},
    {"Host": "elsewhere.example"},
    {"Host": "localhost, localhost"},
    {"Origin": "https://elsewhere.example"},
    {"Expect": "100-continue"},
    {"Expect": "the-impossible"},
    {"Upgrade": "websocket", "Connection": "Upgrade"},
    {"Upgrade": "h2c", "HTTP2-Settings": "AAMAAABkAAQAAP__", "Connection": "Upgrade, HTTP2-Settings"},
    {"X-Large": "x" * 30_000},
    {"X-Control": "a\x00b\x07"},
    {"Authorization": "Bearer " + "x" * 3000},
    {"Authorization": "Basic \u00e9"},
    {"Cookie": "a=" + ";" * 3000},
)


@dataclass(frozen=True, slots=True)
class RawRequest:
    """A request as it goes over the wire."""

    path: str
    body: bytes
    method: str = "POST"
    version: str = "HTTP/1.1"
    headers: Mapping[str, str] = field(default_factory=lambda: HEADERS)

    def encoded(self) -> bytes:
        lines = [f"{self.method} {self.path} {self.version}"]
        given = {"Content-Length": str(len(self.body)), **self.headers}
        lines += [f"{name}: {value}" for name, value in given.items()]
        return "\r\n".join(lines).encode("utf-8", "surrogatepass") + b"\r\n\r\n" + self.body


class RequestMutator:
    """Draws malformed requests, the same for the same seed."""

    def __init__(self, valid: Sequence[tuple[str, Mapping[str, Any]]], *, seed: int) -> None:
        self._valid = valid
        self._draw = random.Random(seed)

    def request(self) -> bytes:
        """Return the bytes of a request that differs from a valid one in one to three ways."""
        draw = self._draw
        path, body = draw.choice(self._valid)
        kinds: list[Callable[[RawRequest], RawRequest]] = [self._of_head, self._of_path, self._of_method, self._of_body]
        value: Any = body
        for _ in range(draw.choice((0, 1, 1, 2, 3))):
            value = self._changed(value)
        request = RawRequest(path, json.dumps(value).encode())
        if value == body:
            request = draw.choice(kinds)(request)
        content = request.encoded()
        return self._damaged(content) if draw.random() < 0.15 else content

    def _changed(self, value: Any, depth: int = 0) -> Any:
        """Return JSON that is changed in one place."""
        draw = self._draw
        if isinstance(value, dict) and value and (depth == 0 or draw.random() < 0.8):
            entries = dict(cast("dict[str, Any]", value))
            name = draw.choice(list(entries))
            match draw.randrange(6):
                case 0:
                    del entries[name]
                case 1:
                    entries[draw.choice(("", "\0", "__class__", "self", name.upper(), "x" * 5000))] = entries[name]
                case _:
                    entries[name] = self._changed(entries[name], depth + 1)
            return entries
        if isinstance(value, list) and value and draw.random() < 0.6:
            items = list(cast("list[Any]", value))
            place = draw.randrange(len(items))
            items[place] = self._changed(items[place], depth + 1)
            return items * 300 if draw.random() < 0.05 and len(repr(items)) < 2_000 else items
        return self._hostile()

    def _hostile(self) -> Any:
        draw = self._draw
        kinds: tuple[Callable[[], Any], ...] = (
            lambda: draw.choice(HOSTILE_TEXTS),
            lambda: draw.choice(HOSTILE_TEXTS) * draw.choice((2, 100)),
            lambda: draw.choice([each for each in HOSTILE_NUMBERS if abs(each) < 1e300]),
            lambda: draw.choice(WRONG_TYPES),
            lambda: self._nested(draw.choice((5, 150, 900))),
            lambda: {draw.choice(HOSTILE_TEXTS): draw.choice(WRONG_TYPES) for _ in range(draw.choice((1, 50)))},
            lambda: [draw.choice(WRONG_TYPES)] * draw.choice((1, 3000)),
            lambda: float(draw.choice(("nan", "inf", "-inf"))),
        )
        return draw.choice(kinds)()

    def _nested(self, depth: int) -> Any:
        value: Any = "x"
        for level in range(depth):
            value = [value] if level % 2 else {"any": value}
        return value

    def _of_head(self, request: RawRequest) -> RawRequest:
        changed = {**HEADERS, **self._draw.choice(HEADS)}
        return replace(request, headers={name: value for name, value in changed.items() if value is not None})

    def _of_path(self, request: RawRequest) -> RawRequest:
        return replace(request, path=self._draw.choice(PATHS), method=self._draw.choice(("GET", "POST")))

    def _of_method(self, request: RawRequest) -> RawRequest:
        versions = ("HTTP/1.0", "HTTP/0.9", "HTTP/2.0", "HTTP/1.1", "", "FTP/1.1")
        return replace(request, method=self._draw.choice(METHODS), version=self._draw.choice(versions))

    def _of_body(self, request: RawRequest) -> RawRequest:
        draw, body = self._draw, request.body
        bodies = (
            b"",
            body[: draw.randrange(len(body))],
            body + body,
            b"\xef\xbb\xbf" + body,
            body.decode().encode("utf-16"),
            body.replace(b'"', b"'"),
            body[:-1] + b",}",
            b"[" * 50_000,
            b'{"query": "\\ud800"}',
            b'{"query": "' + bytes(range(128, 256)) + b'"}',
            b"9" * 50_000,
            b"null",
            b'"text"',
            self._damaged(body),
        )
        return replace(request, body=draw.choice(bodies))

    def _damaged(self, content: bytes) -> bytes:
        """Return the bytes with some of them flipped, left out, or doubled."""
        damaged, draw = bytearray(content), self._draw
        for _ in range(draw.choice((1, 2, 8, 40))):
            place = draw.randrange(len(damaged))
            match draw.randrange(3):
                case 0:
                    damaged[place] ^= 1 << draw.randrange(8)
                case 1:
                    del damaged[place : place + draw.randrange(1, 9)]
                case _:
                    damaged[place:place] = damaged[place : place + draw.randrange(1, 50)]
            if not damaged:
                break
        return bytes(damaged)
