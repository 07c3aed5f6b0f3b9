"""The first stage: take the texts of a job, fetch its pages, and open and parse its files."""

from collections.abc import Iterator, Set
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import TypeAlias

import anyio
from anyio import to_thread
from anyio.streams.memory import MemoryObjectSendStream

from ...core.values import Document
from ...models.worker_pool import WorkerPool
from ..files.walk import FoundFile
from ..job import Job
from ..report import Failure, Skipped
from ..sources import FileReading, Files
from ..sync.file_plan import SyncPlan
from ..sync.holdings import HeldFile
from ..urls.pages import PageReading
from .streams import map_in_order

BATCH_DOCUMENTS = 64  # texts that are compared and cut at once

URLS_AT_ONCE = 4  # fetched

SMALL_BYTES = 2_000_000  # of larger files, one is parsed at a time: parsed, a file takes many times its size

Item: TypeAlias = Document | Failure | Skipped


@dataclass(frozen=True, slots=True)
class SameFiles:
    """Files that are as they were, by what the collection holds of them."""

    held: list[HeldFile]


Taken: TypeAlias = list[Item] | PageReading | SameFiles | FileReading


class Taker:
    """Takes the items of a job and its pages in their order, and its files in the order of their paths."""

    def __init__(self, job: Job, plan: SyncPlan, workers: WorkerPool, *, at_once: int) -> None:
        """Take a job, and how many files may be open or parsed at once."""
        self._job = job
        self._plan = plan
        self._workers = workers
        self._at_once = at_once
        self._large = anyio.Lock()

    async def run(self, send: MemoryObjectSendStream[Taken]) -> None:
        """Send all that the job consists of."""
        items, ids = iter(self._job.items), set[str]()
        async with send:
            while batch := await self._workers.run(_take, items, BATCH_DOCUMENTS):
                ids |= {item.id for item in batch if isinstance(item, Document)}
                await send.send(batch)
            if self._job.pages is not None:
                await map_in_order(self._job.pages.read, self._job.pages.urls, send, at_once=URLS_AT_ONCE)
            if self._job.files is not None:
                await self._send_files(self._job.files, send, ids)

    async def _send_files(self, files: Files, send: MemoryObjectSendStream[Taken], ids: set[str]) -> None:
        if files.found.failures:
            await send.send(list(files.found.failures))
        same, to_read = await to_thread.run_sync(self._plan.split, ids)
        if same:
            await send.send(SameFiles(same))
        await map_in_order(partial(self._read, files, ids), to_read, send, at_once=self._at_once)

    async def _read(self, files: Files, ids: Set[str], file: FoundFile) -> Taken:
        known = "" if file.path.as_posix() in ids else self._plan.known_content(file)
        read = partial(files.read, file, known=known)
        if file.size <= SMALL_BYTES:
            return await to_thread.run_sync(read)
        async with self._large:
            return await to_thread.run_sync(read)


def _take(items: Iterator[Item], count: int) -> list[Item]:
    return list(islice(items, count))
