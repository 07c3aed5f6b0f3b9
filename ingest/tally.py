"""The progress of an ingest job, counted in passages, which take the time, and in documents."""

import time
from dataclasses import dataclass, field

from ..core.text import counted
from .job import Job


@dataclass(slots=True, eq=False)
class Tally:
    """Counts what a job has done and reports it to its progress function, in whole numbers that only rise.

    Each document and each passage counts as one. The passages of documents that are not read yet are
    estimated from those that are.
    """

    job: Job
    documents: int = 0
    passages: int = 0
    """Encoded."""
    cut_documents: int = 0
    cut_passages: int = 0
    """The passages to encode of the documents that were read and compared."""
    status: str = ""
    """What was reported last."""
    since: float = field(default_factory=time.monotonic)

    async def start(self) -> None:
        """Report that the job has begun."""
        await self._tell(f"Reading {counted(self.job.total, 'document')}")

    async def cut(self, *, documents: int, passages: int) -> None:
        """Add documents that were read and compared, and their passages to encode: none if nothing changed."""
        self.cut_documents += documents
        self.cut_passages += passages
        await self._tell_counts()

    async def encoded(self, passages: int) -> None:
        """Add passages that were encoded."""
        self.passages += passages
        await self._tell_counts()

    async def finished(self, documents: int) -> None:
        """Add documents that were written, found unchanged, skipped or failed."""
        self.documents += documents
        await self._tell_counts()

    async def say(self, message: str) -> None:
        """Report another activity, such as building the index."""
        await self._tell(message)

    @property
    def all_passages(self) -> int:
        """Return how many passages there are to encode, some of them estimated."""
        rest = max(0, self.job.total - self.cut_documents)
        mean = self.cut_passages / self.cut_documents if self.cut_documents else 0.0
        return self.cut_passages + round(rest * mean)

    async def _tell_counts(self) -> None:
        documents = f"{self.documents:,} of {counted(self.job.total, 'document')}"
        if not self.cut_passages:
            await self._tell(f"Comparing {documents}")
            return
        about = "about " if self.cut_documents < self.job.total else ""
        passages = counted(self.all_passages, "passage")
        await self._tell(f"Embedding {self.passages:,} of {about}{passages}, {documents}")

    async def _tell(self, message: str) -> None:
        self.status = message
        if self.job.progress is not None:
            await self.job.progress(self.documents + self.passages, self.job.total + self.all_passages, message)
