"""Backups of the embedded store: one tar file, which is written completely or not at all, and likewise restored.

The last member, `backup.json`, lists the collections and the SHA-256 of each file. A backup without it was cut off.
"""

import hashlib
import io
import os
import shutil
import tarfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import IO

from pydantic import TypeAdapter, ValidationError

from ...core.errors import InvalidInput, NotFound, StoreError
from ..collection import check_name, unknown_collection
from ..manifest import MANIFEST, read_manifest
from .data_dir import require_space
from .store import EdgeCollection, EdgeStore

CONTENTS = "backup.json"

CHUNK_BYTES = 2**20


@dataclass(frozen=True, slots=True)
class Contents:
    """What a backup holds: passages by collection, and the SHA-256 of every file by its path, `NAME/...`."""

    created: str
    passages: Mapping[str, int]
    files: Mapping[str, str]


_ADAPTER = TypeAdapter(Contents)


async def back_up(store: EdgeStore, file: Path, names: Sequence[str]) -> Contents:
    """Write the named collections, or all of them, to a file; the store is locked meanwhile.

    Raises:
        InvalidInput: The file already exists.
        NotFound: One of the collections does not exist, or there are none.
        StoreError: The file could not be written.
    """
    _refuse_to_overwrite(file)
    known = await store.names()
    if missing := [name for name in names if name not in known]:
        raise unknown_collection(missing[0], known)
    passages = {name: await (await store.open(name)).count() for name in names or known}
    if not passages:
        raise NotFound("There are no collections to back up. Run `resift ingest PATH` first.")
    await store.close_shards()
    paths = {f"{name}/{path}": store.folder(name) / path for name in passages for path in _files(store.folder(name))}
    _make_folder(file.parent)
    require_space(file.parent, sum(path.stat().st_size for path in paths.values()), outcome="Nothing was written.")
    contents = Contents(
        datetime.now(UTC).isoformat(timespec="seconds"), passages, {key: _hash(path) for key, path in paths.items()}
    )
    part = file.with_name(f"{file.name}.part")
    try:
        _write(part, paths, contents)
        part.replace(file)
    except OSError as error:
        raise StoreError(f"{file} could not be written: {error}. Free some space, or choose another file.") from error
    finally:
        with suppress(OSError):  # an error here would hide the first one
            part.unlink()
    return contents


async def restore(store: EdgeStore, file: Path) -> Contents:
    """Add the collections in a backup to the store, after checking all of them.

    Raises:
        NotFound: The file does not exist.
        InvalidInput: The file is not a backup, or it is cut off or damaged; the store is unchanged.
        StoreError: A collection of one of the names already exists, or a restored collection does not open.
    """
    known = await store.names()
    with _opened(file) as archive:
        contents = _read_contents(archive, file)
        if existing := sorted(set(known) & set(contents.passages)):
            raise StoreError(
                f"{', '.join(existing)}: already exists. Nothing was restored. Delete it first, or set "
                "RESIFT_DATA_DIR to another folder."
            )
        staging = store.work_folder("restoring")
        shutil.rmtree(staging, ignore_errors=True)
        try:
            _extract(archive, contents, staging, file)
            for name, passages in contents.passages.items():
                await _check(name, staging / name, passages)
            _put_in_place(staging, {name: store.folder(name) for name in contents.passages})
        except (EOFError, OSError) as error:
            raise StoreError(
                f"{file} could not be restored to {staging.parent}: {error}. Nothing was restored."
            ) from error
        finally:
            shutil.rmtree(staging, ignore_errors=True)
    return contents


def _put_in_place(staging: Path, targets: Mapping[str, Path]) -> None:
    """Move every collection to its folder; if one cannot be moved, move the others back."""
    moved = list[str]()
    try:
        for name, target in targets.items():
            shutil.rmtree(target, ignore_errors=True)  # the remains of an interrupted deletion
            (staging / name).rename(target)
            moved.append(name)
    except OSError:
        for name in moved:
            targets[name].rename(staging / name)
        raise


def _refuse_to_overwrite(file: Path) -> None:
    if file.exists():
        raise InvalidInput(f"{file} already exists. Choose another file, or remove it first.")


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InvalidInput(f"The folder {folder} cannot be created: {error}. Choose another file.") from error


def _write(part: Path, paths: Mapping[str, Path], contents: Contents) -> None:
    with part.open("wb") as out:
        with tarfile.open(fileobj=out, mode="w") as archive:
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
        raise NotFound(f"There is no file {file}.") from error
    except (tarfile.TarError, EOFError, OSError) as error:
        raise InvalidInput(f"{file} is not a backup: {error}. Choose a file that `resift backup` wrote.") from error


def _read_contents(archive: tarfile.TarFile, file: Path) -> Contents:
    try:
        members = archive.getmembers()
        content = archive.extractfile(CONTENTS) if members and members[-1].name == CONTENTS else None
        if content is None:
            raise InvalidInput(
                f"{file} ends before {CONTENTS}: it is not a backup, or it was cut off. Nothing was restored."
            )
        contents = _ADAPTER.validate_json(content.read())
    except (tarfile.TarError, ValidationError, EOFError, OSError) as error:
        raise InvalidInput(f"{file} is damaged: {error}. Nothing was restored.") from error
    for name in contents.passages:
        check_name(name)
    unlisted = {member.name for member in members} - {CONTENTS, *contents.files}
    if unlisted or any(".." in PurePosixPath(key).parts or key.startswith("/") for key in contents.files):
        raise InvalidInput(f"{file} holds files that it does not list. Nothing was restored.")
    return contents


def _extract(archive: tarfile.TarFile, contents: Contents, staging: Path, file: Path) -> None:
    staging.mkdir(parents=True)
    require_space(staging, sum(member.size for member in archive.getmembers()), outcome="Nothing was restored.")
    for key, expected in contents.files.items():
        try:
            source = archive.extractfile(key)
        except (KeyError, EOFError, tarfile.TarError) as error:
            raise InvalidInput(f"{file} lacks {key}. Nothing was restored.") from error
        target = staging / key
        target.parent.mkdir(parents=True, exist_ok=True)
        if source is None or _copy(source, target) != expected:
            raise InvalidInput(f"{file} is damaged in {key}: its checksum differs. Nothing was restored.")


async def _check(name: str, folder: Path, passages: int) -> None:
    collection = EdgeCollection.load(name, folder, read_manifest(folder / MANIFEST), reserve_bytes=0)
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
    digest = hashlib.sha256()
    with target.open("wb") as file:
        while chunk := source.read(CHUNK_BYTES):
            digest.update(chunk)
            file.write(chunk)
    return digest.hexdigest()
