"""Ingestion on many machines: Ray's workers take the files between them, and write to the same Qdrant server."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import anyio
from anyio.from_thread import start_blocking_portal

from ..core.errors import InvalidInput
from ..core.extras import require_extra
from ..factories.engine import Services, build_engine
from ..ingest.files.named import roots_of
from ..ingest.files.walk import Found, FoundFile
from ..ingest.job import Job
from ..ingest.report import IngestReport
from ..ingest.sources import Files
from .ingestion import find, ingest

if TYPE_CHECKING:
    from ..settings.load import Settings
    from .requests import IngestRequest

ToRead: TypeAlias = tuple[FoundFile, bool]
"""A file, and whether the caller named it rather than its folder."""


@dataclass(frozen=True, slots=True)
class Division:
    """How the files are divided among the workers of a cluster."""

    files_per_task: int = 500
    """Each task compares its files with the whole collection, so it should have many."""
    cores_per_worker: int = 2
    workers: int = 0
    """0 means as many as the cores of the cluster allow."""


def ingest_with_ray(request: IngestRequest, settings: Settings, division: Division | None = None) -> IngestReport:
    """Take files into a collection on a Qdrant server with Ray's workers, and return what was done.

    Every machine has to see the files under the same absolute paths. Documents, passages and ids are those of
    `Resift.ingest`, which runs here at the end: it prunes, tells which files cannot be read, and takes in what a worker
    that died has left out. The variable RAY_ADDRESS names the cluster; without it Ray is started on this machine.

    Raises:
        MissingExtra: The extra `ray` is not installed.
        InvalidInput: No Qdrant server is configured, or an argument cannot be used.
        StoreError: The server cannot be written.
    """
    require_extra("ray", "Ingestion with Ray")
    if not settings.qdrant_url:
        raise InvalidInput("Ingestion with Ray needs a Qdrant server, since several machines write. Set QDRANT_URL.")
    if request.documents:
        raise InvalidInput("Ingestion with Ray reads files. Pass `paths`, and ingest `documents` without it.")
    request = replace(request, paths=[Path(path).absolute().as_posix() for path in request.path_list])
    to_read = anyio.run(_files_to_read, request, settings)
    done = _run_on_ray(request, settings, to_read, division or Division()) if to_read else Counter[str]()
    last = anyio.run(_ingest_the_rest, request, settings)
    return replace(
        last,
        added=last.added + done["added"],
        updated=last.updated + done["updated"],
        unchanged=last.unchanged - done["added"] - done["updated"],
        passages=last.passages + done["passages"],
        truncated=last.truncated + done["truncated"],
    )


@asynccontextmanager
async def _services(settings: Settings) -> AsyncGenerator[Services]:
    engine = build_engine(settings)
    try:
        yield engine.services
    finally:
        await engine.close()


async def _files_to_read(request: IngestRequest, settings: Settings) -> list[ToRead]:
    """Return the files that may have changed. Makes the collection, so that workers need not do it at the same time."""
    async with _services(settings) as services:
        files = await find(request, services, reads_any_path=True)
        job = Job(request.collection, items=[], total=len(files), files=files)
        return [(file, file.path in files.found.named) for file in await services.ingestor.files_to_read(job)]


async def _ingest_the_rest(request: IngestRequest, settings: Settings) -> IngestReport:
    async with _services(settings) as services:
        return await ingest(request, services, reads_any_path=True)


def _run_on_ray(
    request: IngestRequest, settings: Settings, files: Sequence[ToRead], division: Division
) -> Counter[str]:
    """Ingest the files in tasks, and return the sums of what was counted."""
    ray: Any = import_module("ray")
    data: Any = import_module("ray.data")
    if not ray.is_initialized():
        ray.init(log_to_driver=False)
    cores = int(ray.cluster_resources().get("CPU", 1))
    tasks = -(-len(files) // division.files_per_task)
    workers = min(tasks, division.workers or max(1, cores // division.cores_per_worker))
    rows = [
        {"path": str(file.path), "size": file.size, "at": file.modified_ns, "depth": file.depth, "named": named}
        for file, named in files
    ]
    counted: Any = data.from_items(rows, override_num_blocks=tasks).map_batches(
        RayWorker,
        fn_constructor_args=(request, settings, division.cores_per_worker),
        batch_size=division.files_per_task,
        compute=data.ActorPoolStrategy(size=workers),
        num_cpus=min(cores, division.cores_per_worker),
    )
    return sum(map(Counter[str], counted.take_all()), Counter[str]())


class RayWorker:
    """A worker of Ray: an engine that ingests the files of its tasks, one task at a time."""

    def __init__(self, request: IngestRequest, settings: Settings, cores: int) -> None:
        self._request = request
        self._portal = start_blocking_portal()  # an event loop that lives as long as the worker
        self._call = self._portal.__enter__().call
        self._services = build_engine(settings.model_copy(update={"threads": settings.threads or cores})).services

    def __call__(self, rows: Mapping[str, Any]) -> dict[str, list[int]]:
        """Ingest some files, a column for each of their fields, and return what was counted as one row."""
        columns = [rows[name].tolist() for name in ("path", "size", "at", "depth", "named")]
        files = [
            (FoundFile(Path(path), size=size, modified_ns=at, depth=depth), named)
            for path, size, at, depth, named in zip(*columns, strict=True)
        ]
        report = self._call(self._ingest, files)
        return {name: [getattr(report, name)] for name in ("added", "updated", "passages", "truncated")}

    async def _ingest(self, found: Sequence[ToRead]) -> IngestReport:
        services, request = self._services, self._request
        paths = [file.path for file, _ in found]
        files = Files(
            found=Found(tuple(file for file, _ in found), named=frozenset(file.path for file, named in found if named)),
            folders=(),
            metadata=request.metadata,
            roots=roots_of(paths, own=services.roots.own),
            max_bytes=services.max_file_bytes,
            parse=services.parser.parse,
        )
        job = Job(request.collection, items=[], total=len(files), files=files, metadata=request.metadata)
        return await services.ingestor.ingest(job)
