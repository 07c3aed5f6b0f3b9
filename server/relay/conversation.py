"""What the relay knows of a client's conversation, so that another engine can go on with it."""

import json
from typing import Any, cast

from ..mcp.ids import find_id, is_id

MAX_PARSED_BYTES = 2**20  # of a longer line, which carries documents, only the id is looked for

LOST = (
    "The Resift engine stopped while it worked on this call, and is started again. What it had acknowledged is kept. "
    "Call again; if that fails too, ask the user to run `resift doctor`."
)

INTERNAL_ERROR = -32603


class Conversation:
    """The handshake and the requests in flight. It changes nothing that is sent, but holds some lines back."""

    def __init__(self) -> None:
        self._handshake: dict[str, bytes] = {}
        self._calls: dict[str, bytes | None] = {}
        """The requests of the client in flight, by id: the line to send again, or None for a call of a tool."""
        self._unheard: set[str] = set()
        """The ids of repeated requests whose answers the client must not see."""
        self._asked: set[str] = set()
        self._void: set[str] = set()
        """The ids of requests of an engine that ended; their answers must not reach the next engine."""

    def from_client(self, line: bytes) -> bool:
        """Note a line of the client; return whether the engine is to have it."""
        message = _parse(line)
        method, key = message.get("method"), _key(message)
        if method is None:
            is_void = key in self._void
            self._asked.discard(key)
            self._void.discard(key)
            return not is_void
        if method == "notifications/initialized":
            self._handshake[method] = line
        elif method == "notifications/cancelled":
            self._calls.pop(_key({"id": _parameters(message).get("requestId")}), None)
        elif key:
            if method == "initialize":
                self._handshake[method] = line
            self._calls[key] = None if method == "tools/call" else line
        return True

    def from_engine(self, line: bytes) -> bool:
        """Note a line of the engine; return whether the client is to have it."""
        message = _parse(line)
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

    def lose_engine(self, reason: str = LOST) -> list[bytes]:
        """Return the answers to the calls of tools that were in flight when the engine ended."""
        self._unheard.clear()
        self._void |= self._asked
        self._asked.clear()
        return self._give_up([key for key, line in self._calls.items() if line is None], reason)

    def give_up(self, reason: str) -> list[bytes]:
        """Return the answers to everything in flight, because there is no engine."""
        return self._give_up(list(self._calls), reason)

    @property
    def is_waiting(self) -> bool:
        """Return whether the client waits for an answer."""
        return bool(self._calls)

    def repeated(self) -> list[bytes]:
        """Return the lines with which another engine goes on: the handshake, and what can be asked again."""
        lines = list[bytes]()
        for line in self._handshake.values():
            key = _key(_parse(line))
            if key and key not in self._calls:
                self._unheard.add(key)
            if key not in self._calls:
                lines.append(line)
        return [*lines, *(line for line in self._calls.values() if line is not None)]

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
    return json.dumps(found) if is_id(found) else ""
