"""Backups of the embedded store: one tar file, which is written completely or not at all, and likewise restored.

The last member, `backup.json`, lists the collections and the SHA-256 of each file. A backup without it was cut off. The
file is compressed, because most of a small shard is holes; uncompressed ones of earlier versions can be restored too.
"""

import hashlib
import io
import os
import shutil
import tarfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import IO

from pydantic import TypeAdapter, ValidationError

from ...core.errors import (
    DamagedCollection,
    IncompatibleCollection,
    InvalidInput,
    NotFound,
    ResiftError,
    StoreError,
    nearest,
)
from ...core.private_files import open_new, why_unwritable
from ...core.text import listed
from ..manifest import MANIFEST, read_manifest
from ..naming import check_name, unknown_collection
from .disk_space import DiskSpace, chunks_of, size_bytes, write_sparse
from .store import EdgeCollection, EdgeStore

CONTENTS = "backup.json"

COMPRESSION = 1  # the fastest level; holes shrink to almost nothing at any, and vectors hardly at all

_READ_ERRORS = (tarfile.TarError, zlib.error, EOFError, OSError)

BACKUPS = "Choose a file that `resift backup` wrote."

_REPLACED = " replaced"  # no collection can have such a name


@dataclass(frozen=True, slots=True)
class BackedUp:
    """What was backed up, and why collections were left out, by their names."""

    contents: "Contents"
    left_out: Mapping[str, ResiftError]


@dataclass(frozen=True, slots=True)
class Contents:
    """What a backup holds: passages by collection, and the SHA-256 of every file by its path, `NAME/...`."""

    created: str
    passages: Mapping[str, int]
    files: Mapping[str, str]
    disk_bytes: int = 0
    """Disk space of the files; 0 in backups of earlier versions, which did not say."""


_ADAPTER = TypeAdapter(Contents)


async def back_up(store: EdgeStore, file: Path, names: Sequence[str]) -> BackedUp:
    """Write the named collections, or all that can be read, to a file; the store is locked while it is written.

    Raises:
        InvalidInput: The file already exists.
        NotFound: One of the named collections does not exist, or there are none.
        DamagedCollection: One of the named collections is damaged, or all are.
        StoreError: The file could not be written.
    """
    known = await store.names()
    if missing := [name for name in names if name not in known]:
        raise unknown_collection(missing[0], known)
    if not known:
        raise NotFound("There are no collections to back up. Run `resift ingest PATH` first.")
    _check_writable(file)
    passages, left_out = await _counts(store, names or known)
    if left_out and (names or not passages):
        raise next(iter(left_out.values()))
    await store.close_shards()
    paths = {f"{name}/{path}": store.folder(name) / path for name in passages for path in _files(store.folder(name))}
    needed = sum(size_bytes(store.folder(name)) for name in passages)
    store.space.require(file.parent, needed, outcome="Nothing was written.")
    contents = Contents(
        datetime.now(UTC).isoformat(timespec="seconds"),
        passages,
        files={key: _hash(path) for key, path in paths.items()},
        disk_bytes=needed,
    )
    _write_all(file, paths, contents)
    return BackedUp(contents, left_out)


async def _counts(store: EdgeStore, names: Sequence[str]) -> tuple[dict[str, int], dict[str, ResiftError]]:
    """Return the numbers of passages of the collections that can be read, and what is wrong with the others."""
    passages, left_out = dict[str, int](), dict[str, ResiftError]()
    for name in names:
        try:
            passages[name] = await (await store.open(name)).count()
        except (DamagedCollection, IncompatibleCollection) as error:
            left_out[name] = error
    return passages, left_out


def _write_all(file: Path, paths: Mapping[str, Path], contents: Contents) -> None:
    part = file.with_name(f"{file.name}.part")
    try:
        _write(part, paths, contents)
        part.replace(file)
    except OSError as error:
        raise _unwritable(file, error) from error
    finally:
        with suppress(OSError):  # an error here would hide the first one
            part.unlink()


def _check_writable(file: Path) -> None:
    """Make the folder of the file that is to be written, and open the file, before anything else takes time."""
    if file.exists():
        raise InvalidInput(f"{file} already exists. Choose another file, or remove it first.")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        reason = error.strerror or error
        raise InvalidInput(f"The folder {file.parent} cannot be created: {reason}. Choose another file.") from error
    try:
        part = file.with_name(f"{file.name}.part")
        open_new(part).close()
        part.unlink()
    except OSError as error:
        raise _unwritable(file, error) from error


def _unwritable(file: Path, error: OSError) -> StoreError:
    return StoreError(f"{file} could not be written: {why_unwritable(error, 'Choose another file.')}")


async def restore(store: EdgeStore, file: Path, names: Sequence[str] = ()) -> Contents:
    """Add the named collections of a backup, or all, to the store, after checking them. Damaged ones are replaced.

    Raises:
        NotFound: The file does not exist, or does not hold a collection that is named.
        InvalidInput: The file is not a backup, or it is cut off or damaged; the store is unchanged.
        StoreError: A collection of one of the names exists and is not damaged, or a restored one does not open.
    """
    known = await store.names()
    with _opened(file) as archive:
        contents = _chosen(_read_contents(archive, file), names, archive, file)
        existing = sorted(set(known) & set(contents.passages))
        if existing := [name for name in existing if not await store.is_damaged(name)]:
            raise StoreError(
                f"Nothing was restored, because these collections already exist: {listed(existing)}. Delete them "
                "first, restore only others with `resift restore FILE -c NAME`, or set RESIFT_DATA_DIR to another "
                "folder."
            )
        staging = store.work_folder("restoring")
        shutil.rmtree(staging, ignore_errors=True)
        try:
            _extract(archive, contents, staging, file, space=store.space)
            for name, passages in contents.passages.items():
                await _check(name, staging / name, passages, space=store.space)
                store.forget(name)
            _put_in_place(staging, {name: store.folder(name) for name in contents.passages})
        except (zlib.error, EOFError, OSError) as error:
            raise StoreError(
                f"{file} could not be restored to {staging.parent}: {error}. Nothing was restored."
            ) from error
        finally:
            shutil.rmtree(staging, ignore_errors=True)
    return contents


