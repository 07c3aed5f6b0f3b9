"""`resift watch`: keep a collection in step with folders, and list or forget those that the engine watches."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import anyio
import typer
from anyio import from_thread, to_thread

from ....core.errors import InvalidInput
from ...relay.control import folder_line
from ...terminal import current_folder
from ..command import ENGINE, CollectionName, alone
from ..console import note, say

if TYPE_CHECKING:
    from ....factories.engine import Engine
    from ....ingest.watching.watched import Watched, WatchedFolders
    from ....settings.load import Settings

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command()
def watch(
    paths: Annotated[list[str], typer.Argument(help="Folders.")] = [],  # noqa: B006
    collection: CollectionName = "default",
    glob: Annotated[str, typer.Option(help="Which files to read in the folders.")] = "**/*",
    list_: Annotated[bool, typer.Option("--list", help="List the folders that the engine watches.")] = False,
    stop: Annotated[bool, typer.Option("--stop", help="Stop watching these folders in the engine.")] = False,
) -> None:
    """Keep a collection in step with folders, until Ctrl-C: saved files are found, deleted ones are gone.

    The engine does the same by itself for all folders that are ingested, if RESIFT_SERVE__WATCH is true.
    """
    if list_:
        _list(registry())
    elif not paths:
        raise typer.BadParameter("Name the folders to watch.")
    elif stop:
        _stop(paths, collection)
    else:
        _watch(_watched(paths, collection, glob))


def _watched(paths: Sequence[str], collection: str, glob: str) -> Watched:
    from ....ingest.files.glob import Glob
    from ....ingest.watching.watched import Watched
    from ....store.naming import check_name

    check_name(collection)
    return Watched(collection, tuple(map(_folder, paths)), glob=Glob.of(glob).text)


def _folder(path: str) -> Path:
    folder = _resolved(path)
    if not folder.is_dir():
        raise typer.BadParameter(f"{path!r} is not a folder. Name the folder that holds it, with --glob for its files.")
    return folder


def _resolved(path: str) -> Path:
    return (current_folder() / Path(path).expanduser()).resolve()


def _watch(watched: Watched) -> None:
    from ....api.resift import Resift
    from ....api.watching import FolderWatch
    from ....settings.load import load_settings

    if (engine := ENGINE.get()) is not None:
        from_thread.run(FolderWatch(Resift(engine=engine), watched, tell=note, report=_saying_once(watched)).run)
        return
    settings = load_settings()
    anyio.run(_watch_here, settings, watched)


async def _watch_here(settings: Settings, watched: Watched) -> None:
    """Watch in this process, which has the store only while it ingests, so that an engine can start meanwhile."""
    from ....api.resift import Resift
    from ....api.watching import FolderWatch
    from ...output import log_to_stderr

    async with Resift(settings) as resift:
        log_to_stderr(settings.log_level)

        @asynccontextmanager
        async def working() -> AsyncGenerator[None]:
            held = alone(settings)
            await to_thread.run_sync(held.__enter__)
            try:
                yield
            finally:
                with anyio.CancelScope(shield=True):
                    await resift.engine.services.store.close()  # it is opened again when it is used next
                    held.__exit__(None, None, None)

        await FolderWatch(resift, watched, tell=note, working=working, report=_saying_once(watched)).run()


def _saying_once(watched: Watched) -> Callable[[str], None]:
    """Return a function that takes the problem of each ingestion, and says once, after one without, what is watched."""
    unsaid = [f"Watching {', '.join(map(str, watched.folders))}. Ctrl-C ends it."]

    def report(problem: str) -> None:
        if not problem and unsaid:
            note(unsaid.pop())

    return report


def registry() -> WatchedFolders:
    """Return what the engine watches: the file may be read and changed beside it."""
    from ....ingest.watching.watched import WatchedFolders
    from ....settings.load import load_settings

    engine: Engine | None = ENGINE.get()
    return engine.services.watched if engine else WatchedFolders(load_settings().data_dir)


def folder_lines(watched: WatchedFolders, collection: str = "") -> list[str]:
    """Return a line for each folder that is watched, with its collection, glob, and what keeps it from being followed.

    Without a collection, the folders of all are listed.
    """
    return [
        folder_line(row.collection, str(folder), glob=row.glob, problem=watched.problem(row))
        for row in watched.read()
        if collection in ("", row.collection)
        for folder in row.folders
    ]


def _list(watched: WatchedFolders) -> None:
    lines = folder_lines(watched)
    for line in lines:
        say(line)
    if not lines:
        say("The engine watches no folders. It remembers those that are ingested while RESIFT_SERVE__WATCH is true.")


def _stop(paths: Sequence[str], collection: str) -> None:
    folders = [_resolved(path) for path in paths]
    forgotten = registry().remove(folders=folders, collection=collection)
    names = [folder for row in forgotten for folder in row.folders if folder in folders]
    if not names:
        raise InvalidInput(f"{', '.join(paths)} is not watched for {collection!r}. Run `resift watch --list`.")
    for folder in names:
        say(f"{collection}: {folder} is not watched any more. Its documents are kept.")
