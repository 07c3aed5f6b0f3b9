"""One process at a time owns a data directory; the next one is told who does."""

import json
import os
import shutil
import sys
from datetime import UTC, datetime
from pathlib import Path

from filelock import FileLock, Timeout

from ...core.errors import StoreBusy, StoreError


class DirectoryLock:
    """A lock on a data directory that ends with its process, however that ends."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._owner = directory / "owner.json"
        self._lock = FileLock(directory / ".lock", thread_local=False)

    def acquire(self) -> None:
        """Take the lock, or keep it when this object holds it already.

        Raises:
            StoreBusy: When another process holds it: which one, since when, and what to do.
        """
        if self._lock.is_locked:
            return
        try:
            self._directory.mkdir(parents=True, exist_ok=True)
            self._lock.acquire(timeout=0)
        except OSError as error:
            if isinstance(error, Timeout):
                raise self._busy() from error
            raise StoreError(
                f"The data directory {self._directory} cannot be used: {error.strerror}. Set RESIFT_DATA_DIR to a "
                "folder that can be written."
            ) from error
        command = " ".join([Path(sys.argv[0]).name, *sys.argv[1:2]])
        owner = {"pid": os.getpid(), "command": command, "since": datetime.now(UTC).isoformat(timespec="seconds")}
        self._owner.write_text(json.dumps(owner), encoding="utf-8")

    def _busy(self) -> StoreBusy:
        return StoreBusy(
            f"The data directory {self._directory} is in use by {self._holder()}. Stop that process, or give this "
            "one a directory of its own with RESIFT_DATA_DIR."
        )

    def release(self) -> None:
        """Give the lock back."""
        if self._lock.is_locked:
            self._owner.unlink(missing_ok=True)
            self._lock.release()

    def _holder(self) -> str:
        try:
            owner = json.loads(self._owner.read_text(encoding="utf-8"))
            return f"process {owner['pid']} ({owner['command']}, since {owner['since']})"
        except (OSError, ValueError, KeyError):
            return "another process"


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
