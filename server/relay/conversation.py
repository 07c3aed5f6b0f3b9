"""What the relay knows of a client's conversation, so that another engine can go on with it."""

import json
from math import inf
from typing import Any, cast

from ..engine.greeting import GOODBYE
from ..mcp.ids import find_id, is_id

MAX_PARSED_BYTES = 2**20  # of a longer line, which carries documents, only the id is looked for

LOST = (
    "The Resift engine stopped while it worked on this call, and is started again. What it had acknowledged is kept. "
    "Call again; if that fails too, ask the user to run `resift doctor`."
)

INTERNAL_ERROR = -32603


class _Call:
    """A request of the client in flight."""

    __slots__ = ("is_tool", "line", "number")

    def __init__(self, line: bytes, number: int, *, is_tool: bool) -> None:
        self.line = line
        self.number = number
        """Which line on the connection to the present engine it is, from 1; 0 if it has not reached one."""
        self.is_tool = is_tool


class Conversation:
    """The handshake and the requests in flight. It changes nothing that is sent, but holds some lines back."""

    def __init__(self) -> None:
        self._handshake: dict[str, bytes] = {}
        self._calls: dict[str, _Call] = {}
        """By id."""
        self._sent = 0
        self._read = inf
        """How many of the lines sent the engine has read; infinite until it says goodbye."""
        self._unheard: set[str] = set()
        """The ids of repeated requests whose answers the client must not see."""
        self._asked: set[str] = set()
        self._void: set[str] = set()
        """The ids of requests of an engine that ended; their answers must not reach the next engine."""

    def from_client(self, line: bytes) -> bool:
        """Note a line of the client; return whether the engine is to have it."""
        message = _parse(line)
        method, key = message.get("method"), _key(message)
        if method is None and key in self._void:
            self._void.discard(key)
            return False
        self._sent += line.endswith(b"\n")
        if method is None:
            self._asked.discard(key)
        elif method == "notifications/initialized":
            self._handshake[method] = line
        elif method == "notifications/cancelled":
            self._calls.pop(_key({"id": _parameters(message).get("requestId")}), None)
        elif key:
            if method == "initialize":
                self._handshake[method] = line
            self._calls[key] = _Call(line, self._sent, is_tool=method == "tools/call")
        return True

    def from_engine(self, line: bytes) -> bool:
        """Note a line of the engine; return whether the client is to have it."""
        message = _parse(line)
        if GOODBYE in message:
            self._read = message[GOODBYE] if isinstance(message[GOODBYE], int) else inf
            return False
        key = _key(message)
        if not key:
            return True
        if "method" in message:
            self._asked.add(key)
            return True
        self._calls.pop(key, None)
        is_unheard = key in self._unheard
        self._unheard.discard(key)
        return not is_unheard

    def not_sent(self, line: bytes) -> None:
        """Note that a line of the client has not reached the engine, which has ended."""
        for call in self._calls.values():
            if call.line is line:
                call.number = 0

    def lose_engine(self) -> list[bytes]:
        """Return the answers to the calls of tools that the engine was working on when it ended."""
        self._unheard.clear()
        self._void |= self._asked
        self._asked.clear()
        begun = [key for key, call in self._calls.items() if call.is_tool and 0 < call.number <= self._read]
        return self._give_up(begun, LOST)

    def give_up(self, reason: str) -> list[bytes]:
        """Return the answers to everything in flight, because there is no engine."""
        return self._give_up(list(self._calls), reason)

    @property
    def is_waiting(self) -> bool:
        """Return whether the client waits for an answer."""
        return bool(self._calls)

    @property
    def has_unread(self) -> bool:
        """Return whether the client waits for an answer to what the engine has not read."""
        return any(not 0 < call.number <= self._read for call in self._calls.values())

    def repeated(self, last: bytes = b"") -> list[bytes]:
        """Return the lines with which another engine goes on: the handshake, what has not been answered, and `last`."""
        lines = list[bytes]()
        for line in self._handshake.values():
            key = _key(_parse(line))
            if key not in self._calls:
                lines.append(line)
                self._unheard |= {key} - {""}
        for number, call in enumerate(self._calls.values(), start=len(lines) + 1):
            call.number = number
            lines.append(call.line)
        if last and last not in lines:
            lines.append(last)
        self._sent, self._read = len(lines), inf
        return lines

    def _give_up(self, keys: list[str], reason: str) -> list[bytes]:
        for key in keys:
            del self._calls[key]
        error = {"code": INTERNAL_ERROR, "message": reason}
        answers = ({"jsonrpc": "2.0", "id": json.loads(key), "error": error} for key in keys)
        return [json.dumps(each).encode() + b"\n" for each in answers]


def _parse(line: bytes) -> dict[str, Any]:
    """Return the message in a line; of a long one only its id and method, and nothing of one that is broken."""
    if len(line) > MAX_PARSED_BYTES:
        found = find_id(line[:MAX_PARSED_BYTES].decode("utf-8", "replace"), line[-4096:].decode("utf-8", "replace"))
        return {} if found is None else {"id": found, "method": "tools/call"}
    try:
        message = json.loads(line)
    except (ValueError, RecursionError):  # the engine says what is wrong with it
        return {}
    return cast("dict[str, Any]", message) if isinstance(message, dict) else {}


def _parameters(message: dict[str, Any]) -> dict[str, Any]:
    found = message.get("params")
    return cast("dict[str, Any]", found) if isinstance(found, dict) else {}


def _key(message: dict[str, Any]) -> str:
    """Return the id of a message as text that keeps its type apart; empty if it has none."""
    found = message.get("id")
    try:
        return json.dumps(found, ensure_ascii=False).encode().decode() if is_id(found) else ""
    except UnicodeEncodeError:  # the engine cannot answer by it
        return ""
