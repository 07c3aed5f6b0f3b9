"""The part of the command line for whole collections: `resift move | backup | restore | optimize | adopt`."""

from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import Annotated

import anyio
import typer

from ...settings.load import load_settings
from ...store.index_options import Quantization

app = typer.Typer()

Collections = Annotated[
    list[str], typer.Option("--collection", "-c", help="Which collection; may be given several times. Without: all.")
]


@app.command()
def move(
    to: Annotated[str, typer.Option(help="Copy from the data folder to the Qdrant server at this URL.")] = "",
    from_: Annotated[str, typer.Option("--from", help="Copy from the Qdrant server at this URL.")] = "",
    collections: Collections = [],  # noqa: B006
) -> None:
    """Copy collections to or from a Qdrant server; run it again to go on after an interruption."""
    from .move import run_move

    _run(partial(run_move, load_settings(), collections, to=to, from_=from_))


@app.command()
def backup(
    file: Annotated[Path, typer.Argument(help="The file to write.")],
    collections: Collections = [],  # noqa: B006
) -> None:
    """Write collections of the data folder to one file."""
    from .backup import run_backup

    _run(partial(run_backup, load_settings(), file, collections))


@app.command()
def restore(file: Annotated[Path, typer.Argument(help="A file that `resift backup` wrote.")]) -> None:
    """Bring the collections in a backup back into the data folder."""
    from .backup import run_restore

    _run(partial(run_restore, load_settings(), file))


@app.command()
def optimize(
    collection: Annotated[str, typer.Option("--collection", "-c", help="Which collection.")] = "default",
    quantization: Annotated[
        Quantization | None, typer.Option(help="Change over to this way to keep vectors; without, it stays.")
    ] = None,
) -> None:
    """Build a collection's index anew; searches are answered meanwhile."""
    from .optimize import optimize_anew

    _run(partial(optimize_anew, load_settings(), collection, quantization=quantization))


@app.command()
def adopt(
    name: Annotated[str, typer.Argument(help="A collection at the server that Resift did not make.")],
    text: Annotated[
        str, typer.Option("--text-field", help="Where a point's text lies, as in metadata.text; without: a suggestion.")
    ] = "",
    title: Annotated[str, typer.Option("--title-field", help="Where its title lies.")] = "",
    source: Annotated[str, typer.Option("--source-field", help="Where its path or URL lies.")] = "",
    document: Annotated[
        str, typer.Option("--document-field", help="What points of one document share; without: each is one.")
    ] = "",
    order: Annotated[str, typer.Option("--order-field", help="A number that puts a document's points in order.")] = "",
    vector: Annotated[
        str | None, typer.Option(help="The vector of the text, or (unnamed); without: the only one.")
    ] = None,
    keywords: Annotated[str, typer.Option(help="A sparse vector that is BM25's.")] = "",
    model: Annotated[str, typer.Option(help="What made the vectors; refused where it is not the encoder in use.")] = "",
    add_keywords: Annotated[
        bool, typer.Option("--add-keywords", help="Add BM25 vectors to its points; again: to those without.")
    ] = False,
    force: Annotated[
        bool, typer.Option("--force", help="Whatever made the vectors; --add-keywords: to all anew.")
    ] = False,
    forget: Annotated[bool, typer.Option("--forget", help="Let go of it; its points stay.")] = False,
) -> None:
    """Search a collection that something else made; its points are not touched."""
    from .adopt import AdoptRequest, run_adopt

    request = AdoptRequest(
        name,
        text,
        title=title,
        source=source,
        document=document,
        order=order,
        vector=vector,
        keywords=keywords,
        model=model,
        add_keywords=add_keywords,
        force=force,
        forget=forget,
    )
    _run(partial(run_adopt, load_settings(), request))


def _run(command: Callable[[], Awaitable[bool]]) -> None:
    if not anyio.run(command):
        raise typer.Exit(1)
