"""Templates for people: as MCP prompts that a client's user picks, and on the terminal."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from mcp.server.mcpserver.prompts import Prompt
from mcp.server.mcpserver.prompts.base import PromptArgument

from ..core.errors import InvalidInput, NotFound, nearest
from ..prompts.templates import Template
from .console import OUT, print_json
from .language_model import open_templates
from .settings import Settings

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


def run_prompts(settings: Settings, name: str, values: Mapping[str, str], *, as_json: bool) -> None:
    """List the templates, or print one: filled in where there is a query, as it is where there is none.

    Raises:
        NotFound: There is no template of that name.
    """
    templates = open_templates(settings)
    if not name:
        if as_json:
            print_json(list(templates.values()))
        for each in () if as_json else templates.values():
            line = f"{each.name:<24}{each.version:<6}{each.reply:<10}{each.description}"
            OUT.print(line, highlight=False, soft_wrap=True, markup=False)
        return
    if name not in templates:
        raise NotFound(f"No prompt {name!r}.{nearest(name, templates)} Known: {', '.join(sorted(templates))}.")
    template = templates[name]
    text = render_for_reader(template, values) if values["query"] else template.text
    if as_json:
        print_json({"name": name, "version": template.version, "text": text})
    else:
        OUT.print(text, highlight=False, soft_wrap=True, markup=False)
