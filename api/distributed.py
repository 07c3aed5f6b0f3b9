"""Ingestion on many machines: Ray's workers take the files between them, and write to the same Qdrant server."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import anyio
from anyio.from_thread import start_blocking_portal

from ..core.errors import InvalidInput
from ..core.extras import require_extra
from ..factories.engine import Services, build_engine
from ..ingest.files.named import absolute, roots_of
from ..ingest.files.walk import Found, FoundFile
from ..ingest.job import IngestReport, Job
from ..ingest.sources import Files, search_paths
from .resift import Resift

if TYPE_CHECKING:
    from ..settings.load import Settings

COUNTS = ("added", "updated", "passages", "truncated")
"""What workers do, and the last ingestion does not count again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DistributedIngestion:
    """What to ingest, and how it is divided. Every machine finds the files under the same absolute paths."""

    paths: Sequence[str | Path]
    collection: str = "default"
    glob: str = "**/*"
    metadata: Mapping[str, Any]
    prune: bool = False
    files_per_task: int = 500
    """Each task compares its files with the whole collection, so it should have many."""
    workers: int = 0
    """0 means as many as the cores of the cluster allow."""
    cores_per_worker: int = 2


def ingest_distributed(request: DistributedIngestion, settings: Settings) -> IngestReport:
    """Take files into a collection on a Qdrant server with Ray's workers, and return what was done.

    Documents, passages and ids are those of `Resift.ingest`, which this process calls at the end: it prunes, reports
    the files that cannot be read, and takes those in that a worker left out because it died. RAY_ADDRESS names the
    cluster; without it, and without a connection, Ray is started on this machine.

    Raises:
        MissingExtra: The extra `ray` is not installed.
        InvalidInput: No Qdrant server is configured, or an argument cannot be used.
        StoreError: The server cannot be written.
    """
    require_extra("ray", "Ingestion with Ray")
    if not settings.qdrant_url:
        raise InvalidInput("Ingestion with Ray needs a Qdrant server, because many machines write. Set QDRANT_URL.")
    to_read = anyio.run(_files_to_read, request, settings)
    reports = _run_on_ray(request, settings, to_read) if to_read else []
    last = anyio.run(_ingest_the_rest, request, settings)
    done = {name: sum(getattr(report, name) for report in reports) for name in COUNTS}
    known_already = last.unchanged - done["added"] - done["updated"]
    return replace(last, **{name: getattr(last, name) + done[name] for name in COUNTS}, unchanged=known_already)


async def _files_to_read(request: DistributedIngestion, settings: Settings) -> list[tuple[FoundFile, bool]]:
    """Return the files that may have changed, each with whether the caller named it. Makes the collection."""
    async with Resift(settings) as resift:
        services = resift.services
        paths = list(absolute(request.paths, Path.cwd()))
        files = await search_paths(
            paths,
            progress=None,
            glob=request.glob,
            roots=roots_of(paths, own=services.roots.own),
            metadata=request.metadata,
            max_bytes=services.max_file_bytes,
            gitignore=services.gitignore,
        )
        job = Job(request.collection, items=[], total=len(files), files=files)
        to_read = await services.ingestor.files_to_read(job)
        return [(file, file.path in files.found.named) for file in to_read]


async def _ingest_the_rest(request: DistributedIngestion, settings: Settings) -> IngestReport:
    async with Resift(settings) as resift:
        return await resift.ingest(
            list(request.paths),
            collection=request.collection,
            glob=request.glob,
            metadata=dict(request.metadata),
            prune=request.prune,
        )


def _run_on_ray(
    request: DistributedIngestion, settings: Settings, files: Sequence[tuple[FoundFile, bool]]
) -> list[IngestReport]:
    """Return the reports of the tasks."""
    ray: Any = import_module("ray")
    data: Any = import_module("ray.data")
    if not ray.is_initialized():
        ray.init(log_to_driver=False, include_dashboard=False)
    workers = request.workers or max(1, int(ray.cluster_resources().get("CPU", 1)) // request.cores_per_worker)
    rows = [{"path": str(file.path), "size": file.size, "modified_ns": file.modified_ns, "named": named}
            for file, named in files]
    tasks = -(-len(rows) // request.files_per_task)
    done: Any = data.from_items(rows, override_num_blocks=tasks).map_batches(
        Worker,
        fn_constructor_args=(request, settings),
        batch_size=request.files_per_task,
        compute=data.ActorPoolStrategy(size=min(workers, tasks)),
        num_cpus=request.cores_per_worker,
    )
    return [IngestReport(**{name: int(row[name]) for name in COUNTS}) for row in done.take_all()]


class Worker:
    """A worker of Ray: an engine that ingests the files of its tasks. Its methods are called from one thread."""

    def __init__(self, request: DistributedIngestion, settings: Settings) -> None:
        self._request = request
        self._portal = start_blocking_portal()  # an event loop that lives as long as the worker
        self._call = self._portal.__enter__().call
        threads = {"threads": settings.threads or request.cores_per_worker}
        self._services: Services = build_engine(settings.model_copy(update=threads)).services

    def __call__(self, rows: Mapping[str, Any]) -> dict[str, list[int]]:
        """Ingest some files, and return the counts of the report, each in a column of one row."""
        columns = zip(*(rows[name].tolist() for name in ("path", "size", "modified_ns", "named")), strict=True)
        found = [(FoundFile(Path(path), size=size, modified_ns=at), named) for path, size, at, named in columns]
        report = self._call(self._ingest, found)
        return {name: [getattr(report, name)] for name in COUNTS}

    async def _ingest(self, found: Sequence[tuple[FoundFile, bool]]) -> IngestReport:
        services, request = self._services, self._request
        files = Files(
            found=Found(tuple(file for file, _ in found), named=frozenset(file.path for file, named in found if named)),
            folders=(),
            metadata=request.metadata,
            roots=roots_of([file.path for file, _ in found], own=services.roots.own),
            max_bytes=services.max_file_bytes,
        )
        job = Job(request.collection, items=[], total=len(files), files=files, metadata=dict(request.metadata))
        return await services.ingestor.ingest(job)
