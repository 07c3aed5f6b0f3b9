"""`resift move`, `resift backup` and `resift restore`: copies of whole collections."""

from __future__ import annotations

import signal
import sys
from collections.abc import AsyncGenerator, Generator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import anyio
import typer

from ....core.errors import DamagedCollection, InvalidInput, StoreError
from ....core.text import counted, listed
from ..command import CollectionNames, alone
from ..console import HINTS, progress_bar, say, warn

if TYPE_CHECKING:
    from ....ingest.copying import Copied
    from ....settings.load import Settings
    from ....store.collection import Store
    from ....store.edge.store import EdgeStore

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command()
def move(
    to: Annotated[str, typer.Option(help="Copy from the data folder to the Qdrant server at this URL.")] = "",
    from_: Annotated[str, typer.Option("--from", help="Copy from the Qdrant server at this URL.")] = "",
    collections: CollectionNames = [],  # noqa: B006
) -> None:
    """Copy collections to or from a Qdrant server. After an interruption, run it again to continue."""
    from ....settings.load import load_settings

    settings = load_settings()
    with alone(settings, in_data_folder=True):
        anyio.run(copy_collections, settings, collections, to, from_)


async def copy_collections(settings: Settings, names: Sequence[str], to: str, from_: str) -> None:
    """Copy collections to the server at `to`, or from the server at `from_`; without names, all that Resift made.

    Raises:
        InvalidInput: If not exactly one of the two is given.
        NotFound: If a collection does not exist; nothing is copied then.
        StoreError: If a collection is damaged; the others are copied.
    """
    from ....factories.stores import embedded_store, server_store

    if bool(to) == bool(from_):
        raise InvalidInput("Give either --to URL (from the data folder to a server) or --from URL (the other way).")
    server = server_store(settings.model_copy(update={"qdrant_url": to or from_}))
    embedded = embedded_store(settings)
    source, target = (embedded, server) if to else (server, embedded)
    damaged: list[str] = []
    try:
        for name in await _existing(source, names):
            try:
                await _copy(source, target, name, skip_adopted=not names)
            except DamagedCollection as error:  # it does not keep the others from being copied
                damaged.append(name)
                warn(error.text(HINTS))
    finally:
        await server.close()
        await embedded.close()
    if damaged:
        raise StoreError(f"Damaged collections were not copied: {listed(damaged)}. The others were copied.")
    where = f"QDRANT_URL={server.connection.address.shown}" if to else "an empty QDRANT_URL"
    say(f"The originals are unchanged. To use the copies, run Resift with {where}.")


async def _existing(source: Store, names: Sequence[str]) -> Sequence[str]:
    """Return the names, or all names if there are none.

    Raises:
        NotFound: If a collection does not exist.
    """
    from ....store.naming import unknown_collection

    known = await source.names()
    for name in names:
        if name not in known:
            raise unknown_collection(name, known)
    return names or known


async def _copy(source: Store, target: Store, name: str, *, skip_adopted: bool) -> None:
    from ....ingest.copying import copy_collection

    collection = await source.open(name)
    if collection.manifest.adopted is not None and skip_adopted:
        say(f"{name}: skipped, because it was adopted and not made by Resift.")
        return
    with progress_bar(name) as progress:
        copied = await copy_collection(collection, target, progress=progress)
    say(_copied_line(name, copied))


def _copied_line(name: str, copied: Copied) -> str:
    return (
        f"{name}: {counted(copied.documents, 'document')} copied, {copied.unchanged:,} already there; "
        f"{counted(copied.passages, 'passage')} compared on both sides, sha256 {copied.checksum[:16]}"
    )


@app.command()
def backup(
    file: Annotated[Path, typer.Argument(help="The file to write.")],
    collections: CollectionNames = [],  # noqa: B006
) -> None:
    """Write collections of the data folder to one file."""
    from ....settings.load import load_settings

    settings = load_settings()
    with _ending_in_order(), alone(settings, in_data_folder=True):
        anyio.run(_back_up, settings, file, collections)


@contextmanager
def _ending_in_order() -> Generator[None]:
    """Let SIGTERM end the block like an error, so that the unfinished file is removed."""
    before = signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


@asynccontextmanager
async def _data_folder(settings: Settings) -> AsyncGenerator[EdgeStore]:
    """Yield the store of the data folder, and close it at the end.

    Raises:
        InvalidInput: The collections are on a server.
    """
    from ....factories.stores import embedded_store

    _refuse_server(settings)
    store = embedded_store(settings)
    try:
        yield store
    finally:
        await store.close()


async def _back_up(settings: Settings, file: Path, names: Sequence[str]) -> None:
    from ....store.edge.backup import back_up

    async with _data_folder(settings) as store:
        with progress_bar(f"Writing {file}"):
            done = await back_up(store, file, names)
    say(f"{_counts(done.contents.passages)} written to {file}.")
    for error in done.left_out.values():
        warn(error.text(HINTS))
    if done.left_out:
        raise typer.Exit(1)


@app.command()
def restore(
    file: Annotated[Path, typer.Argument(help="A file that `resift backup` wrote.")],
    collections: CollectionNames = [],  # noqa: B006
) -> None:
    """Restore the collections of a backup into the data folder."""
    from ....settings.load import load_settings

    settings = load_settings()
    with alone(settings, in_data_folder=True):
        anyio.run(_restore, settings, file, collections)


async def _restore(settings: Settings, file: Path, names: Sequence[str]) -> None:
    from ....store.edge.backup import restore as restore_backup

    async with _data_folder(settings) as store:
        with progress_bar(f"Restoring {file}"):
            index = await restore_backup(store, file, names)
    say(f"{_counts(index.passages)} restored, as of {_in_utc(index.created)}. The checksum of every file was verified.")


def _refuse_server(settings: Settings) -> None:
    if settings.qdrant_url:
        raise InvalidInput(
            "QDRANT_URL is set, and `resift backup` and `resift restore` work on the data folder only. To back up a "
            "server, use Qdrant's snapshots. To back up the data folder, set QDRANT_URL to an empty value."
        )


def _counts(passages: Mapping[str, int]) -> str:
    return ", ".join(f"{name} ({counted(count, 'passage')})" for name, count in passages.items())


def _in_utc(moment: str) -> str:
    """Return a moment as others are shown, such as 2026-01-01T00:00:00Z."""
    return moment.replace("+00:00", "Z")
