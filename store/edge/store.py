"""The embedded store: one qdrant-edge shard per collection under the data directory."""

import logging
import os
import shutil
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Self

from ...core.errors import DamagedCollection, IncompatibleCollection, InvalidInput, StoreError
from ..collection import Collection
from ..index_options import IndexOptions
from ..indexing import IndexMeasurement
from ..manifest import MANIFEST, NEW_MANIFEST, Manifest, write_manifest
from ..naming import check_name, is_valid_name, unknown_collection
from ..protocols import StatusCallback
from .data_dir import DirectoryLock
from .disk_space import DiskSpace, FreeBytes, free_bytes
from .faults import damaged
from .seal import SHARD, UNFINISHED, manifest_of
from .shard import EdgeEngine

logger = logging.getLogger(__name__)

COLLECTIONS = "collections"
"""The folder in a data directory that holds a folder for each collection."""


class EdgeCollection(Collection):
    """A collection whose index can be measured before it is built, and which is closed explicitly."""

    def __init__(self, name: str, manifest: Manifest, engine: EdgeEngine) -> None:
        super().__init__(name, manifest, engine)
        self._edge = engine

    @classmethod
    def load(cls, name: str, folder: Path, manifest: Manifest, *, space: DiskSpace) -> Self:
        """Open the collection in `folder`, or make its shard if the folder is marked as unfinished."""
        return cls(name, manifest, EdgeEngine.load(name, folder, manifest, space=space))

    @property
    def is_usable(self) -> bool:
        """Return whether the collection is open and its engine has not failed."""
        return self._edge.is_usable

    async def measure_index(self, storage: IndexOptions, *, on_status: StatusCallback) -> tuple[IndexMeasurement, int]:
        """Return what this index would find and cost, and its bytes on disk; the collection stays as it is."""
        wanted = replace(self.manifest, storage=replace(storage, indexed=await self.count()))
        return await self._edge.measure_index(wanted, on_status=on_status)

    def close(self) -> None:
        """Flush and close the shard; tasks that still use the collection get `NotFound`.

        Raises:
            StoreError: The shard could not be flushed. It is closed anyway.
        """
        self._edge.close()

    def discard(self) -> None:
        """Close the shard without writing anything, because the collection is being deleted."""
        self._edge.discard()


