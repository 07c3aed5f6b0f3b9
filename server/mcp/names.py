"""Refuse calls that name no tool or prompt, as invalid requests: the SDK answers them with a result or a failure."""

from collections.abc import Collection, Mapping
from typing import Any, cast

from mcp.server.context import CallNext, HandlerResult, ServerMiddleware, ServerRequestContext
from mcp.server.mcpserver.prompts import Prompt
from mcp.shared.exceptions import MCPError
from mcp.types import INVALID_PARAMS

from ...core.errors import nearest
from ...core.text import listed


def only_known(tools: Collection[str], prompts: Mapping[str, Prompt]) -> ServerMiddleware[Any]:
    """Return a middleware of the SDK's that passes on the calls of these tools and prompts, and refuses all others."""

    async def check(ctx: ServerRequestContext[Any, Any], call_next: CallNext) -> HandlerResult:
        params = ctx.params or {}
        match ctx.method, params.get("name"):
            case "tools/call", str(name) if name not in tools:
                raise _refusal(
                    f"There is no tool {name!r}.{nearest(name, tools)} `tools/list` returns those there are."
                )
            case "prompts/get", str(name) if name not in prompts:
                raise _refusal(
                    f"There is no prompt {name!r}.{nearest(name, prompts)} `prompts/list` returns those there are."
                )
            case "prompts/get", str(name):
                _check_arguments(prompts[name], params.get("arguments"))
            case _:
                pass
        return await call_next(ctx)

    return check


def _check_arguments(prompt: Prompt, given: object) -> None:
    names: Collection[Any] = cast("Mapping[Any, Any]", given) if isinstance(given, Mapping) else ()
    missing = [each.name for each in prompt.arguments or () if each.required and each.name not in names]
    if missing:
        raise _refusal(f"The prompt {prompt.name!r} needs the argument {listed(missing)}.")
    known = [each.name for each in prompt.arguments or ()]
    for name in names:
        if name not in known:
            near = nearest(str(name), known)
            raise _refusal(f"The prompt {prompt.name!r} has no argument {name!r}.{near} It has: {listed(known)}.")


def _refusal(message: str) -> MCPError:
    return MCPError(INVALID_PARAMS, message)
