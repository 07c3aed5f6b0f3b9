"""The command line `resift`: all commands in one application, each imported when it is used."""

from __future__ import annotations

import sys
from importlib import import_module
from typing import Annotated, Any

import typer
from typer.core import TyperGroup
from typer.main import get_command

from ... import __version__
from ...core.errors import ResiftError, nearest
from ..output import mask_streams
from .console import print_error

COMMANDS = {
    "serve": ("serve", "Serve MCP on stdin and stdout."),
    "ingest": ("collections.documents", "Add files to a collection."),
    "watch": ("collections.watch", "Keep a collection in step with folders, until Ctrl-C."),
    "search": ("search", "Search a collection and rerank the hits."),
    "collections": ("collections.documents", "List all collections, or show one."),
    "jobs": ("collections.jobs", "List the jobs that ingest in the background, wait for one, or cancel it."),
    "delete": ("collections.documents", "Delete documents from a collection, or the whole collection."),
    "eval": ("evaluate", "Measure search and reranking on judged questions, and how deep to rerank."),
    "tune": ("tune", "Find the weights, depth and calibration that suit your questions."),
    "train": ("train", "Fine-tune a reranker on judged questions and graded lists, or average several."),
    "optimize": ("collections.optimize", "Rebuild a collection's index."),
    "adopt": ("collections.adopt", "Search a collection that another program made."),
    "move": ("collections.transfer", "Copy collections to or from a Qdrant server."),
    "backup": ("collections.transfer", "Write collections of the data folder to one file."),
    "restore": ("collections.transfer", "Restore the collections of a backup into the data folder."),
    "export": ("collections.json_lines", "Write the documents of a collection as JSON Lines."),
    "import": ("collections.json_lines", "Read a collection from JSON Lines."),
    "token": ("serve", "Make a bearer token for the HTTP server."),
    "status": ("serve", "Show what the running engine is doing: its clients, jobs and collections."),
    "stop": ("serve", "Stop the running engine, and wait until it has ended."),
    "prompts": (
        "serve",
        "List the prompt templates that the language model and MCP clients use, or print one of them.",
    ),
    "clients": ("serve", "Print how to add this installation to MCP clients: Claude, VS Code and Cursor."),
    "demo": ("demo", "Ingest the documentation of Python's standard library and ask it questions, offline."),
    "doctor": ("doctor", "Check settings, data folder, models and the MCP server."),
}
"""By name, the module of a command, and what `resift --help` says about it without importing that module."""


class LazyCommands(TyperGroup):
    """A group whose commands are imported when they are used, so that the others do not slow down a start."""

    def list_commands(self, ctx: Any) -> list[str]:
        """Return the names of the commands, in the order of the help."""
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """Return a command, or None if there is none of that name."""
        if cmd_name not in COMMANDS:
            return None
        command: Any = get_command(import_module(f".{COMMANDS[cmd_name][0]}", __package__).app)
        return getattr(command, "commands", {cmd_name: command})[cmd_name]

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Return the command that the arguments name. The answer to an unknown name is the nearest one."""
        if args and args[0] not in COMMANDS and (near := nearest(args[0], COMMANDS)):
            ctx.fail(f"No such command {args[0]!r}.{near}")
        return super().resolve_command(ctx, args)

    def invoke(self, ctx: Any) -> Any:
        """Run the command that the arguments name. The name that pydantic gives to a refusal says nothing to a user."""
        try:
            return super().invoke(ctx)
        except typer.BadParameter as error:
            error.message = error.message.removeprefix("Value error, ")
            raise

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Write the commands with their one-line help."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in COMMANDS.items()])


def main() -> None:
    """Run the command line.

    Exit codes: 0 success, 1 failure, 2 usage error.
    """
    mask_streams()
    run(sys.argv[1:])


def run(arguments: list[str], **context: Any) -> None:
    """Run a command and raise SystemExit with its exit code. `context` is for Click's context."""
    try:
        app(args=arguments, prog_name="resift", **context)
    except ResiftError as error:
        print_error(error)
        sys.exit(1)


app = typer.Typer(
    name="resift",
    cls=LazyCommands,
    help="Search and rerank your own documents, for LLM agents and for you.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


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
