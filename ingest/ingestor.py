"""Running an ingest job: open the collection, let the stages work, remove what is gone."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial

import anyio
from anyio.streams.memory import MemoryObjectReceiveStream

from ..core.errors import StoreError
from ..models.lazy import Lazy
from ..models.worker_pool import WorkerPool
from ..store.collection import Collection, Store
from ..store.indexing import optimize
from ..store.manifest import Manifest
from ..store.protocols import Entry
from .embed import Embedder
from .files.walk import FoundFile
from .flow.changes import Group
from .flow.comparing import Comparer, Entries
from .flow.cutting import Cutter
from .flow.encoding import Encoded, GroupEncoder
from .flow.storing import Writer
from .flow.streams import running_stages
from .flow.taking import Taken, Taker
from .held_metadata import check_fits
from .job import Job, WriteLocks
from .parsers.registry import installed_parsers
from .parsing import DocumentParser, InlineParser
from .passages.chunker import Chunker
from .report import IngestReport
from .sync.file_plan import SyncPlan, prefixes
from .sync.holdings import Holdings, incomplete
from .sync.pruning import documents_blank, documents_gone, documents_left_out, note_what_stays
from .sync.states import options_hash
from .tally import Tally
from .urls.pages import documents_at

STEP_PASSAGES = 128  # encoded between two reports of progress

MOST_TAKEN = 4  # files, or batches of texts, that wait to be compared

MOST_GROUPS = 1  # groups that wait to be encoded or written


class Ingestor:
    """Writes documents to collections. One job at a time writes to a collection."""

    def __init__(
        self,
        store: Store,
        embedder: Embedder,
        chunker: Lazy[Chunker],
        workers: WorkerPool,
        *,
        manifest: Manifest,
        locks: WriteLocks,
        parser: DocumentParser | None = None,
        step: int = STEP_PASSAGES,
    ) -> None:
        self._store = store
        self.embedder = embedder
        self._chunker = chunker
        self._workers = workers
        self._manifest = manifest
        self._locks = locks
        self._parser = parser or InlineParser()
        self._step = step  # passages encoded between two reports of progress
        self.running: list[Tally] = []
        """The progress of the jobs that are being worked on."""

    async def ingest(self, job: Job) -> IngestReport:
        """Run a job to its end. Documents that fail are in the report; all others are written.

        Raises:
            IncompatibleCollection: The collection was written with other models.
            StoreError: Writing failed. Running the same job again completes it.
        """
        if job.dry_run:
            return await self._plan(job)
        async with self._locks[job.collection]:
            may_drop = not self._store.is_shared and job.collection not in await self._store.names()
            collection = await self._open(job)
            tally = Tally(job)
            self.running.append(tally)
            writer = Writer(collection, tally)
            try:
                report = await self._run(tally, collection, writer=writer)
                if not self._store.is_shared:
                    report += await _optimize_when_due(collection, tally)
            except BaseException:
                # The first error says what happened, and one of the store is its consequence.
                with anyio.CancelScope(shield=True), suppress(StoreError):
                    await self._finish(writer, may_drop=may_drop)
                raise
            finally:
                self.running.remove(tally)
            await self._finish(writer, may_drop=may_drop)
            return report

    async def manifest_of(self, name: str) -> Manifest:
        """Return the manifest of a collection, whatever models it was written with.

        Raises:
            NotFound: There is no such collection.
        """
        return (await self._store.open(name)).manifest

    async def new_manifest(self) -> Manifest:
        """Return the manifest that a new collection would have."""
        return await self.embedder.sized(self._manifest)

    async def files_to_read(self, job: Job) -> list[FoundFile]:
        """Return those files of a job that may have changed since they were read. Makes the collection."""
        collection = await self._open(job)
        plan = self._sync_plan(job, Holdings(await collection.entries()))
        return plan.split(set())[1]

    async def _finish(self, writer: Writer, *, may_drop: bool) -> None:
        """Force what was written to disk. A job without any document leaves no new collection behind."""
        if may_drop and not await writer.collection.count():
            await self._store.drop(writer.collection.name)
        elif writer.has_written:
            await writer.collection.flush()

    async def _open(self, job: Job) -> Collection:
        name, manifest = job.collection, await self.new_manifest()
        collection = await self._store.open(name, create=replace(manifest, evaluation=job.evaluation))
        collection.manifest.check_writable(name)
        collection.manifest.check(name, manifest)
        if not (job.evaluation and job.dry_run):  # an evaluation may look whether what it needs is there
            collection.manifest.check_purpose(name, evaluation=job.evaluation)
        return collection

    async def _plan(self, job: Job) -> IngestReport:
        """Return what `ingest` would report, except for what only encoding tells. Nothing is changed."""
        exists = job.collection in await self._store.names()
        collection = await self._open(job) if exists else None
        return await self._run(Tally(job), collection, writer=None)

    async def _run(self, tally: Tally, collection: Collection | None, *, writer: Writer | None) -> IngestReport:
        """Ingest the items, then remove documents whose files are gone. Without a writer, tell what would be done."""
        job = tally.job
        check_fits(job.metadata, collection.manifest.fields if collection is not None else {})
        await tally.start()
        parsers = await self._workers.run(installed_parsers)  # the first call imports plug-ins
        entries = _entries_of(collection)
        needs_all = job.files is not None or job.prune_below
        held = dict(await entries(None)) if needs_all else {}
        if collection is not None and job.files is not None:
            held |= await incomplete(collection, held, paths={each.path.as_posix() for each in job.files.found.files})
        holdings = Holdings(held)
        plan = self._sync_plan(job, holdings)
        comparer = Comparer(plan, entries, inside=partial(documents_at, collection))
        report = IngestReport(notes=parsers.problems)
        report += await self._run_stages(tally, collection, comparer=comparer, plan=plan, writer=writer)
        gone = documents_gone(plan.not_found(), job.prune_below, seen=comparer.seen)
        gone += documents_blank(holdings, job.prune_below, seen=comparer.seen, skipped=comparer.skipped)
        folders = job.files.folders if job.files is not None and not job.prune_below else ()
        left = documents_gone(plan.not_found(), folders, seen=comparer.seen)
        places = frozenset[str]() if job.files is None else job.files.found.left_out  # a job may have found no files
        left_out, perhaps = documents_left_out(plan.not_found(), places)
        gone += [id_ for id_ in left_out if id_.startswith(prefixes(job.prune_below)) and id_ not in comparer.seen]
        removals = tuple(dict.fromkeys(id_ for id_ in (*plan.torn_and_gone(), *gone) if id_ not in comparer.replaced))
        if writer is not None:
            await writer.remove(removals)
        done = Group(removals=removals)
        kept = await note_what_stays(
            entries, skipped=comparer.skipped, left_out=(*left_out, *perhaps), removed=(*removals, *comparer.seen)
        )
        still_there = len(set(left).difference(removals, comparer.replaced))
        return report + _told(done, job) + IngestReport(gone=still_there, notes=(*comparer.notes(), *kept))

    def _sync_plan(self, job: Job, holdings: Holdings) -> SyncPlan:
        files = job.files
        if files is None:
            return SyncPlan(holdings, (), options=options_hash({}, ""))
        record_fields = self._parser.record_fields
        options = options_hash(files.metadata, self._manifest.chunking, record_fields=record_fields)
        below = files.folders if self._store.is_shared else None
        return SyncPlan(holdings, files.found.files, options=options, below=below)

    async def _run_stages(
        self,
        tally: Tally,
        collection: Collection | None,
        *,
        comparer: Comparer,
        plan: SyncPlan,
        writer: Writer | None,
    ) -> IngestReport:
        """Let the stages work at the same time, with little between them, so that memory does not grow."""
        taken, to_compare = anyio.create_memory_object_stream[Taken](MOST_TAKEN)
        cut, to_encode = anyio.create_memory_object_stream[Group](MOST_GROUPS)
        cutter = Cutter(
            self._chunker,
            self._workers,
            parser=self._parser,
            chunking=self._manifest.chunking,
            collection=collection,
            job=tally.job,
        )
        encoded, to_write = anyio.create_memory_object_stream[Encoded](MOST_GROUPS)
        taker = Taker(tally.job, plan, self._workers, at_once=self._parser.max_workers + 1)
        # A stage closes its own streams, unless the job is cancelled before the stage begins.
        with taken, to_compare, cut, to_encode, encoded, to_write:
            async with running_stages() as stages:
                stages.start_soon(taker.run, taken)
                stages.start_soon(cutter.run, to_compare, cut, comparer, tally)
                if writer is None or collection is None:
                    return await _plan_of(to_encode)
                encoder = GroupEncoder(self.embedder, collection, step=self._step, tally=tally)
                stages.start_soon(encoder.run, to_encode, encoded)
                return await writer.run(to_write)
        raise AssertionError("unreachable")


def _entries_of(collection: Collection | None) -> Entries:
    """Return what looks up documents; nothing is held before there is a collection."""

    async def nothing(_: Sequence[str] | None) -> dict[str, Entry]:
        return {}

    return collection.entries if collection is not None else nothing


def _told(group: Group, job: Job) -> IngestReport:
    return group.plan() if job.dry_run else group.outcome()


async def _plan_of(groups: MemoryObjectReceiveStream[Group]) -> IngestReport:
    """Return what would be done with these groups."""
    report = IngestReport()
    async with groups:
        async for group in groups:
            report += group.plan()
    return report


async def _optimize_when_due(collection: Collection, tally: Tally) -> IngestReport:
    """Build the collection's index when it has grown enough; a failure becomes a note."""
    storage = collection.manifest.storage
    if storage.is_due(await collection.count()):
        try:
            await optimize(collection, storage, on_status=tally.say)
        except StoreError as error:
            return IngestReport(notes=(f"The documents were ingested, but their index could not be built: {error}",))
    return IngestReport()
