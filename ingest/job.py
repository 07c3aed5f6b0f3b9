"""What ingestion did: the counts of documents, and every source that failed with its reason."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from ..core.values import Document


@dataclass(frozen=True, slots=True)
class Failure:
    """A source that was not ingested; `reason` is a sentence for the caller."""

    source: str
    reason: str


@dataclass(frozen=True, slots=True)
class IngestReport:
    """Documents by outcome, the passages written, and the failures."""

    added: int = 0
    updated: int = 0
    unchanged: int = 0
    removed: int = 0
    passages: int = 0
    truncated: int = 0
    """Passages longer than the encoder's window."""
    failures: tuple[Failure, ...] = ()
    notes: tuple[str, ...] = ()
    """Sentences on what else did not go as wished; the documents are in."""


Progress: TypeAlias = Callable[[float, int, str], Awaitable[None]]
"""Called with documents done, begun ones in part, documents in all, and a message."""


@dataclass(frozen=True, slots=True)
class Job:
    """What to ingest. Items are documents, or failures of those that could not be read; `total` counts both."""

    collection: str
    items: Iterable[Document | Failure]
    total: int
    prune_below: Sequence[Path] = ()
    """Folders whose documents are removed when this job no longer finds them."""
    progress: Progress | None = None
