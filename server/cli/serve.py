"""`resift serve` and `resift prompts`: the MCP server, and the prompt templates it offers."""

from typing import Annotated

import anyio
import typer

from ...core.errors import NotFound, nearest
from .command import AsJson
from .console import note, print_json, say

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command()
def serve(
    over_http: Annotated[bool, typer.Option("--http", help="Serve MCP over HTTP instead. See docs/http.md.")] = False,
    host: Annotated[str, typer.Option(help="The address to listen on. Default: RESIFT_HTTP__HOST.")] = "",
    port: Annotated[int, typer.Option(help="The port to listen on. Default: RESIFT_HTTP__PORT.", max=65535)] = -1,
) -> None:
    """Serve MCP on stdin and stdout. MCP clients run this command."""
    from ...settings.load import load_settings

    settings = load_settings()
    if over_http:
        from ..http.listening import at_address, serve_over_http

        serve_over_http(at_address(settings, host=host, port=port), announce=note)
        return
    from ...factories.engine import build_engine
    from ..mcp.stdio import serve_stdio

    anyio.run(serve_stdio, build_engine(settings))


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
