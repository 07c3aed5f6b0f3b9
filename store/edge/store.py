"""The embedded store: one qdrant-edge shard per collection under the data directory."""

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Self

from ...core.errors import NotFound
from ..collection import Collection, check_name, unknown_collection
from ..index_options import IndexOptions
from ..indexing import IndexMeasurement
from ..manifest import MANIFEST, Manifest, read_manifest, write_manifest
from ..protocols import StatusCallback
from .data_dir import DirectoryLock, require_space
from .shard import EdgeEngine


class EdgeCollection(Collection):
    """A collection whose index can be measured before it is built, and which is closed explicitly."""

    def __init__(self, name: str, manifest: Manifest, engine: EdgeEngine) -> None:
        super().__init__(name, manifest, engine)
        self._edge = engine

    @classmethod
    def load(cls, name: str, folder: Path, manifest: Manifest, *, reserve_bytes: int) -> Self:
        """Open the collection in `folder`, or create its shard if there is none yet."""
        return cls(name, manifest, EdgeEngine.load(name, folder, manifest, reserve_bytes=reserve_bytes))

    async def measure_index(self, storage: IndexOptions, *, on_status: StatusCallback) -> tuple[IndexMeasurement, int]:
        """Return what this index would find and cost, and its bytes on disk; the collection stays as it is."""
        wanted = replace(self.manifest, storage=replace(storage, indexed=await self.count()))
        return await self._edge.measure_index(wanted, on_status=on_status)

    def close(self) -> None:
        """Flush and close the shard; tasks that still use the collection get `NotFound`."""
        self._edge.close()


class EdgeStore:
    """Collections as folders: `<data directory>/collections/<name>/` holds `manifest.json` and `shard/`.

    qdrant-edge never releases the GIL, so its calls (8 ms for 100,000 points) run on the event loop: a thread would add
    overhead and free nothing.
    """

    is_shared = False

    def __init__(self, directory: Path, *, reserve_bytes: int) -> None:
        self._root = directory / "collections"
        self._lock = DirectoryLock(directory)
        self._reserve_bytes = reserve_bytes
        self._open: dict[str, EdgeCollection] = {}

    async def names(self) -> list[str]:
        """Return the names of all collections, sorted; works even while another process holds the directory."""
        return sorted(path.parent.name for path in self._root.glob(f"*/{MANIFEST}"))

    async def open(self, name: str, *, create: Manifest | None = None) -> EdgeCollection:
        """Return the collection; if there is none, create it with the manifest `create`.

        Raises:
            NotFound: There is no such collection, and `create` is None; the message lists those there are.
            InvalidInput: The name cannot be the name of a folder.
            StoreBusy: Another process holds the data directory.
        """
        if name not in self._open:
            folder = self.folder(name)
            if not (folder / MANIFEST).exists():
                if create is None:
                    raise await self._unknown(name)
                self._lock.acquire()
                shutil.rmtree(folder, ignore_errors=True)  # the remains of an interrupted deletion
                folder.mkdir(parents=True)
                require_space(folder, self._reserve_bytes, outcome="Nothing was written.")
                write_manifest(folder / MANIFEST, create)
            self._lock.acquire()
            manifest = read_manifest(folder / MANIFEST)
            self._open[name] = EdgeCollection.load(name, folder, manifest, reserve_bytes=self._reserve_bytes)
        return self._open[name]

    async def drop(self, name: str) -> None:
        """Delete a collection and everything in it.

        Raises:
            NotFound: There is no collection of that name.
        """
        folder = self.folder(name)
        if not (folder / MANIFEST).exists():
            raise await self._unknown(name)
        self._lock.acquire()
        if (collection := self._open.pop(name, None)) is not None:
            collection.close()
        (folder / MANIFEST).unlink()  # first: without a manifest, a half-deleted folder is not taken for a collection
        shutil.rmtree(folder)

    async def close(self) -> None:
        """Flush and close every shard and release the data directory."""
        self._close_shards()
        self._lock.release()

    async def close_shards(self) -> None:
        """Flush and close every shard, but keep the data directory locked, so that its files do not change."""
        self._lock.acquire()
        self._close_shards()

    def folder(self, name: str) -> Path:
        """Return the folder of a collection, whether it exists or not."""
        check_name(name)
        return self._root / name

    def work_folder(self, name: str) -> Path:
        """Return the path of a temporary folder beside the collections, which only this store uses."""
        self._lock.acquire()
        self._root.mkdir(exist_ok=True)
        return self._root.parent / name

    def _close_shards(self) -> None:
        while self._open:
            _, collection = self._open.popitem()
            collection.close()

    async def _unknown(self, name: str) -> NotFound:
        return unknown_collection(name, await self.names())
