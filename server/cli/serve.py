"""`resift serve` and what belongs to it: the running engine, tokens of the HTTP server, and prompt templates."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import anyio
import typer

from ...core.errors import InvalidInput, NotFound, nearest
from ..terminal import current_folder
from .command import AsJson
from .console import note, print_json, say, stdout

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ...settings.serving import TokenRow

TOKENS_SETTING = "RESIFT_HTTP__TOKENS"

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command()
def serve(
    in_process: Annotated[
        bool, typer.Option("--in-process", help="Serve one client in this process, without an engine for all clients.")
    ] = False,
    over_http: Annotated[bool, typer.Option("--http", help="Serve MCP over HTTP instead. See docs/http.md.")] = False,
    host: Annotated[str, typer.Option(help="The address to listen on. Default: RESIFT_HTTP__HOST.")] = "",
    port: Annotated[
        int | None, typer.Option(help="The port to listen on. Default: RESIFT_HTTP__PORT.", min=0, max=65535)
    ] = None,
    workers: Annotated[
        int | None,
        typer.Option(help="How many processes serve HTTP; more than one needs QDRANT_URL. Default: 1.", min=1),
    ] = None,
) -> None:
    """Serve MCP on stdin and stdout. MCP clients run this command."""
    from ...settings.load import load_settings

    settings = load_settings()
    if over_http and in_process:
        raise typer.BadParameter("Give --http or --in-process, not both.")
    given = [
        name for name, value in (("--host", host), ("--port", port), ("--workers", workers)) if value not in ("", None)
    ]
    if given and not over_http:
        raise typer.BadParameter(f"{given[0]} is for a server over HTTP: add --http, or leave it out.")
    if over_http and workers and workers > 1:
        from ..http.listening import at_address
        from ..http.workers import serve_with_workers

        serve_with_workers(at_address(settings, host=host, port=port), workers=workers, announce=note)
        return
    if over_http:
        from ..engine.foreground import serve_in_foreground
        from ..http.listening import at_address

        serve_in_foreground(at_address(settings, host=host, port=port), announce=note)
        return
    from ..relay.pump import relay, tell_user

    if not in_process:
        raise typer.Exit(relay())
    from ...factories.engine import build_engine
    from ..mcp.stdio import serve_stdio

    tell_user()
    anyio.run(serve_stdio, build_engine(settings))


@app.command()
def status(as_json: AsJson = False) -> None:
    """Show what the running engine is doing: its clients, jobs and collections. The exit code is 1 if none runs."""
    from ..relay import control

    raise typer.Exit(control.status(as_json=as_json))


@app.command()
def stop(
    now: Annotated[
        bool,
        typer.Option("--now", help="Do not wait for maintenance, such as a backup; until it ends, calls are refused."),
    ] = False,
) -> None:
    """Stop the running engine, and wait until it has ended. Maintenance and calls in flight are finished first."""
    from ..relay import control

    raise typer.Exit(control.stop(now=now))


@app.command()
def clients(
    documents: Annotated[
        Path | None,
        typer.Argument(
            help="The folder of documents that Resift may read. Default: the working directory, and for Claude Code "
            "and VS Code the folder of each project."
        ),
    ] = None,
) -> None:
    """Print how to add this installation to MCP clients: Claude, VS Code and Cursor."""
    from ..clients import command, how_to_add

    folder = (current_folder() / (documents or "")).absolute()
    if folder.is_file():
        raise typer.BadParameter(f"{str(documents)!r} is a file. Name the folder that it is in.")
    if not folder.is_dir():
        from ...ingest.files.roots import nearest_path

        near = nearest_path(documents or folder, folder, only_folders=True)
        raise typer.BadParameter(f"There is no folder {str(documents)!r}.{near}")
    stdout().out(how_to_add(command(), folder, everywhere=documents is not None), highlight=False)


@app.command()
def token(
    name: Annotated[str, typer.Argument(help="Whom or what the token is for. Logs and metrics show the name.")],
    read_only: Annotated[bool, typer.Option("--read-only", help="Only search and read.")] = False,
    collection: Annotated[
        list[str],
        typer.Option("--collection", "-c", help="A collection that the token is for; can be given several times."),
    ] = [],  # noqa: B006 - typer copies it
    expires: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="The last day on which it is accepted, in UTC.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Make a bearer token for the HTTP server. It is shown once; the settings keep only its hash."""
    from ...settings.load import load_settings
    from ...settings.serving import MOST_NAME_CHARACTERS
    from ..http.bearer import new_token

    if not name.strip() or len(name) > MOST_NAME_CHARACTERS:
        raise typer.BadParameter(f"{name!r} is not a name of 1 to {MOST_NAME_CHARACTERS} characters.")
    _check_collections(collection)
    last_day = None if expires is None else expires.date()
    if last_day and last_day < datetime.now(UTC).date():
        raise typer.BadParameter(f"{last_day} is past. Give the last day on which the token is to be accepted.")
    rows = load_settings().http.tokens
    if name in {row.name for row in rows}:
        raise InvalidInput(
            f"There is already a token named {name!r}. Choose another name, or delete its row from {TOKENS_SETTING} "
            "to replace it."
        )
    made = new_token(name, write=not read_only, collections=collection, expires=last_day)
    if as_json:
        print_json({"token": made.token, "row": _shown(made.row)})
        return
    say(made.token)
    note(
        "This is the token. It is not shown again: clients send it as `Authorization: Bearer TOKEN`.\n"
        "Put this, which holds the tokens so far and the new one, into the settings before you make the next one, and "
        "start the server again:\n"
    )
    note(f"{TOKENS_SETTING}='{_as_json([*rows, made.row])}'")


@app.command()
def prompts(
    name: Annotated[str, typer.Argument(help="The template to print. Without a name, all templates are listed.")] = "",
    query: Annotated[str, typer.Option(help="Fill in the template with this question.")] = "",
    instruction: Annotated[str, typer.Option(help="Fill in this instruction.")] = "",
    as_json: AsJson = False,
) -> None:
    """List the prompt templates that the language model and MCP clients use, or print one of them."""
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


def _check_collections(names: Sequence[str]) -> None:
    from ...store.naming import check_name

    if "*" in names:
        raise typer.BadParameter("'*' is not the name of a collection. For all collections, leave --collection out.")
    for each in names:
        check_name(each)


def _as_json(rows: Sequence[TokenRow]) -> str:
    from pydantic_core import to_json

    return to_json([_shown(row) for row in rows]).decode().replace("'", "\\u0027")


def _shown(row: TokenRow) -> dict[str, object]:
    return row.model_dump(mode="json", exclude_defaults=True)
