"""Read one line of the protocol, and answer what cannot be read instead of dropping it, as the MCP SDK would."""

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
from pydantic_core import from_json, to_json

from ...core.text import cut
from .ids import find_id, is_id

MAX_BATCH_ANSWERS = 100

Incoming: TypeAlias = JSONRPCMessage | tuple[JSONRPCError, ...]
"""A message for the server, or the answers to the client; none for a blank line or a broken response."""

logger = logging.getLogger(__name__)

_ESCAPE = re.compile(r"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|u[dD][89a-fA-F][0-9a-fA-F]{2}|.)")

_LONE = re.compile(r"\\u[dD][89a-fA-F][0-9a-fA-F]{2}")


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


def _refuse_batch(values: list[Any]) -> Incoming:
    """Refuse a batch, which MCP no longer has, once for each of its requests, so that no client keeps waiting."""
    reason = "Batches are not supported. Send each message on a line of its own."
    objects = [cast("dict[str, Any]", value) for value in values[:MAX_BATCH_ANSWERS] if isinstance(value, dict)]
    ids = [value["id"] for value in objects if "method" in value and is_id(value.get("id"))]
    return tuple(refusal(each, reason) for each in ids or [None])


def _validated(value: Mapping[str, Any]) -> Incoming:
    has_id = "id" in value
    request_id: RequestId | None = value["id"] if has_id and is_id(value["id"]) else None
    if "method" not in value and ("result" in value or "error" in value):
        return _response(value)
    if has_id and request_id is None:  # without this check it would be taken for a notification
        return (refusal(None, f"The id of a request is text or a whole number, got {cut(_json(value['id']))}."),)
    try:
        return jsonrpc_message_adapter.validate_python(value, by_name=False)
    except ValidationError as error:
        first = error.errors(include_input=False)[0]
        place = ".".join(str(part) for part in first["loc"][1:])
        return (refusal(request_id, f"This is not a JSON-RPC 2.0 request: {place}: {first['msg']}."),)


def _json(value: Any) -> str:
    return to_json(value, inf_nan_mode="constants").decode()


def _response(value: Mapping[str, Any]) -> Incoming:
    try:
        return jsonrpc_message_adapter.validate_python(value, by_name=False)
    except ValidationError:  # an answer with its id would be taken for that of a request of the client's own
        logger.warning("A malformed response with the id %s was ignored.", cut(repr(value.get("id"))))
        return ()
