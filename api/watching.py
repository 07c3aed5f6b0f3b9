"""Keeping collections in step with folders: ingest them, and again whenever something in them changes."""

import logging
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from copy import copy
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

import anyio
import anyio.lowlevel
from anyio import to_thread

from ..core.errors import Forbidden, NotFound, ResiftError, StoreBusy, StoreUnavailable, Unavailable
from ..core.text import counted
from ..factories.engine import Engine
from ..ingest.files.named import roots_of
from ..ingest.report import IngestReport
from ..ingest.watching.known_failures import KnownFailures
from ..ingest.watching.noticing import Changes, changes
from ..ingest.watching.originals import Originals
from ..ingest.watching.relevance import relevant_changes
from ..ingest.watching.watched import Watched, WatchedFolders
from ..store.protocols import Entry
from .caller import CALLER, Caller, check_rights
from .resift import Resift

MAX_LINES = 20  # on single documents, for one batch of changes

FIRST_RETRY_S, LAST_RETRY_S = 1.0, 60.0

POLL_S = 1.0  # between two looks at which folders are to be watched

EMPTIED = (
    "{folder} has none of the files that were ingested from it, as if its disk were not mounted. Their documents are "
    "kept until one of them is back. `resift ingest --prune` removes them."
)

_TEMPORARY = (StoreBusy, StoreUnavailable, Unavailable)
"""The errors after which a first ingestion is tried again. Others are for the user to correct."""

Tell = Callable[[str], None]
"""Gets a line for the user."""


def _ignore(_: str) -> None:
    """Forget what is told."""


logger = logging.getLogger(__name__)


@dataclass(slots=True, eq=False)
class FolderWatch:
    """Folders that are kept in step with a collection, one ingestion at a time."""

    resift: Resift
    watched: Watched
    tell: Tell
    working: Callable[[], AbstractAsyncContextManager[object]] = nullcontext
    """What each ingestion happens in: it may wait for its turn, and hold the store meanwhile."""
    report: Tell = _ignore
    """Gets what keeps the last ingestion from succeeding, and "" once it succeeds."""
    told: set[str] = field(default_factory=set[str])
    """The failures and notes of the last ingestion, which are told once."""
    absent: frozenset[Path] = frozenset()
    emptied: frozenset[Path] = frozenset()
    originals: Originals = field(default_factory=Originals)
    is_started: bool = False
    """Whether an ingestion has succeeded."""

    def __post_init__(self) -> None:
        """Let files that cannot be parsed wait until they change."""
        engine = self.resift.engine
        parser = KnownFailures(engine.services.parser)
        self.resift = copy(self.resift)
        self.resift.engine = replace(engine, services=replace(engine.services, parser=parser))

    async def run(self) -> None:
        """Ingest the folders, and whatever changes in them, until cancelled."""
        services = self.resift.services
        roots = roots_of(self.watched.folders, own=services.roots.own)
        relevant = partial(
            relevant_changes,
            tops=self.watched.folders,
            glob=self.watched.glob,
            roots=roots,
            gitignore=services.gitignore,
        )
        async for found in changes(self.watched.folders, relevant):
            for folder in found.missing:
                if folder not in self.absent:
                    self.tell(f"{folder} does not exist now. Its documents are kept until it is back.")
            self.absent = frozenset(found.missing)
            if found.folders:
                await self._follow(found)

    async def _follow(self, found: Changes) -> None:
        """Ingest the folders; after an error, again until it succeeds."""
        wait_s, last = FIRST_RETRY_S, ""
        while True:
            try:
                async with self.working():
                    await self._ingest(found)
            except ResiftError as error:
                if not (self.is_started or isinstance(error, _TEMPORARY)):
                    raise
                if str(error) != last:
                    self.tell(f"{error} Trying again.")
                last = str(error)
                self.report(last)
            else:
                self.is_started = True
                self.report("")
                return
            await anyio.sleep(wait_s)
            wait_s = min(2 * wait_s, LAST_RETRY_S)

    async def _ingest(self, found: Changes) -> None:
        ids = [path.as_posix() for path in found.paths] if len(found.paths) <= MAX_LINES else []
        before = await self._entries(ids)
        report = IngestReport()
        emptied = await self._emptied(found.folders)
        for folders, prune in ([each for each in found.folders if each not in emptied], True), (emptied, False):
            if folders:
                report += await self.resift.ingest(
                    folders,
                    collection=self.watched.collection,
                    glob=self.watched.glob,
                    metadata=self.watched.metadata,
                    prune=prune,
                )
        after = await self._entries(ids)
        lines = [line for id_ in ids if (line := self._line(id_, before.get(id_), after.get(id_)))]
        # What happens in a folder at the moment in which it is made is not reported by name.
        changed = report.added + report.updated + report.removed + 2 * report.renamed
        if changed > len(lines) or not self.is_started:
            lines.append(_summary(self.watched.collection, report))
        for line in lines:
            self.tell(line)
        problems = {f"failed: {each.source}: {each.reason}" for each in report.failures} | set(report.notes)
        for problem in sorted(problems - self.told):
            self.tell(problem)
        self.told = problems

    async def _emptied(self, folders: Sequence[Path]) -> list[Path]:
        """Return the folders in whose place another may lie, so that nothing must be removed; tell of each once."""
        if not (unknown := self.originals.unknown(folders)):
            self.emptied = frozenset()
            return []
        held = await self._entries(None)
        emptied = await to_thread.run_sync(self.originals.emptied, unknown, held.values())
        for folder in emptied:
            if folder not in self.emptied:
                self.tell(EMPTIED.format(folder=folder))
        self.emptied = frozenset(emptied)
        return emptied

    async def _entries(self, ids: Sequence[str] | None) -> Mapping[str, Entry]:
        """Return what is stored of some documents, or of all."""
        if ids is not None and not ids:
            return {}
        async with self.resift.engine.gate.shared():
            try:
                collection = await self.resift.services.store.open(self.watched.collection)
                return await collection.entries(ids)
            except NotFound:
                return {}

    def _line(self, id_: str, before: Entry | None, after: Entry | None) -> str:
        """Return what happened to a document, or "" if nothing did."""
        if (before and before.digest) == (after and after.digest):
            return ""
        path = Path(id_)
        top = next(folder for folder in self.watched.folders if path.is_relative_to(folder))
        name = path.relative_to(top.parent).as_posix()
        if after is None:
            return f"{name} removed"
        return f"{name} {'updated' if before else 'added'} ({counted(after.passages, 'passage')})"


