"""Disk space: what folders take and what is left."""

import shutil
from pathlib import Path

from ..core.errors import StoreError


def require_space(folder: Path, needed_bytes: int, *, outcome: str) -> None:
    """Refuse to write to a disk that is nearly full.

    Raises:
        StoreError: Naming what is free, what is needed, and the outcome: how things stand without the writing.
    """
    free = shutil.disk_usage(folder).free
    if free < needed_bytes:  # the engine maps its files: a full disk kills the process (SIGBUS)
        raise StoreError(
            f"Only {free // 2**20} MB free on the disk of {folder}; {needed_bytes // 2**20} MB are needed. {outcome} "
            "Free some space, or move RESIFT_DATA_DIR to another disk."
        )


def size_bytes(folder: Path) -> int:
    """Return how much disk the files of a shard take."""
    files = [path.stat() for path in folder.rglob("*") if path.is_file()]
    # Logs are made longer than what is in them; where the system tells, the blocks in use count.
    return sum(getattr(each, "st_blocks", each.st_size // 512) * 512 for each in files)
