"""Free disk space, which is checked here before the engine maps or grows a file.

qdrant-edge writes through mapped files, and a disk that fills up under one kills the process (SIGBUS). What the
operations need was measured on ext4 and tmpfs (docs/decisions.md, "Store").
"""

import mmap
import os
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TypeAlias

from ...core.errors import StoreError
from ..points import size_of
from ..protocols import Point

FreeBytes: TypeAlias = Callable[[Path], int]
"""Returns the free bytes of the file system that holds a folder."""

MARGIN_BYTES = 8 * 2**20  # for any operation of the engine that writes; opening a collection takes below 4 MB on ext4

EMPTY_SHARD_BYTES = 2 * MARGIN_BYTES  # making and indexing an empty shard takes 7.5 MB on tmpfs, 0.1 MB on ext4

FLUSH_BYTES = 2**20  # a flush takes less than 0.1 MB, and refusing it leaves writes without a copy on the disk

FIELD_INDEX_BYTES = 4 * 2**20  # an index of a payload field takes 2.1 MB at first

INDEXED_VALUE_BYTES = 2048  # per point and index: words of titles and texts took 1.7 kB

MIN_POINT_BYTES = 8192  # two vectors of 384 floats, the text, its BM25 terms, and as much again in the log

COPIES_OF_POINT = 3  # in the log, in the storage, and in the indexes of its payload

CHUNK_BYTES = 65_536  # a chunk with any content is written whole


def free_bytes(folder: Path) -> int:
    """Return the free bytes of the file system that holds a folder."""
    return shutil.disk_usage(folder).free


@dataclass(frozen=True, slots=True)
class DiskSpace:
    """The disk of a data directory: how much must stay free, and how to learn what is free."""

    reserve_bytes: int = 0
    """What writing documents leaves free."""
    free: FreeBytes = free_bytes

    def require(self, folder: Path, needed_bytes: int, *, outcome: str) -> None:
        """Refuse an operation for which too little space is free.

        Raises:
            StoreError: Less is free; `outcome` is the sentence that says what state this leaves.
        """
        free = self.free(folder)
        if free < needed_bytes:
            raise StoreError(
                f"Only {free / 2**20:,.0f} MB free on the disk of {folder}; {-(-needed_bytes // 2**20):,} MB are "
                f"needed. {outcome} Free some space, or move RESIFT_DATA_DIR to another disk."
            )

    def require_to_create(self, folder: Path) -> None:
        """Refuse to make a collection in `folder` on a disk that is nearly full.

        Raises:
            StoreError: Too little space is free.
        """
        self.require(folder, self.reserve_bytes + EMPTY_SHARD_BYTES, outcome="Nothing was written.")

    def require_to_open(self, folder: Path, *, replays_log: bool) -> None:
        """Refuse to open the shard in `folder` where that would fill the disk.

        On tmpfs reading a hole of a mapped file allocates it, and the engine reads whole files of vectors when it
        opens them. `replays_log` tells that the shard was not closed, so that its log is written to its files again.

        Raises:
            StoreError: Too little space is free.
        """
        needed = MARGIN_BYTES + (size_bytes(folder / "wal") if replays_log else 0)
        outcome = "The collection cannot be opened."
        self.require(folder, needed, outcome=outcome)
        holes = _holes_read_when_opened(folder)
        if self.free(folder) < needed + holes and reading_allocates(folder):
            self.require(folder, needed + holes, outcome=outcome)

    def require_to_write(self, folder: Path, points: Sequence[Point]) -> None:
        """Refuse to write these points to a disk that is nearly full.

        Raises:
            StoreError: Too little space is free.
        """
        needed = sum(max(MIN_POINT_BYTES, COPIES_OF_POINT * size_of(point)) for point in points)
        self.require(
            folder, self.reserve_bytes + MARGIN_BYTES + needed, outcome="What was written before is still there."
        )


def size_bytes(folder: Path) -> int:
    """Return the disk space of the files in a folder in bytes."""
    return sum(_allocated(path.stat()) for path in folder.rglob("*") if path.is_file())


def reading_allocates(folder: Path) -> bool:
    """Return whether the file system allocates a hole of a mapped file when the hole is read, as tmpfs does."""
    try:
        with tempfile.TemporaryFile(dir=folder) as file:
            file.truncate(mmap.PAGESIZE)
            with mmap.mmap(file.fileno(), mmap.PAGESIZE, access=mmap.ACCESS_READ) as mapped:
                mapped.read(1)
            return _allocated(os.fstat(file.fileno())) > 0
    except OSError:  # a read-only folder: nothing can be allocated in it
        return False


def chunks_of(source: IO[bytes]) -> Iterator[bytes]:
    """Yield the content of a file."""
    while chunk := source.read(CHUNK_BYTES):
        yield chunk


def write_sparse(chunks: Iterable[bytes], target: Path) -> None:
    """Write a file with holes in place of chunks of zeros, which are most of a small shard."""
    with target.open("wb") as file:
        size = 0
        for chunk in chunks:
            size += len(chunk)
            if chunk.count(0) == len(chunk):
                file.seek(size)
            else:
                file.write(chunk)
        file.truncate(size)


def _allocated(status: os.stat_result) -> int:
    # Files are longer than their content, so count the blocks in use where the system reports them.
    return getattr(status, "st_blocks", status.st_size // 512) * 512


def _holes_read_when_opened(shard: Path) -> int:
    """Return how many bytes of holes are in the files that the engine reads as a whole when it opens a shard."""
    read = (path for path in shard.glob("segments/**/*") if path.is_file() and not path.name.startswith("page_"))
    return sum(max(0, status.st_size - _allocated(status)) for status in map(Path.stat, read))