def _summary(collection: str, report: IngestReport) -> str:
    """Return the counts of what changed as a line."""
    names = ("added", "updated", "renamed", "removed")
    counts = [f"{count:,} {name}" for name in names if (count := getattr(report, name))]
    return f"{collection}: {', '.join([*counts, f'{report.unchanged:,} unchanged'])}"


async def watch_registered(engine: Engine, watched: WatchedFolders) -> None:
    """Watch the folders that are remembered, and look now and then for which these are, until cancelled."""
    CALLER.set(Caller(name="watch", reads_any_path=True))
    running: dict[str, anyio.CancelScope] = {}
    working = anyio.Lock()
    async with anyio.create_task_group() as group:
        while True:
            rows = {row.key: row for row in watched.read() if _is_allowed(engine, watched, row)}
            for key in running.keys() - rows.keys():
                running.pop(key).cancel()
            for key in rows.keys() - running.keys():
                running[key] = anyio.CancelScope()
                registration = Registration(engine, watched, row=rows[key], working=working)
                group.start_soon(_watch_row, registration, running)
            await anyio.sleep(POLL_S)


def _is_allowed(engine: Engine, watched: WatchedFolders, row: Watched) -> bool:
    """Return whether the settings allow to watch folders; log once why they do not."""
    try:
        check_rights(engine.settings, row.folders, what=f"Watching for {row.collection!r}")
    except Forbidden as error:
        if watched.problem(row) != str(error):
            logger.warning("%s", error)
        watched.report(row, str(error))
        return False
    return True


@dataclass(frozen=True, slots=True)
class Registration:
    """One row of what is remembered, and the lock of the ingestions of all rows."""

    engine: Engine
    watched: WatchedFolders
    row: Watched
    working: anyio.Lock

    async def is_deleted(self) -> bool:
        """Return whether the collection was deleted. Then it is not watched any more, rather than filled again."""
        async with self.engine.gate.shared():
            if self.row.collection in await self.engine.services.store.names():
                return False
        self.watched.remove(collection=self.row.collection)
        return True

    async def watch(self, scope: anyio.CancelScope) -> None:
        """Watch until cancelled, also after errors, which are reported. The scope is cancelled with the collection."""

        @asynccontextmanager
        async def working() -> AsyncGenerator[None]:
            async with self.working:
                if await self.is_deleted():
                    scope.cancel()
                    await anyio.lowlevel.checkpoint()
                yield

        report = partial(self.watched.report, self.row)
        wait_s = FIRST_RETRY_S
        while True:
            watch = FolderWatch(Resift(engine=self.engine), self.row, tell=logger.info, working=working, report=report)
            try:
                await watch.run()
            except Exception as error:  # noqa: BLE001 - in a background task no failure may end the engine
                self._report(error)
            wait_s = FIRST_RETRY_S if watch.is_started else min(2 * wait_s, LAST_RETRY_S)
            await anyio.sleep(wait_s)

    def _report(self, error: Exception) -> None:
        problem = str(error) or type(error).__name__
        if problem != self.watched.problem(self.row):
            expected = isinstance(error, ResiftError)
            logger.error("Watching %s failed: %s", self.row.folders, problem, exc_info=None if expected else error)
        self.watched.report(self.row, problem)


async def _watch_row(registration: Registration, running: dict[str, anyio.CancelScope]) -> None:
    """Watch until the scope of the row is cancelled. If the row comes back, it is watched again."""
    row = registration.row
    scope = running[row.key]
    logger.info("Watching %s for %r", ", ".join(map(str, row.folders)), row.collection)
    with scope:
        await registration.watch(scope)
    if running.get(row.key) is scope:
        del running[row.key]
        registration.watched.report(row, "")
