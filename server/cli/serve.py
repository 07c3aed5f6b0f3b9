"""`resift serve` and `resift prompts`: the MCP server, and the prompt templates it offers."""

from typing import Annotated

import anyio
import typer

from ...core.errors import NotFound, nearest
from .command import AsJson
from .console import print_json, say

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command()
def serve() -> None:
    """Serve MCP on stdin and stdout. MCP clients run this command."""
    from ...factories.engine import build_engine
    from ...settings.load import load_settings
    from ..mcp.stdio import serve_stdio

    anyio.run(serve_stdio, build_engine(load_settings()))


@app.command()
def prompts(
    name: Annotated[str, typer.Argument(help="The template to print. Without a name, all templates are listed.")] = "",
    query: Annotated[str, typer.Option(help="Fill in the template with this question.")] = "",
    instruction: Annotated[str, typer.Option(help="Fill in this instruction.")] = "",
    as_json: AsJson = False,
) -> None:
    """List the prompt templates that LLM rerankers and MCP clients use, or print one of them."""
    from ...factories.language_model import open_templates
    from ...settings.load import load_settings
    from ..mcp.prompts import render_for_reader

    templates = open_templates(load_settings())
    if not name:
        if as_json:
            print_json(list(templates.values()))
            return
        for each in templates.values():
            say(f"{each.name:<24}{each.version:<6}{each.reply:<10}{each.description}")
        return
    if name not in templates:
        raise NotFound(f"No prompt {name!r}.{nearest(name, templates)} Known: {', '.join(sorted(templates))}.")
    template = templates[name]
    values = {"query": query, "instruction": instruction}
    text = render_for_reader(template, values) if query else template.text
    if as_json:
        print_json({"name": name, "version": template.version, "text": text})
    else:
        say(text)
