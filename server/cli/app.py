"""The command line: `resift serve | ingest | search | collections | delete | ...`; `resift --help` has them all."""

import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated

import anyio
import typer

from ... import __version__
from ...core.errors import ResiftError
from ...factories.engine import Engine, build_engine
from ...pipeline.question import Question
from ...search.legs import Mode
from ...settings.load import Settings, load_settings
from .prompts_command import app as prompts_app
from .store_commands import app as store_app
from .train_command import app as train_app

app = typer.Typer(
    name="resift",
    help="Search and rerank your own documents, for LLM agents and for you.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

Collection = Annotated[str, typer.Option("--collection", "-c", help="Which collection.")]

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
for part in (store_app, prompts_app, train_app):
    app.add_typer(part)


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
    from ..mcp import create_server

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
    query: Annotated[str, typer.Argument(help="What is looked for; may be empty with --like.")] = "",
    collection: Collection = "default",
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, max=100, help="Most hits to show.")] = 10,
    mode: Annotated[Mode, typer.Option(help="Meaning, words, or both.")] = "hybrid",
    filter_: Annotated[str, typer.Option("--filter", help="""JSON, such as '{"lang": "en"}'.""")] = "{}",
    reranker: Annotated[str, typer.Option(help='"default", "none" or a configured name.')] = "default",
    instruction: Annotated[str, typer.Option(help='What counts as relevant, such as "prefer recent".')] = "",
    depth: Annotated[
        int, typer.Option(min=0, max=200, help="Hits to rerank; 0: while it pays, up to 50 or as tuned.")
    ] = 0,
    queries: Annotated[
        list[str], typer.Option("--also", help="Another phrasing of it; may be given several times.")
    ] = [],  # noqa: B006
    fields: Annotated[str, typer.Option(help="""Weights of dense vectors: '{"title": 0.6, "text": 0.4}'.""")] = "{}",
    like: Annotated[list[str], typer.Option(help="A passage id from a hit: more like it.")] = [],  # noqa: B006
    unlike: Annotated[list[str], typer.Option(help="A passage id from a hit: less like it.")] = [],  # noqa: B006
    diversity: Annotated[float, typer.Option(min=0, max=1, help="0: the best hits; 1: the most diverse ones.")] = 0,
    recency: Annotated[str, typer.Option(help="""Newer first: '{"field": "date", "half_life_days": 30}'.""")] = "{}",
    boost: Annotated[str, typer.Option(help="""Factors 0-2: '{"kind": {"docs": 1.5, "chat": 0.5}}'.""")] = "{}",
    per_document: Annotated[int, typer.Option(min=0, max=100, help="Most hits of one document; 0: any.")] = 0,
    explain: Annotated[bool, typer.Option("--explain", help="Show both orders, scores, moves and timings.")] = False,
    as_json: AsJson = False,
) -> None:
    """Search a collection and rerank what is found."""
    from .commands import parse_json_object, run_search

    if not (query or like):
        raise typer.BadParameter("Give a question, or --like.")
    question = Question(
        query,
        collection=collection,
        limit=limit,
        mode=mode,
        filter=parse_json_object(filter_),
        per_document=per_document,
        queries=queries,
        fields=parse_json_object(fields, "--fields"),
        like=like,
        unlike=unlike,
        diversity=diversity,
        recency=parse_json_object(recency, "--recency"),
        boost=parse_json_object(boost, "--boost"),
        reranker=reranker,
        instruction=instruction,
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


@app.command("eval")
def evaluate(
    data: Annotated[Path, typer.Argument(help="A folder in BEIR form, or a .jsonl file of {query, relevant ids}.")],
    collection: Annotated[
        str, typer.Option("--collection", "-c", help='What a file is asked of, by default "default".')
    ] = "",
    split: Annotated[str, typer.Option(help="Of a folder: test, or the only one.")] = "",
    queries: Annotated[int, typer.Option(min=0, help="Draw so many queries; 0: all, with --make 30.")] = 0,
    depth: Annotated[
        int, typer.Option(min=0, max=200, help="Documents to rerank, each at its best passage; 0: as tuned, or 50.")
    ] = 0,
    depths: Annotated[str, typer.Option(help="Depths to compare, in documents.")] = "10,20,30,50,100,200",
    reranker: Annotated[str, typer.Option(help='"default" or a configured name.')] = "default",
    store: Annotated[
        Path | None, typer.Option(help="Where a folder's documents are indexed; by default the user's cache.")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Folder for the reports; by default eval-NAME here.")] = None,
    seed: Annotated[int, typer.Option(help="Of everything drawn by chance.")] = 0,
    make: Annotated[bool, typer.Option("--make", help="Write DATA: questions to judge, from a collection.")] = False,
) -> None:
    """Measure how well search and reranking do on judged questions, and how deep to rerank."""
    from ...evaluation.systems import EvaluationTarget
    from . import evaluate as work

    work.refuse_unused(data, collection=collection, split=split, store=store, make=make)
    asked = EvaluationTarget(collection or "default", reranker, depth)
    request = work.EvaluateRequest(
        data, asked, depths=work.parse_depths(depths), split=split, queries=queries, seed=seed, out=out
    )
    if make:
        _run(lambda engine: work.run_make(engine, request))
        return
    task = work.read_task(request)
    _run(lambda engine: work.run_evaluation(engine, task), settings=work.settings_for(data, store))


@app.command()
def tune(
    data: Annotated[
        Path | None, typer.Option(exists=True, help="Judged questions: a folder in BEIR form, or a list.")
    ] = None,
    collection: Collection = "default",
    reranker: Annotated[str, typer.Option(help='"default" or a configured name.')] = "default",
    split: Annotated[str, typer.Option(help="Which judgements of a folder; train, where there are such.")] = "",
    questions: Annotated[int, typer.Option(min=0, help="Most questions to ask; 0: all.")] = 300,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show the gain, write nothing.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Write even where the gain may be chance.")] = False,
    reset: Annotated[bool, typer.Option("--reset", help="Forget what was tuned for the collection.")] = False,
    feedback: Annotated[bool, typer.Option("--feedback", help="Learn from what record_feedback kept.")] = False,
    position_bias: Annotated[
        float,
        typer.Option(min=0, max=2, help="With --feedback: a hit at rank r is looked at with probability 1/r^bias."),
    ] = 1.0,
    memory: Annotated[bool, typer.Option("--memory", help="Compare ways to keep vectors, without questions.")] = False,
    apply: Annotated[bool, typer.Option("--apply", help="With --memory: change over to what is recommended.")] = False,
) -> None:
    """Find the weights, depth and calibration that suit your questions, and keep them with the collection."""
    from .optimize import run_memory
    from .tune import TuneRequest, run_reset, run_tune

    if [data is not None, reset, memory, feedback].count(True) != 1 or (apply and not memory):
        raise typer.BadParameter("Give --data, --feedback, --memory or --reset; --apply goes with --memory.")
    if memory:
        return _run(lambda engine: run_memory(engine, collection, apply=apply))
    if reset:
        return _run(lambda engine: run_reset(engine, collection))
    request = TuneRequest(
        data,
        collection,
        reranker=reranker,
        split=split,
        questions=questions,
        dry_run=dry_run,
        force=force,
        position_bias=position_bias,
    )
    return _run(lambda engine: run_tune(engine, request))


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


def _run(
    command: Callable[[Engine], Awaitable[bool]], *, roots: list[Path] | None = None, settings: Settings | None = None
) -> None:
    """Run a command on an engine, close it whatever happens, and exit with 1 when the command says it failed."""
    if not anyio.run(_with_engine, settings or load_settings(), command, roots or []):
        raise typer.Exit(1)


async def _with_engine(settings: Settings, command: Callable[[Engine], Awaitable[bool]], roots: list[Path]) -> bool:
    engine = build_engine(settings, roots=roots)
    try:
        return await command(engine)
    finally:
        await engine.close()
