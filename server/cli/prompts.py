"""Templates for people: as MCP prompts that a client's user picks, and on the terminal."""

from collections.abc import Mapping

from ...core.errors import NotFound, nearest
from ...factories.language_model import open_templates
from ...settings.load import Settings
from ..mcp_prompts import render_for_reader
from .console import OUT, print_json


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
