"""MCP prompts made from the prompt templates."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from mcp.server.mcpserver.prompts import Prompt
from mcp.server.mcpserver.prompts.base import PromptArgument
from mcp.shared.exceptions import MCPError
from mcp.types import INVALID_PARAMS

from ...core.errors import InvalidInput
from ...prompts.templates import Template

FOUND = "Call `hybrid_search` with the query and detail 'full' first, and use the passages that it returns."

MEANT = "the one that is meant; if its name is in doubt, call `list_collections` first"

ARGUMENTS = {
    "query": ("The question", True),
    "instruction": ("What else counts as relevant, or the list of official sources", False),
    "passages": ("The passages to order; without them, those that a search finds", False),
    "collection": ("The collection to search, if you keep several", False),
}


def as_prompt(template: Template) -> Prompt:
    """Return the template as an MCP prompt. Its placeholders are the arguments; today's date is filled in."""

    def render(**values: Any) -> str:
        try:
            return render_for_reader(template, {name: str(value) for name, value in values.items()})
        except InvalidInput as error:  # the SDK would answer that the server failed
            raise MCPError(INVALID_PARAMS, str(error)) from error

    arguments = [
        PromptArgument(name=name, description=ARGUMENTS[name][0], required=ARGUMENTS[name][1])
        for name in template.placeholders
        if name in ARGUMENTS
    ]
    return Prompt(name=template.name, description=template.description, arguments=arguments, fn=render)  # pyright: ignore[reportCallIssue]


def render_for_reader(template: Template, values: Mapping[str, str]) -> str:
    """Return the template filled in, for a model that can call Resift's tools.

    Raises:
        InvalidInput: There is no query.
    """
    if not values.get("query", "").strip():
        raise InvalidInput(f"The prompt {template.name!r} needs a query. Give it as `query`.")
    given = {name: value for name, value in values.items() if value.strip()}
    usual = {"instruction": "none", "passages": FOUND, "collection": MEANT, "today": date.today().isoformat()}
    return template.render({**usual, **given})
