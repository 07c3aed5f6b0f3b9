"""Leave the tools that change something to callers who may: others neither see them nor can call them."""

from collections.abc import Collection, Mapping
from typing import Any, cast

from mcp.server.context import CallNext, HandlerResult, ServerMiddleware, ServerRequestContext
from mcp.server.mcpserver.tools import Tool
from mcp.types import CallToolResult, TextContent

from ...api.caller import CALLER

FOR_READERS = frozenset({"record_feedback"})
"""Tools that write down what a caller says of its own searches, and change no document and no ranking."""


def changing(tools: Collection[Tool]) -> frozenset[str]:
    """Return the names of the tools that change what is stored, by their annotations."""
    changers = {each.name for each in tools if each.annotations is None or not each.annotations.read_only_hint}
    return frozenset(changers - FOR_READERS)


def only_writers_change(tools: Collection[str]) -> ServerMiddleware[Any]:
    """Return a middleware of the SDK's that keeps these tools from callers who may not write."""

    async def check(ctx: ServerRequestContext[Any, Any], call_next: CallNext) -> HandlerResult:
        if CALLER.get().may_write:
            return await call_next(ctx)
        if ctx.method == "tools/call" and (name := (ctx.params or {}).get("name")) in tools:
            return _refused(f"{name} changes what is stored, and this connection may only read. Nothing was changed.")
        result = await call_next(ctx)
        return _without(tools, result) if ctx.method == "tools/list" else result

    return check


def _refused(message: str) -> CallToolResult:
    return CallToolResult(content=[TextContent(type="text", text=message)], is_error=True)


def _without(tools: Collection[str], result: HandlerResult) -> HandlerResult:
    """Return a list of tools without some, in the form in which the SDK passes it through middleware."""
    if not isinstance(result, Mapping):
        raise TypeError(f"tools/list gave a {type(result).__name__}")
    listed = cast("Mapping[str, Any]", result)
    return {**listed, "tools": [each for each in listed["tools"] if each["name"] not in tools]}
