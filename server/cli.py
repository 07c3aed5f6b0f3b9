"""The command line: `resift serve | ingest | search | collections | delete | demo | doctor`."""

import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated

import anyio
import typer

from .. import __version__
from ..core.errors import ResiftError
from ..pipeline.question import Question
from ..search.retrieve import Mode
from .engine import Engine, build_engine
from .settings import Settings, load_settings

app = typer.Typer(
    name="resift",
    help="Search and rerank your own documents, for LLM agents and for you.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

Collection = Annotated[str, typer.Option("--collection", "-c", help="Which collection.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def main() -> None:
    """Run the command line; foreseen failures end with exit code 1 and a message, wrong usage with 2."""
    try:
        app()
    except ResiftError as error:
        print(f"resift: {error}", file=sys.stderr)  # noqa: T201 - the command line's own voice
        sys.exit(1)


def _show_version(value: bool) -> None:
    if value:
        typer.echo(__version__)
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Search and rerank your own documents, for LLM agents and for you."""


@app.command()
def serve() -> None:
    """Serve MCP on stdin and stdout; MCP clients start this."""
    from .assembly import create_server

    create_server(build_engine(load_settings())).run("stdio")


@app.command()
def ingest(
    paths: Annotated[list[Path], typer.Argument(help="Files or folders.", exists=True)],
    collection: Collection = "default",
    glob: Annotated[str, typer.Option(help="Which files in folders.")] = "**/*",
    prune: Annotated[bool, typer.Option(help="Remove documents of these folders whose files are gone.")] = False,
    as_json: AsJson = False,
) -> None:
    """Take files into a collection. Unchanged ones cost nothing; changed ones replace their old version."""
    from .commands import run_ingest

    # What the user names on the command line may be read, whatever the tools may.
    roots = [path.absolute() for path in paths]
    _run(lambda engine: run_ingest(engine, roots, collection, glob=glob, prune=prune, as_json=as_json), roots=roots)


@app.command()
def search(
    query: Annotated[str, typer.Argument(help="What is looked for.")],
    collection: Collection = "default",
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, max=100, help="Most hits to show.")] = 10,
    mode: Annotated[Mode, typer.Option(help="Meaning, words, or both.")] = "hybrid",
    filter_: Annotated[str, typer.Option("--filter", help="""JSON, such as '{"lang": "en"}'.""")] = "{}",
    reranker: Annotated[str, typer.Option(help='"default", "none" or a configured name.')] = "default",
    depth: Annotated[int, typer.Option(min=1, max=200, help="Hits to rerank.")] = 50,
    explain: Annotated[bool, typer.Option("--explain", help="Show both orders, scores, moves and timings.")] = False,
    as_json: AsJson = False,
) -> None:
    """Search a collection and rerank what is found."""
    from .commands import parse_json_object, run_search

    question = Question(
        query,
        collection=collection,
        limit=limit,
        mode=mode,
        filter=parse_json_object(filter_),
        reranker=reranker,
        depth=depth,
    )
    _run(lambda engine: run_search(engine, question, explain=explain, as_json=as_json))


@app.command()
def collections(
    name: Annotated[str, typer.Argument(help="One collection, with its metadata fields; all without.")] = "",
    as_json: AsJson = False,
) -> None:
    """List collections, or show one."""
    from .commands import run_collections

    _run(lambda engine: run_collections(engine, name, as_json=as_json))


@app.command()
def delete(
    collection: Annotated[str, typer.Argument(help="Which collection.")],
    ids: Annotated[list[str], typer.Option("--id", help="A document id; may be given several times.")] = [],  # noqa: B006
    filter_: Annotated[str, typer.Option("--filter", help="""JSON, such as '{"lang": "en"}'.""")] = "{}",
    everything: Annotated[bool, typer.Option("--everything", help="Delete the collection itself.")] = False,
) -> None:
    """Delete documents from a collection, or all of it. Files on disk are not touched."""
    from .commands import parse_json_object, run_delete

    conditions = parse_json_object(filter_)
    _run(lambda engine: run_delete(engine, collection, ids, filter_=conditions, everything=everything))


@app.command()
def demo() -> None:
    """Ingest, search and rerank two real inputs, offline, in a folder that goes away again."""
    from .demo import run_demo

    run_demo(load_settings())


@app.command()
def doctor() -> None:
    """Check settings, data folder, models and the MCP server; exit code 1 when something is wrong."""
    from .doctor import run_doctor

    healthy = anyio.run(run_doctor, load_settings())
    if not healthy:
        raise typer.Exit(1)


def _run(command: Callable[[Engine], Awaitable[bool]], *, roots: list[Path] | None = None) -> None:
    """Run a command on an engine, close it whatever happens, and exit with 1 when the command says it failed."""
    settings = load_settings()
    if not anyio.run(_with_engine, settings, command, roots or []):
        raise typer.Exit(1)


async def _with_engine(settings: Settings, command: Callable[[Engine], Awaitable[bool]], roots: list[Path]) -> bool:
    engine = build_engine(settings, roots=roots)
    try:
        return await command(engine)
    finally:
        await engine.close()
