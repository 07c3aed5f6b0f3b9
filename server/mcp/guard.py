"""The last check of everything that the MCP server sends: no secrets, nothing unprintable, never too long."""

import logging
from collections.abc import Callable, Mapping
from typing import Any, cast

from mcp.server.context import CallNext, HandlerResult, ServerRequestContext
from mcp.shared.exceptions import MCPError
from mcp.types import INTERNAL_ERROR, INVALID_PARAMS
from pydantic import ValidationError
from pydantic_core import to_json

from ...api.arguments import PLAIN
from ...api.caller import CALLER
from ...core.masking import SECRETS
from ...core.text import cut_middle, encodable

MAX_CHARACTERS = 40_000
"""Of a reply, its text and its structured content together: Claude Code moves those above 50,000 to a file."""

MAX_ERROR_CHARACTERS = 2_000
"""Of a message: it quotes what was refused, and a caller may have sent a megabyte."""

NO_REASON = "Invalid request parameters"
"""The SDK's whole answer to a request before `initialize`."""

TOO_EARLY = "The connection is not initialized. Send `initialize` first, then this request again."

DIAGNOSTIC = frozenset({"notes", "stages", "problem", "failures", "skipped", "job", "jobs"})
"""Fields of results that Resift writes; the others hold what documents say."""

logger = logging.getLogger(__name__)


async def guard(ctx: ServerRequestContext[Any, Any], call_next: CallNext) -> HandlerResult:
    """Return the result of a request without secrets; refuse one that is too long. This is a middleware of the SDK's.

    Raises:
        MCPError: The request failed; its message is short and holds no secret.
    """
    try:
        result = await call_next(ctx)
    except MCPError as error:
        if error.message == NO_REASON:
            raise MCPError(error.code, TOO_EARLY) from error
        raise MCPError(error.code, shown(error.message), printable(error.data, shown)) from error
    except ValidationError as error:  # the SDK would give no reason
        raise MCPError(INVALID_PARAMS, shown(_what_is_wrong(error))) from error
    except Exception as error:  # the boundary: for old clients, the SDK would send its text as it is
        logger.exception("The request %r failed", cut_middle(ctx.method, MAX_ERROR_CHARACTERS))
        raise MCPError(INTERNAL_ERROR, "Resift failed to answer. Its log has the reason.") from error
    if not isinstance(result, dict):
        return result
    if ctx.method == "tools/call":
        return _checked_result(result)
    if ctx.method == "prompts/get" and (size := len(to_json(result).decode())) > MAX_CHARACTERS:
        raise MCPError(
            INVALID_PARAMS,
            f"The prompt would have {size:,} characters, more than {MAX_CHARACTERS:,}. Pass shorter arguments.",
        )
    return result


def _what_is_wrong(error: ValidationError) -> str:
    """Return what is wrong with the parameters of a request, in the words of JSON."""
    first = error.errors(include_url=False, include_input=False)[0]
    place = ".".join(map(str, first["loc"]))
    return f"The request cannot be used: {place}: {PLAIN.get(first['msg'], first['msg'])}."


def shown(text: str) -> str:
    """Return a message as it may be shown: masked, encodable and short."""
    return cut_middle(encodable(SECRETS.mask(CALLER.get().hidden.hide(text))), MAX_ERROR_CHARACTERS)


def content(text: str) -> str:
    """Return what a document says as it may be shown."""
    return encodable(SECRETS.mask_content(text))


def printable(value: Any, show: Callable[[str], str]) -> Any:
    """Return the value with every text in it as `show` returns it."""
    if isinstance(value, str):
        return show(value)
    if isinstance(value, Mapping):
        entries = cast("Mapping[Any, Any]", value).items()
        return {show(key) if isinstance(key, str) else key: printable(each, show) for key, each in entries}
    if isinstance(value, list | tuple):
        return [printable(each, show) for each in cast("list[Any]", value)]
    return value


def _checked_result(result: dict[str, Any]) -> dict[str, Any]:
    if (questions := result.get("inputRequests")) is not None:  # to the user; the answer comes with another call
        return {**result, "inputRequests": printable(questions, shown)}
    structured = cast("dict[str, Any] | None", result.get("structuredContent"))
    if structured is None:
        return {**result, "content": printable(result.get("content", []), shown)}
    told = CALLER.get().hidden.hide_in(structured, DIAGNOSTIC)
    safe = {name: printable(value, shown if name in DIAGNOSTIC else content) for name, value in told.items()}
    text = to_json(safe, inf_nan_mode="null").decode()
    if 2 * len(text) > MAX_CHARACTERS:
        reason = (
            f"The reply would have {2 * len(text):,} characters, more than {MAX_CHARACTERS:,}. Ask for less: lower "
            "`limit` or `max_tokens`, or name fewer things in one call."
        )
        return {"content": [{"type": "text", "text": reason}], "isError": True}
    if safe == structured:
        return result
    return {**result, "content": [{"type": "text", "text": text}], "structuredContent": safe}
