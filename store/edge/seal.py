"""The seal of a closed shard: the sizes of its files, and checksums of small ones, which show later what was changed.

qdrant-edge opens a shard whose files were deleted or emptied as if it had always been empty, so a search would find
nothing and say nothing. While a shard is open, or after a crash, there is no seal: its log then holds what is missing.
"""

import os
import zlib
from contextlib import suppress
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from ...core.errors import Hint, IncompatibleCollection, StoreError
from ..manifest import MANIFEST, Manifest, read_manifest
from .faults import damaged, is_refusal

SHARD = "shard"

SEAL = "seal.json"

UNFINISHED = "unfinished"  # marks a folder whose shard is not completely made

LOG = "wal"  # not sealed: the engine checks its log itself, and the storage of a closed shard does not need it

MAX_CHECKED_BYTES = 65_536

_ADAPTER = TypeAdapter(dict[str, tuple[int, int]])


def seal(folder: Path) -> None:
    """Write the seal of the shard in `folder`, which has just been flushed and closed."""
    fresh = folder / f"{SEAL}.new"
    with suppress(OSError):  # a disk without room for it; the shard is then opened as after a crash
        fresh.write_bytes(_ADAPTER.dump_json(_files(folder / SHARD)))
        fresh.replace(folder / SEAL)


def is_sealed(folder: Path) -> bool:
    """Return whether the shard in `folder` was closed after it was last open."""
    return (folder / SEAL).is_file()


def check_seal(name: str, folder: Path) -> None:
    """Check that the files of a shard are those that were there when it was closed.

    Raises:
        DamagedCollection: The shard is missing, or files of it were changed or deleted.
    """
    if not (folder / SHARD).is_dir():
        raise damaged(name, f"{folder / SHARD} is {'a file' if (folder / SHARD).exists() else 'missing'}")
    if not is_sealed(folder):
        return
    try:
        sealed = _ADAPTER.validate_json((folder / SEAL).read_bytes())
    except (OSError, ValidationError):
        return  # the seal itself is damaged: the engine's own checks have to do
    found = _files(folder / SHARD)
    changed = [path for path, state in sealed.items() if found.get(path) != state]
    if changed:
        raise damaged(name, f"since it was closed, {_change(changed[0], sealed, found)}{_others(len(changed) - 1)}")


def break_seal(folder: Path) -> None:
    """Remove the seal, for good even if the power fails, before the shard is opened and its files change."""
    if is_sealed(folder):
        remove_for_good(folder / SEAL)


def remove_for_good(mark: Path) -> None:
    """Delete a file so that it does not come back when the power fails."""
    mark.unlink()
    if os.name == "posix":  # Windows cannot open a folder, and its file system keeps the order
        handle = os.open(mark.parent, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def manifest_of(name: str, folder: Path) -> Manifest:
    """Return the manifest of the collection in `folder`.

    Raises:
        DamagedCollection: The manifest is missing, unreadable or damaged.
        IncompatibleCollection: A newer version of Resift wrote it.
        StoreError: The system does not let it be read.
    """
    try:
        return read_manifest(folder / MANIFEST)
    except IncompatibleCollection:
        raise
    except StoreError as error:
        if is_refusal(error.__cause__):
            raise StoreError(str(error.args[0]), hint=Hint.FIND_CAUSE) from error
        raise damaged(name, str(error.args[0]).rstrip(".")) from error


def _files(shard: Path) -> dict[str, tuple[int, int]]:
    """Return the size and checksum of every file of the storage; the checksum of a large file is 0."""
    walk = os.walk(shard, onerror=_raise)  # a folder that the system does not let us read is not empty
    paths = (path for path in sorted(Path(base, each) for base, _, names in walk for each in names) if path.is_file())
    names = {path.relative_to(shard).as_posix(): path for path in paths}
    return {name: _state(path) for name, path in names.items() if not name.startswith(f"{LOG}/")}


def _raise(error: OSError) -> None:
    raise error


def _state(path: Path) -> tuple[int, int]:
    size = path.stat().st_size
    return size, zlib.crc32(path.read_bytes()) if size <= MAX_CHECKED_BYTES else 0


def _others(number: int) -> str:
    if not number:
        return ""
    return f", and {number} other file{'s were' if number > 1 else ' was'} changed or deleted"


def _change(path: str, sealed: dict[str, tuple[int, int]], found: dict[str, tuple[int, int]]) -> str:
    if path not in found:
        return f"{path} was deleted"
    before, now = sealed[path][0], found[path][0]
    return f"{path} was changed" if before == now else f"{path} was changed from {before:,} to {now:,} bytes"
