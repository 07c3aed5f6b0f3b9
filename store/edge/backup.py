"""Backups of the embedded store: one tar file, written whole or not at all, and restored whole or not at all.

The last member, `backup.json`, says what the file holds, with a SHA-256 for each file: where it is missing, the backup
was cut off.
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

INDEX = "backup.json"

CHUNK = 2**20


@dataclass(frozen=True, slots=True)
class Index:
    """What a backup holds: passages by collection, and the SHA-256 of every file by its path, `NAME/...`."""

    created: str
    passages: Mapping[str, int]
    files: Mapping[str, str]


_ADAPTER = TypeAdapter(Index)


async def back_up(store: EdgeStore, file: Path, names: Sequence[str]) -> Index:
    """Write collections, or all, to a file; nobody else can write to them meanwhile.

    Raises:
        InvalidInput: When there is such a file.
        NotFound: When there is no such collection, or none at all.
    """
    _refuse_to_overwrite(file)
    known = await store.names()
    if missing := [name for name in names if name not in known]:
        raise unknown_collection(missing[0], known)
    passages = {name: await (await store.open(name)).count() for name in names or known}
    if not passages:
        raise NotFound("There is no collection to back up.")
    await store.close_shards()
    paths = {f"{name}/{path}": store.folder(name) / path for name in passages for path in _files(store.folder(name))}
    _make_folder(file.parent)
    require_space(file.parent, sum(path.stat().st_size for path in paths.values()), outcome="Nothing was written.")
    index = Index(
        datetime.now(UTC).isoformat(timespec="seconds"), passages, {key: _hash(path) for key, path in paths.items()}
    )
    part = file.with_name(f"{file.name}.part")
    try:
        _write(part, paths, index)
        part.replace(file)
    except OSError as error:
        raise StoreError(f"{file} could not be written: {error}. Free some space, or name another file.") from error
    finally:
        with suppress(OSError):  # the first error says more
            part.unlink()
    return index


async def restore(store: EdgeStore, file: Path) -> Index:
    """Bring the collections in a backup into the store, after all of them were checked.

    Raises:
        InvalidInput: When the file is no backup, cut off or damaged; the store is as it was.
        StoreError: When a collection of one of the names is there, or a restored one does not open.
    """
    known = await store.names()
    with _opened(file) as archive:
        index = _index_of(archive, file)
        if there := sorted(set(known) & set(index.passages)):
            raise StoreError(
                f"{', '.join(there)}: there already. Nothing was restored. Delete it first, or restore into another "
                "folder with RESIFT_DATA_DIR."
            )
        aside = store.work_folder("restoring")
        shutil.rmtree(aside, ignore_errors=True)
        try:
            _extract(archive, index, aside, file)
            for name, passages in index.passages.items():
                await _check(name, aside / name, passages)
            _put_in_place(aside, {name: store.folder(name) for name in index.passages})
        except (EOFError, OSError) as error:
            raise StoreError(
                f"{file} could not be restored to {aside.parent}: {error}. Nothing was restored."
            ) from error
        finally:
            shutil.rmtree(aside, ignore_errors=True)
    return index


def _put_in_place(aside: Path, targets: Mapping[str, Path]) -> None:
    """Move every collection to its folder; where one cannot be moved, take back those before it."""
    moved = list[str]()
    try:
        for name, target in targets.items():
            shutil.rmtree(target, ignore_errors=True)  # what is left of a deletion that was interrupted
            (aside / name).rename(target)
            moved.append(name)
    except OSError:
        for name in moved:
            targets[name].rename(aside / name)
        raise


def _refuse_to_overwrite(file: Path) -> None:
    if file.exists():
        raise InvalidInput(f"{file} is there already. Name another file, or remove it first.")


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InvalidInput(f"There can be no folder {folder}: {error}. Name another file.") from error


def _write(part: Path, paths: Mapping[str, Path], index: Index) -> None:
    with part.open("wb") as out:
        with tarfile.open(fileobj=out, mode="w") as archive:
            for key, path in paths.items():
                archive.add(path, key)
            content = _ADAPTER.dump_json(index, indent=2)
            entry = tarfile.TarInfo(INDEX)
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
        raise InvalidInput(f"{file} is no backup: {error}.") from error


def _index_of(archive: tarfile.TarFile, file: Path) -> Index:
    try:
        members = archive.getmembers()
        content = archive.extractfile(INDEX) if members and members[-1].name == INDEX else None
        if content is None:
            raise InvalidInput(f"{file} ends before {INDEX}: it is no backup, or was cut off. Nothing was restored.")
        index = _ADAPTER.validate_json(content.read())
    except (tarfile.TarError, ValidationError, EOFError, OSError) as error:
        raise InvalidInput(f"{file} is damaged: {error}. Nothing was restored.") from error
    for name in index.passages:
        check_name(name)
    unlisted = {member.name for member in members} - {INDEX, *index.files}
    if unlisted or any(".." in PurePosixPath(key).parts or key.startswith("/") for key in index.files):
        raise InvalidInput(f"{file} holds files that it does not list. Nothing was restored.")
    return index


def _extract(archive: tarfile.TarFile, index: Index, aside: Path, file: Path) -> None:
    aside.mkdir(parents=True)
    require_space(aside, sum(member.size for member in archive.getmembers()), outcome="Nothing was restored.")
    for key, expected in index.files.items():
        try:
            source = archive.extractfile(key)
        except (KeyError, EOFError, tarfile.TarError) as error:
            raise InvalidInput(f"{file} lacks {key}. Nothing was restored.") from error
        target = aside / key
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
        while chunk := source.read(CHUNK):
            digest.update(chunk)
            file.write(chunk)
    return digest.hexdigest()
