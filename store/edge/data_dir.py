"""The data directory: its lock, which one process holds at a time, and its free space."""

import json
import os
import shutil
import sys
from datetime import UTC, datetime
from pathlib import Path

from filelock import FileLock, Timeout

from ...core.errors import StoreBusy, StoreError


class DirectoryLock:
    """A lock on a data directory; the operating system releases it when the process ends for whatever reason."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._owner = directory / "owner.json"
        self._lock = FileLock(directory / ".lock", thread_local=False)

    def acquire(self) -> None:
        """Take the lock, unless this object already holds it.

        Raises:
            StoreBusy: Another process holds it; the message names the process and since when.
            StoreError: The directory cannot be created or written.
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
                "writable folder."
            ) from error
        command = " ".join([Path(sys.argv[0]).name, *sys.argv[1:2]])
        owner = {"pid": os.getpid(), "command": command, "since": datetime.now(UTC).isoformat(timespec="seconds")}
        self._owner.write_text(json.dumps(owner), encoding="utf-8")

    def _busy(self) -> StoreBusy:
        return StoreBusy(
            f"The data directory {self._directory} is in use by {self._holder()}. Stop that process, or set "
            "RESIFT_DATA_DIR to another directory for this one."
        )

    def release(self) -> None:
        """Release the lock if this object holds it."""
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
        StoreError: Too little space is free; `outcome` is the sentence that says what state this leaves.
    """
    free = shutil.disk_usage(folder).free
    if free < needed_bytes:  # the engine maps its files: a full disk kills the process (SIGBUS)
        raise StoreError(
            f"Only {free // 2**20} MB free on the disk of {folder}; {needed_bytes // 2**20} MB are needed. {outcome} "
            "Free some space, or move RESIFT_DATA_DIR to another disk."
        )


def size_bytes(folder: Path) -> int:
    """Return the disk space of the files of a shard in bytes."""
    files = [path.stat() for path in folder.rglob("*") if path.is_file()]
    # Log files are longer than their content, so count the blocks in use where the system reports them.
    return sum(getattr(each, "st_blocks", each.st_size // 512) * 512 for each in files)
