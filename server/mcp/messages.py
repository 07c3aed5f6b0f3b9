"""Read one line of the protocol, and answer what cannot be read instead of dropping it, as the MCP SDK would."""

import json
import logging
import re
from collections.abc import Mapping
from typing import Any, TypeAlias, cast

from mcp.types import (
    INVALID_REQUEST,
    PARSE_ERROR,
    ErrorData,
    JSONRPCError,
    JSONRPCMessage,
    RequestId,
    jsonrpc_message_adapter,
)
from pydantic import ValidationError
from pydantic_core import from_json

from ...core.text import cut

HEAD_CHARACTERS = 65_536  # of a broken line, in which its id is looked for

TAIL_CHARACTERS = 4_096  # some clients write the id last, after the parameters

MAX_BATCH_ANSWERS = 100

REPLACED = "\ufffd"

Incoming: TypeAlias = JSONRPCMessage | tuple[JSONRPCError, ...]
"""A message for the server, or the answers to the client; none for a blank line or a broken response."""

logger = logging.getLogger(__name__)

_ESCAPE = re.compile(r"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|u[dD][89a-fA-F][0-9a-fA-F]{2}|.)")

_LONE = re.compile(r"\\u[dD][89a-fA-F][0-9a-fA-F]{2}")

_STRING = r'"(?:[^"\\]|\\.)*+"'

_TOKEN = re.compile(rf'{_STRING}|[{{}}\[\]]|"')

_VALUE = re.compile(rf"\s*:\s*({_STRING}|-?\d+)(?=\s*[,}}])")

_LAST = re.compile(rf'"jsonrpc"\s*:\s*"2\.0"\s*,\s*"id"\s*:\s*({_STRING}|-?\d+)\s*}}\s*$')


def read_message(line: bytes) -> Incoming:
    """Return the message in a line, in which bytes that are not UTF-8 and lone surrogates are replaced."""
    text = line.decode("utf-8", "replace").removeprefix("\ufeff").strip()
    if not text:
        return ()
    cleaned = _ESCAPE.sub(_replace_lone, text) if _LONE.search(text) else text
    try:
        value: Any = from_json(cleaned)
    except ValueError as error:
        reason = str(error).replace("recursion limit exceeded", "nested too deeply")
        return (refusal(find_id(text), f"The message is not valid JSON: {reason}.", code=PARSE_ERROR),)
    if isinstance(value, list):
        return _refuse_batch(cast("list[Any]", value))
    if not isinstance(value, dict):
        return (refusal(None, f"A message is a JSON object, got {cut(text)}."),)
    return _validated(cast("dict[str, Any]", value))


def _replace_lone(escape: re.Match[str]) -> str:
    return r"\ufffd" if _LONE.fullmatch(escape[0]) else escape[0]


def refuse_oversize(head: str, tail: str, limit: int) -> JSONRPCError:
    """Return the answer to a line that is too long, of which only the beginning and the end were kept."""
    return refusal(find_id(head, tail), f"The message is longer than {limit:,} bytes. Send less in one request.")


def refusal(request_id: RequestId | None, reason: str, *, code: int = INVALID_REQUEST) -> JSONRPCError:
    """Return the answer to a message that cannot be served; without an id if that is not known."""
    return JSONRPCError(jsonrpc="2.0", id=request_id, error=ErrorData(code=code, message=reason))


def find_id(head: str, tail: str = "") -> RequestId | None:
    """Return the id of a request that is not valid JSON, or None if it cannot be found without a doubt."""
    head, tail = head[:HEAD_CHARACTERS], (tail or head)[-TAIL_CHARACTERS:]
    depth, found = 0, dict[str, str]()
    for token in _TOKEN.finditer(head):
        match token[0]:
            case "{" | "[":
                depth += 1
            case "}" | "]":
                depth -= 1
            case '"':  # a string without an end: what follows may be part of it
                break
            case '"id"' | '"method"' | '"result"' | '"error"' as key if depth == 1 and head[0] == "{":
                if is_value := _VALUE.match(head, token.end()):
                    found.setdefault(key, is_value[1])
                elif _is_key(head, token.end()):
                    found.setdefault(key, "")
            case _:
                pass
    if '"method"' not in found or '"result"' in found or '"error"' in found:  # may be a response to the server
        return None
    last = _LAST.search(tail)
    return _as_id(found.get('"id"') or (last[1] if last else ""))


def _is_key(text: str, end: int) -> bool:
    return text[end:].lstrip()[:1] == ":"


def _as_id(written: str) -> RequestId | None:
    try:
        value = json.loads(written)
        return value if _is_id(value) and str(value).isprintable() else None
    except ValueError:  # nothing was found, or a number has too many digits
        return None


def _is_id(value: Any) -> bool:
    return isinstance(value, str | int) and not isinstance(value, bool) and REPLACED not in str(value)


def _refuse_batch(values: list[Any]) -> Incoming:
    """Refuse a batch, which MCP no longer has, once for each of its requests, so that no client keeps waiting."""
    reason = "Batches are not supported. Send each message on a line of its own."
    objects = [cast("dict[str, Any]", value) for value in values[:MAX_BATCH_ANSWERS] if isinstance(value, dict)]
    ids = [value["id"] for value in objects if "method" in value and _is_id(value.get("id"))]
    return tuple(refusal(each, reason) for each in ids or [None])


def _validated(value: Mapping[str, Any]) -> Incoming:
    has_id = "id" in value
    request_id: RequestId | None = value["id"] if has_id and _is_id(value["id"]) else None
    if "method" not in value and ("result" in value or "error" in value):
        return _response(value)
    if has_id and request_id is None:  # without this check it would be taken for a notification
        return (refusal(None, f"The id of a request is text or a whole number, got {cut(repr(value['id']))}."),)
    try:
        return jsonrpc_message_adapter.validate_python(value, by_name=False)
    except ValidationError as error:
        first = error.errors(include_input=False)[0]
        place = ".".join(str(part) for part in first["loc"][1:])
        return (refusal(request_id, f"This is not a JSON-RPC 2.0 request: {place}: {first['msg']}."),)


def _response(value: Mapping[str, Any]) -> Incoming:
    try:
        return jsonrpc_message_adapter.validate_python(value, by_name=False)
    except ValidationError:  # an answer with its id would be taken for that of a request of the client's own
        logger.warning("A malformed response with the id %s was ignored.", cut(repr(value.get("id"))))
        return ()
