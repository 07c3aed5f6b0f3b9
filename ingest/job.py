"""Ingest jobs: what to ingest, and the locks that keep jobs apart."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING
from weakref import WeakValueDictionary

import anyio

from ..core.values import EMPTY, Document, Metadata
from .report import Failure, Progress, Skipped

if TYPE_CHECKING:
    from .sources import Files
    from .urls.pages import Pages


@dataclass(frozen=True, slots=True)
class Job:
    """What to ingest. `items` are documents, and why others could not be read or were skipped.

    `total` counts the items, the pages and the files.
    """

    collection: str
    items: Iterable[Document | Failure | Skipped]
    total: int
    pages: Pages | None = None
    """Documents at URLs, to ingest after the items."""
    files: Files | None = None
    """Files to ingest after these: those that are not as they were when they were last read."""
    dry_run: bool = False
    """Whether to find out what would be done, and to change nothing."""
    prune_below: Sequence[Path] = ()
    """Folders whose documents are removed when their files are gone."""
    evaluation: bool = False
    """Whether the documents are those of a judged set, which are kept in collections of their own."""
    progress: Progress | None = None
    metadata: Metadata = field(default_factory=lambda: EMPTY)
    """What the caller gave for every document; the items have it already."""


class WriteLocks:
    """A lock per collection, so that one job at a time writes to it. A lock that nobody holds or awaits is dropped."""

    def __init__(self) -> None:
        self._locks: WeakValueDictionary[str, anyio.Lock] = WeakValueDictionary()

    def __getitem__(self, collection: str) -> anyio.Lock:
        return self._locks.setdefault(collection, anyio.Lock())

    def __len__(self) -> int:
        return len(self._locks)
