"""Files that only this user may read, replaced as a whole: a crash leaves the old one or the new one."""

import os
from contextlib import suppress
from errno import EDQUOT, ENOSPC
from pathlib import Path
from threading import get_ident
from typing import BinaryIO

FOLDER_MODE = 0o700

FILE_MODE = 0o600


def why_unwritable(error: OSError, otherwise: str) -> str:
    """Return why something cannot be written, and what to do: free space on a full disk, and `otherwise` if not."""
    is_full = error.errno in (ENOSPC, EDQUOT)
    return f"{error.strerror or error}. {'Free some space.' if is_full else otherwise}"


def open_new(path: Path) -> BinaryIO:
    """Open a new file for writing, readable by this user alone. What is there now is removed.

    Raises:
        OSError: It cannot be written.
    """
    path.unlink(missing_ok=True)  # it may be open to others
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, FILE_MODE), "wb")


def replace_file(target: Path, content: bytes) -> None:
    """Replace a file at once, readable by this user alone, and force it to disk. Makes its folder if there is none.

    Raises:
        OSError: It cannot be written. Then the file is as it was.
    """
    target.parent.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
    new = target.with_name(f"{target.name}.{os.getpid()}.{get_ident()}.new")
    try:
        _write(new, content)
        new.replace(target)
    except BaseException:
        with suppress(OSError):
            new.unlink(missing_ok=True)
        raise


def _write(path: Path, content: bytes) -> None:
    """Write a new file, and force it to disk.

    Raises:
        OSError: It cannot be written.
    """
    with open_new(path) as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