class EdgeStore:
    """Collections as folders: `<data directory>/collections/<name>/` holds `manifest.json` and `shard/`.

    qdrant-edge never releases the GIL, so its calls (8 ms for 100,000 points) run on the event loop: a thread would add
    overhead and free nothing.
    """

    is_shared = False

    def __init__(self, directory: Path, *, reserve_bytes: int, free: FreeBytes = free_bytes) -> None:
        self._root = directory / COLLECTIONS
        self._lock = DirectoryLock(directory)
        self._open: dict[str, EdgeCollection] = {}
        self.space = DiskSpace(reserve_bytes, free)

    async def names(self) -> list[str]:
        """Return the names of all collections, sorted, damaged ones included.

        Works even while another process holds the directory.
        """
        return sorted(path.name for path in self._folders() if _is_text(path.name))

    async def unnamable(self) -> list[str]:
        """Return the folders of collections whose names are not Unicode, so that no tool can name them."""
        return sorted(ascii(path.name) for path in self._folders() if not _is_text(path.name))

    async def open(self, name: str, *, create: Manifest | None = None) -> EdgeCollection:
        """Return the collection; if there is none, create it with the manifest `create`.

        A collection whose engine failed is opened again.

        Raises:
            NotFound: There is no such collection, and `create` is None; the message lists those there are.
            InvalidInput: The name cannot be the name of a folder, or differs from a known one only in case.
            DamagedCollection: The collection cannot be used until it is restored or deleted.
            StoreBusy: Another process holds the data directory.
        """
        if name in self._open and self._open[name].is_usable:
            return self._open[name]
        known = await self.names()
        if not is_valid_name(name) and name in known:
            raise damaged(name, f"its folder {self._root / name} has a name that no collection can have")
        folder = self.folder(name)
        if name not in known:
            if create is None:
                raise unknown_collection(name, known)
            _refuse_other_case(name, known)
            self._create(folder, create)
        self._lock.acquire()
        try:
            self._open[name] = EdgeCollection.load(name, folder, manifest_of(name, folder), space=self.space)
        except OSError as error:
            raise StoreError(f"Collection {name!r} cannot be opened: {error}.") from error
        return self._open[name]

    async def is_damaged(self, name: str) -> bool:
        """Return whether an existing collection cannot be used until it is restored or deleted."""
        try:
            await (await self.open(name)).count()
        except DamagedCollection:
            return True
        except IncompatibleCollection:
            return False
        return False

    async def drop(self, name: str) -> None:
        """Delete a collection and everything in it, even if it is damaged or the disk is full.

        Raises:
            NotFound: There is no collection of that name.
            StoreError: A file of it cannot be deleted.
        """
        known = await self.names()
        if name not in known:
            check_name(name)
            raise unknown_collection(name, known)
        self._lock.acquire()
        self.forget(name)
        removed = self.work_folder("deleting")
        try:
            _remove(removed)  # the remains of an interrupted deletion
            (self._root / name).rename(removed)  # at once: a half-deleted folder would look like a damaged collection
            _remove(removed)
        except OSError as error:
            raise StoreError(f"Collection {name!r} cannot be deleted: {error}.") from error

    async def close(self) -> None:
        """Flush and close every shard and release the data directory.

        A shard that cannot be flushed is logged, because a stop must end cleanly even when the disk is full.
        """
        for error in self._close_shards():
            logger.warning("%s What was acknowledged is in its log, and is read from there at the next start.", error)
        self._lock.release()

    async def close_shards(self) -> None:
        """Flush and close every shard, but keep the data directory locked, so that its files do not change.

        Raises:
            StoreError: A shard could not be flushed.
        """
        self._lock.acquire()
        for error in self._close_shards():
            raise error

    def forget(self, name: str) -> None:
        """Close a collection whose folder will be replaced or deleted, without writing anything."""
        if (collection := self._open.pop(name, None)) is not None:
            collection.discard()

    def folder(self, name: str) -> Path:
        """Return the folder of a collection, whether it exists or not."""
        check_name(name)
        return self._root / name

    def work_folder(self, name: str) -> Path:
        """Return the path of a temporary folder beside the collections, which only this store uses."""
        self._lock.acquire()
        self._root.mkdir(exist_ok=True)
        return self._root.parent / name

    def _folders(self) -> list[Path]:
        return [path for path in self._root.glob("*") if _is_collection(path)]

    def _create(self, folder: Path, manifest: Manifest) -> None:
        """Write the manifest of a new collection, and mark its shard as not yet made."""
        self._lock.acquire()
        try:
            for left in (UNFINISHED, NEW_MANIFEST):  # by a creation that was interrupted
                (folder / left).unlink(missing_ok=True)
            with suppress(FileNotFoundError):
                folder.rmdir()  # fails if it holds anything else, which is not ours to delete
            folder.mkdir(parents=True)
            self.space.require_to_create(folder)
            (folder / UNFINISHED).touch()
            write_manifest(folder / MANIFEST, manifest)
        except OSError as error:
            raise StoreError(
                f"Collection {folder.name!r} cannot be made in {folder}: {error.strerror}. Move away what is there, or "
                "check the permissions."
            ) from error

    def _close_shards(self) -> list[StoreError]:
        """Close every shard, and return what went wrong with some."""
        failures: list[StoreError] = []
        while self._open:
            _, collection = self._open.popitem()
            try:
                collection.close()
            except StoreError as error:
                failures.append(error)
        return failures


def _is_collection(folder: Path) -> bool:
    """Return whether a folder holds a collection or the remains of one, which may be damaged.

    A link to another collection is none: opening both would fail, and deleting one would damage the other.
    """
    if folder.is_symlink() and folder.resolve().parent == folder.parent.resolve():
        return False
    return folder.is_dir() and any(os.path.lexists(folder / part) for part in (MANIFEST, SHARD))


def _refuse_other_case(name: str, known: Sequence[str]) -> None:
    """Refuse a new name that differs from a known one only in case: on macOS and Windows both are one folder."""
    if twin := next((each for each in known if each.casefold() == name.casefold()), None):
        raise InvalidInput(
            f"There is a collection {twin!r}, and {name!r} differs from it only in case. Use {twin!r}, or another name."
        )


def _remove(path: Path) -> None:
    """Delete a folder, a link to one, or nothing."""
    if path.is_symlink():
        path.unlink()
    elif path.exists():
        shutil.rmtree(path)


def _is_text(name: str) -> bool:
    return name.isprintable() and name.encode(errors="replace").decode() == name
