"""TODO"""

from collections.abc import Mapping
from datetime import date
from typing import Any

from mcp.server.mcpserver.prompts import Prompt
from mcp.server.mcpserver.prompts.base import PromptArgument

from ..core.errors import InvalidInput
from ..prompts.templates import Template

FOUND = "The passages are those that `hybrid_search` finds for the query: call it first, with detail full."

ARGUMENTS = {
    "query": ("The question", True),
    "instruction": ("What counts besides, or the list of official sources", False),
    "passages": ("What is put in order; left out, what a search finds", False),
}


def as_prompt(template: Template) -> Prompt:
    """Return the template as an MCP prompt: its placeholders are the arguments, and today is known."""

    def render(**values: Any) -> str:
        return render_for_reader(template, {name: str(value) for name, value in values.items()})

    arguments = [
        PromptArgument(name=name, description=ARGUMENTS[name][0], required=ARGUMENTS[name][1])
        for name in template.placeholders
        if name in ARGUMENTS
    ]
    return Prompt(name=template.name, description=template.description, arguments=arguments, fn=render)  # pyright: ignore[reportCallIssue]


def render_for_reader(template: Template, values: Mapping[str, str]) -> str:
    """Return the template with its values, for a model that has Resift's tools.

    Raises:
        InvalidInput: The query is missing.
    """
    if not values.get("query", "").strip():
        raise InvalidInput(f"The prompt {template.name!r} needs a query. Give one.")
    given = {name: value for name, value in values.items() if value.strip()}
    usual = {"instruction": "none", "passages": FOUND, "today": date.today().isoformat()}
    return template.render({**usual, **given})
