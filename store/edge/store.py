"""The embedded store: one qdrant-edge shard per collection under the data directory."""

import shutil
from pathlib import Path

from ...core.errors import NotFound
from ..manifest import MANIFEST, Manifest, read_manifest, write_manifest
from ..protocols import check_name, unknown_collection
from .collection import EdgeCollection
from .data_dir import DirectoryLock, require_space


class EdgeStore:
    """Collections as folders: `<data directory>/collections/<name>/` holds `manifest.json` and `shard/`.

    qdrant-edge never releases the GIL, so its calls (8 ms for 100,000 points) are made where they stand: a thread would
    cost a hop and free nothing.
    """

    is_shared = False

    def __init__(self, directory: Path, *, reserve_bytes: int) -> None:
        self._root = directory / "collections"
        self._lock = DirectoryLock(directory)
        self._reserve_bytes = reserve_bytes
        self._open: dict[str, EdgeCollection] = {}

    async def names(self) -> list[str]:
        """Return the names of all collections, sorted; works while another process holds the directory."""
        return sorted(path.parent.name for path in self._root.glob(f"*/{MANIFEST}"))

    async def open(self, name: str, *, create: Manifest | None = None) -> EdgeCollection:
        """Return the collection, made with the manifest given when there is none.

        Raises:
            NotFound: When there is none and `create` is None; lists the known ones.
            InvalidInput: When the name cannot be a folder's.
            StoreBusy: When another process holds the data directory.
        """
        if name not in self._open:
            folder = self.folder(name)
            if not (folder / MANIFEST).exists():
                if create is None:
                    raise await self._unknown(name)
                self._lock.acquire()
                shutil.rmtree(folder, ignore_errors=True)  # what is left of a deletion that was interrupted
                folder.mkdir(parents=True)
                require_space(folder, self._reserve_bytes, outcome="Nothing was written.")
                write_manifest(folder / MANIFEST, create)
            self._lock.acquire()
            manifest = read_manifest(folder / MANIFEST)
            self._open[name] = EdgeCollection.load(name, folder, manifest, reserve_bytes=self._reserve_bytes)
        return self._open[name]

    async def drop(self, name: str) -> None:
        """Delete a collection with all it holds.

        Raises:
            NotFound: When there is none of that name.
        """
        folder = self.folder(name)
        if not (folder / MANIFEST).exists():
            raise await self._unknown(name)
        self._lock.acquire()
        if (collection := self._open.pop(name, None)) is not None:
            collection.close()
        (folder / MANIFEST).unlink()  # first: without it a half-deleted folder is no collection
        shutil.rmtree(folder)

    async def close(self) -> None:
        """Flush and close every shard and release the data directory."""
        self._close_shards()
        self._lock.release()

    async def settle(self) -> None:
        """Flush and close every shard, and keep the data directory: its files stay as they are until one is opened."""
        self._lock.acquire()
        self._close_shards()

    def folder(self, name: str) -> Path:
        """Return the folder of a collection, whether it is there or not."""
        check_name(name)
        return self._root / name

    def own_folder(self, name: str) -> Path:
        """Return a folder for work beside the collections, held by this store alone."""
        self._lock.acquire()
        self._root.mkdir(exist_ok=True)
        return self._root.parent / name

    def _close_shards(self) -> None:
        while self._open:
            _, collection = self._open.popitem()
            collection.close()

    async def _unknown(self, name: str) -> NotFound:
        return unknown_collection(name, await self.names())
