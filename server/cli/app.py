"""The command line `resift`: all commands in one application."""

import sys
from typing import Annotated

import typer

from ... import __version__
from ...core.errors import ResiftError
from . import adopt, demo, doctor, documents, evaluate, optimize, search, serve, train, transfer, tune
from .console import print_error

COMMANDS = (serve, documents, search, evaluate, tune, optimize, train, adopt, transfer, demo, doctor)
"""The modules with commands, in the order of `resift --help`; each imports what is slow to import when it runs."""


def main() -> None:
    """Run the command line.

    Exit codes: 0 success, 1 failure, 2 usage error.
    """
    try:
        app()
    except ResiftError as error:
        print_error(error)
        sys.exit(1)


app = typer.Typer(
    name="resift",
    help="Search and rerank your own documents, for LLM agents and for you.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
for module in COMMANDS:
    app.add_typer(module.app)


def _print_version(value: bool) -> None:
    if value:
        typer.echo(__version__)
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Search and rerank your own documents, for LLM agents and for you."""
