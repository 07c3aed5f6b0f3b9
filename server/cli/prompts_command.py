"""The part of the command line that shows templates: `resift prompts`."""

from typing import Annotated

import typer

from ...settings.load import load_settings

app = typer.Typer()


@app.command()
def prompts(
    name: Annotated[str, typer.Argument(help="One prompt, filled in; all are listed without.")] = "",
    query: Annotated[str, typer.Option(help="The question.")] = "",
    instruction: Annotated[str, typer.Option(help="What counts besides.")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """List the templates that rerankers ask with and clients offer, or fill one in."""
    from .prompts import run_prompts

    run_prompts(load_settings(), name, {"query": query, "instruction": instruction}, as_json=as_json)