def _put_in_place(staging: Path, targets: Mapping[str, Path]) -> None:
    """Move every collection to its folder, and the damaged one that is there away; undo all of it if one fails."""
    done = list[tuple[Path, Path]]()
    try:
        for name, target in targets.items():
            moves = [(target, staging / f"{name}{_REPLACED}")] if target.is_dir() else []
            for before, after in [*moves, (staging / name, target)]:
                before.rename(after)
                done.append((before, after))
    except OSError:
        for before, after in reversed(done):
            after.rename(before)
        raise


def _write(part: Path, paths: Mapping[str, Path], contents: Contents) -> None:
    with open_new(part) as out:
        with tarfile.open(fileobj=out, mode="w:gz", compresslevel=COMPRESSION) as archive:
            for key, path in paths.items():
                archive.add(path, key)
            content = _ADAPTER.dump_json(contents, indent=2)
            entry = tarfile.TarInfo(CONTENTS)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
        out.flush()
        os.fsync(out.fileno())


def _opened(file: Path) -> tarfile.TarFile:
    try:
        return tarfile.open(file)
    except FileNotFoundError as error:
        raise NotFound(f"There is no file {file}. {BACKUPS}") from error
    except (tarfile.TarError, zlib.error, EOFError) as error:  # whose message is a list of all formats
        raise InvalidInput(f"{file} is not a backup. {BACKUPS} An export is read by `resift import`.") from error
    except OSError as error:
        reason = error.strerror or error
        raise InvalidInput(f"{file} cannot be read: {reason}. {BACKUPS}") from error


def _read_contents(archive: tarfile.TarFile, file: Path) -> Contents:
    try:
        members = archive.getmembers()
        content = archive.extractfile(CONTENTS) if members and members[-1].name == CONTENTS else None
        if content is None:
            raise InvalidInput(
                f"{file} ends before {CONTENTS}: it is not a backup, or it was cut off. Nothing was restored."
            )
        contents = _ADAPTER.validate_json(content.read())
    except (*_READ_ERRORS, ValidationError) as error:
        raise InvalidInput(f"{file} is damaged: {error}. Nothing was restored.") from error
    for name in contents.passages:
        check_name(name)
    unlisted = {member.name for member in members} - {CONTENTS, *contents.files}
    if unlisted or any(".." in PurePosixPath(key).parts or key.startswith("/") for key in contents.files):
        raise InvalidInput(f"{file} holds files that it does not list. Nothing was restored.")
    return contents


def _chosen(contents: Contents, names: Sequence[str], archive: tarfile.TarFile, file: Path) -> Contents:
    """Return what a backup holds of the named collections, or all of it without names."""
    for name in names:
        if name not in contents.passages:
            near = nearest(name, contents.passages)
            raise NotFound(f"{file} holds no collection {name!r}.{near} It holds: {listed(contents.passages)}.")
    if not names:
        return contents
    files = {key: digest for key, digest in contents.files.items() if PurePosixPath(key).parts[0] in names}
    size = sum(member.size for member in archive.getmembers() if member.name in files)  # holes included
    passages = {name: count for name, count in contents.passages.items() if name in names}
    return replace(contents, passages=passages, files=files, disk_bytes=min(contents.disk_bytes or size, size))


def _extract(archive: tarfile.TarFile, contents: Contents, staging: Path, file: Path, *, space: DiskSpace) -> None:
    staging.mkdir(parents=True)
    needed = contents.disk_bytes or sum(member.size for member in archive.getmembers())
    space.require(staging, needed, outcome="Nothing was restored.")
    for key, expected in contents.files.items():
        try:
            source = archive.extractfile(key)
        except (KeyError, EOFError, tarfile.TarError) as error:
            raise InvalidInput(f"{file} lacks {key}. Nothing was restored.") from error
        target = staging / key
        target.parent.mkdir(parents=True, exist_ok=True)
        if source is None or _copy(source, target) != expected:
            raise InvalidInput(f"{file} is damaged in {key}: its checksum differs. Nothing was restored.")


async def _check(name: str, folder: Path, passages: int, *, space: DiskSpace) -> None:
    collection = EdgeCollection.load(name, folder, read_manifest(folder / MANIFEST), space=space)
    try:
        found = await collection.count()
    finally:
        collection.close()
    if found != passages:
        raise StoreError(f"Collection {name!r} came back with {found} of {passages} passages. Nothing was restored.")


def _files(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def _hash(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _copy(source: IO[bytes], target: Path) -> str:
    """Write the content of a file to another and return its SHA-256."""
    digest = hashlib.sha256()

    def hashed() -> Iterator[bytes]:
        for chunk in chunks_of(source):
            digest.update(chunk)
            yield chunk

    write_sparse(hashed(), target)
    return digest.hexdigest()
