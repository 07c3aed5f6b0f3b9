"""`resift export` and `resift import`: collections as JSON Lines, for other programs and other encoders."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Generator, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, BinaryIO

import typer

from ....core.errors import InvalidInput
from ....core.private_files import open_new
from ....core.text import counted
from ..command import run_on_engine
from ..console import note, progress_bar, say

if TYPE_CHECKING:
    from ....factories.engine import Engine
    from ....ingest.portable.exporting import ExportedCounts
    from ....ingest.portable.importing import Imported

GZIP = b"\x1f\x8b"  # how a backup begins

STREAM = "-"
"""Stands for stdin and stdout."""

MAX_LINE_BYTES = 500_000_000

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command(name="export")
def export(
    collection: Annotated[str, typer.Argument(help="The collection to write.")],
    file: Annotated[str, typer.Argument(help="The file to write; - for stdout.")],
) -> None:
    """Write the documents of a collection as JSON Lines: text, metadata and provenance, without vectors."""
    exported = run_on_engine(lambda engine: _export(engine, collection, file))
    told = f"{counted(exported.documents, 'document')}, {counted(exported.passages, 'passage')}"
    (note if file == STREAM else say)(f"{collection}: {told} written to {'stdout' if file == STREAM else file}.")


@app.command(name="import")
def import_(
    file: Annotated[str, typer.Argument(help="A file that `resift export` wrote; - for stdin.")],
    collection: Annotated[str, typer.Option("--collection", "-c", help="Default: the name it had.")] = "",
) -> None:
    """Read a collection from JSON Lines, and encode its passages. After an interruption, run it again to continue."""
    imported = run_on_engine(lambda engine: _import(engine, file, collection))
    say(
        f"{imported.collection}: {counted(imported.documents, 'document')} imported, {imported.unchanged:,} already "
        f"there; {counted(imported.passages, 'passage')} encoded."
    )
    if imported.truncated:
        say(f"{counted(imported.truncated, 'passage')} exceeded the encoder's window; only the beginning was encoded.")


async def _export(engine: Engine, collection: str, file: str) -> ExportedCounts:
    from ....ingest.portable.exporting import export_collection

    opened = await engine.services.store.open(collection)
    with _written(file) as stream, progress_bar(f"Exporting {collection}") as progress:
        return await export_collection(opened, stream.write, locks=engine.services.locks, progress=progress)


async def _import(engine: Engine, file: str, collection: str) -> Imported:
    from ....ingest.portable.importing import Importer, LineSource

    services = engine.services
    importer = Importer(services.store, services.ingestor.embedder, services.pipeline.manifest, locks=services.locks)
    with _read(file) as stream, progress_bar(f"Importing {file}") as progress:
        source = LineSource("stdin" if file == STREAM else file, _lines(stream))
        return await importer.run(source, name=collection, progress=progress)


@contextmanager
def _written(file: str) -> Generator[BinaryIO]:
    """Yield a file that takes the place of an old one only when it is complete, or stdout.

    Raises:
        InvalidInput: The file cannot be written.
    """
    if file == STREAM:
        with _until_nobody_reads():
            yield sys.stdout.buffer
            sys.stdout.buffer.flush()
        return
    path, part = Path(file), Path(f"{file}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with open_new(part) as stream:
                if path.exists():
                    shutil.copymode(path, part)  # whoever gave the old one to others gives them the new one
                yield stream
                stream.flush()
                os.fsync(stream.fileno())
            part.replace(path)
        finally:
            with suppress(OSError):
                part.unlink(missing_ok=True)
    except OSError as error:
        raise InvalidInput(f"{file} cannot be written: {error.strerror or error}. Choose another place.") from error


@contextmanager
def _until_nobody_reads() -> Generator[None]:
    """End the command without a word when the reader of stdout goes away, as `head` does."""
    try:
        yield
    except BrokenPipeError:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)
        raise typer.Exit(1) from None


@contextmanager
def _read(file: str) -> Generator[BinaryIO]:
    if file == STREAM:
        yield sys.stdin.buffer
        return
    try:
        stream = Path(file).open("rb")  # noqa: SIM115 - closed below; only opening it is told as an error
    except OSError as error:
        raise InvalidInput(f"{file} cannot be read: {error.strerror or error}. Check its name.") from error
    with stream:
        if stream.peek(len(GZIP)).startswith(GZIP):
            raise InvalidInput(
                f"{file} is compressed. If `resift backup` wrote it, use `resift restore`; unpack an export first."
            )
        yield stream


def _lines(stream: BinaryIO) -> Iterator[bytes]:
    while line := stream.readline(MAX_LINE_BYTES + 1):
        if len(line) > MAX_LINE_BYTES:
            raise InvalidInput(
                f"A line has more than {MAX_LINE_BYTES:,} bytes. Was the file written by `resift export`?"
            )
        yield line
