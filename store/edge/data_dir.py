"""The lock on a data directory, which one process holds at a time."""

import json
import os
import sys
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from filelock import FileLock, Timeout

from ...core.errors import Hint, StoreBusy, StoreError

LOCK, OWNER = ".lock", "owner.json"
"""Files in a data directory: the lock, and who holds it."""

ENGINE = "resift engine"
"""What the engine that serves all clients calls itself, instead of the command that started it."""


class DirectoryLock:
    """A lock on a data directory; the operating system releases it when the process ends for whatever reason."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._owner = directory / OWNER
        self._lock = FileLock(directory / LOCK, thread_local=False)

    def acquire(self) -> None:
        """Take the lock, unless this object already holds it.

        Raises:
            StoreBusy: Another process holds it; the message names the process and since when.
            StoreError: The directory cannot be created or written.
        """
        if self._lock.is_locked:
            return
        try:
            self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)  # it holds the text of documents
            self._lock.acquire(timeout=0)
        except OSError as error:
            if isinstance(error, Timeout):
                raise self._busy() from error
            place = f" ({error.filename})" if error.filename else ""
            raise StoreError(
                f"The data directory {self._directory} cannot be used: {error.strerror}{place}. Set "
                "RESIFT_DATA_DIR to a writable folder."
            ) from error
        command = " ".join([Path(sys.argv[0]).name, *sys.argv[1:2]])
        owner = {"pid": os.getpid(), "command": command, "since": datetime.now(UTC).isoformat(timespec="seconds")}
        with suppress(OSError):  # on a full disk: the file only names the process in the messages of others
            self._owner.write_text(json.dumps(owner), encoding="utf-8")

    def _busy(self) -> StoreBusy:
        holder = self._holder()
        hint = Hint.STOP_ENGINE if f"({ENGINE}, " in holder else Hint.FREE_DATA_FOLDER
        return StoreBusy(f"The data directory {self._directory} is in use by {holder}.", hint=hint)

    def release(self) -> None:
        """Release the lock if this object holds it."""
        if self._lock.is_locked:
            with suppress(OSError):
                self._owner.unlink()
            self._lock.release()

    def _holder(self) -> str:
        try:
            owner = json.loads(self._owner.read_text(encoding="utf-8"))
            return f"process {owner['pid']} ({owner['command']}, since {owner['since']})"
        except (OSError, ValueError, KeyError):
            return "another process"


def advice_on_access(folder: Path) -> str:
    """Return what to do about a data folder that other users of the machine can open; "" if they cannot."""
    if os.name != "posix" or not folder.stat().st_mode & 0o077:
        return ""
    return f"; other users of this machine can read what is stored in it: run `chmod go-rwx {folder}`"
