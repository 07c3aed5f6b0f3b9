"""Opening files and folders below the roots, so that no link leads out of them, even if it is made after the check."""

import errno
import os
import stat
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Literal, TypeAlias

from ...core.errors import PathRefused, UnreadableFile
from .roots import Roots

OPENS_BELOW_DESCRIPTORS = os.open in os.supports_dir_fd and os.scandir in os.supports_fd and hasattr(os, "O_NOFOLLOW")
"""Whether this system can open a name inside an open folder without following links. Windows cannot."""

_PATH_ONLY = getattr(os, "O_PATH", 0)  # Linux: passing through a folder needs no right to list it
_NO_LINK = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NOINHERIT", 0)
_FOLDER = os.O_RDONLY | getattr(os, "O_DIRECTORY", 0) | _NO_LINK
_PASSAGE = _FOLDER | _PATH_ONLY
# Without O_NONBLOCK, opening a pipe waits until somebody writes to it.
_FILE = os.O_RDONLY | _NO_LINK | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOCTTY", 0) | getattr(os, "O_BINARY", 0)

_OF_LINKS = (errno.ELOOP, errno.EMLINK, errno.ENOTDIR)
"""The errors of opening what turns out to be a link."""

FolderEntryKind: TypeAlias = Literal["file", "folder", "link", "special"]


@dataclass(frozen=True, slots=True)
class FolderEntry:
    """What a folder holds under a name; `size` is in bytes. Both numbers are 0 for everything but files."""

    name: str
    kind: FolderEntryKind
    size: int = 0
    modified_ns: int = 0


def open_file(path: Path, roots: Roots) -> BinaryIO:
    """Return the regular file at a path without links, as `Roots.admit` returns it, open for reading.

    Raises:
        PathRefused: The path leads outside the roots, or through a link that was not there before.
        UnreadableFile: It is a folder, a pipe, a device or another special file.
        OSError: It cannot be opened.
    """
    return _regular(_open(path, roots, _FILE), path)


def _regular(descriptor: int, path: Path) -> BinaryIO:
    if stat.S_ISREG(os.fstat(descriptor).st_mode):
        return os.fdopen(descriptor, "rb")
    os.close(descriptor)
    raise UnreadableFile(f"{path} is not a regular file. Give the path of a document.")


@dataclass(frozen=True, slots=True)
class OpenFolder:
    """A folder that is open: what it holds, by name, and the way to look into its files."""

    path: Path
    entries: tuple[FolderEntry, ...]
    roots: Roots
    descriptor: int | None

    def read(self, name: str, max_bytes: int) -> bytes:
        """Return the first bytes of a regular file in the folder.

        Raises:
            PathRefused: A link is in its place, or it leads outside the roots.
            UnreadableFile: It is a pipe, a device or another special file.
            OSError: It cannot be opened.
        """
        with self._open(name) as file:
            return file.read(max_bytes)

    def _open(self, name: str) -> BinaryIO:
        if self.descriptor is None:
            return open_file(self.path / name, self.roots)
        try:
            descriptor = os.open(name, _FILE, dir_fd=self.descriptor)
        except OSError as error:
            if error.errno in _OF_LINKS:
                raise _refused(self.path / name) from error
            raise
        return _regular(descriptor, self.path / name)


@contextmanager
def open_folder(folder: Path, roots: Roots) -> Generator[OpenFolder]:
    """Open the folder at a path without links until the end of the block.

    Raises:
        PathRefused: The path leads outside the roots, or through a link that was not there before.
        OSError: It cannot be opened.
    """
    if not OPENS_BELOW_DESCRIPTORS:
        entries = _listed(folder)
        _check_unlinked(folder, roots)
        yield OpenFolder(folder, entries, roots=roots, descriptor=None)
        return
    descriptor = _open(folder, roots, _FOLDER)
    try:
        yield OpenFolder(folder, _listed(descriptor), roots=roots, descriptor=descriptor)
    finally:
        os.close(descriptor)


def _listed(folder: int | Path) -> tuple[FolderEntry, ...]:
    with os.scandir(folder) as entries:
        return tuple(sorted(_described(entries), key=lambda entry: entry.name))


def _described(entries: Iterator["os.DirEntry[str]"]) -> Iterator[FolderEntry]:
    for entry in entries:
        try:
            status = entry.stat(follow_symlinks=False)
        except FileNotFoundError:  # deleted in between
            continue
        kind = _kind(status.st_mode)
        if kind == "file":
            yield FolderEntry(entry.name, kind, size=status.st_size, modified_ns=status.st_mtime_ns)
        else:
            yield FolderEntry(entry.name, kind)


def _kind(mode: int) -> FolderEntryKind:
    if stat.S_ISLNK(mode):
        return "link"
    if stat.S_ISDIR(mode):
        return "folder"
    return "file" if stat.S_ISREG(mode) else "special"


def _open(path: Path, roots: Roots, flags: int) -> int:
    if not roots.contain(path):
        raise _refused(path)
    try:
        return _open_below(path, roots, flags) if OPENS_BELOW_DESCRIPTORS else _open_and_compare(path, roots, flags)
    except OSError as error:
        if error.errno in _OF_LINKS:
            raise _refused(path) from error
        raise


def _open_below(path: Path, roots: Roots, flags: int) -> int:
    """Open each component inside the one before, and never follow a link. This has no race."""
    start = Path(path.anchor) if _PATH_ONLY else next(each for each in roots.folders if path.is_relative_to(each))
    parts = path.parts[len(start.parts) :]
    if not parts:
        return os.open(start, flags)
    folder = os.open(start, _PASSAGE)
    try:
        for part in parts[:-1]:
            inner = os.open(part, _PASSAGE, dir_fd=folder)
            os.close(folder)
            folder = inner
        return os.open(parts[-1], flags, dir_fd=folder)
    finally:
        os.close(folder)


def _open_and_compare(path: Path, roots: Roots, flags: int) -> int:
    """Open the path, then check that what was opened is what lies there without any link."""
    descriptor = os.open(path, flags)
    try:
        _check_unlinked(path, roots)
        if not os.path.samestat(os.fstat(descriptor), os.lstat(path)):
            raise _refused(path)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def _check_unlinked(path: Path, roots: Roots) -> None:
    real = path.resolve(strict=True)
    if real != path or not roots.contain(real):
        raise _refused(path)


def _refused(path: Path) -> PathRefused:
    return PathRefused(
        f"{path} was replaced by a link or another kind of file while Resift was reading, so it was not read. "
        "Ingest it again."
    )
