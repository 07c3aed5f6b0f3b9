"""The store at a Qdrant server, cluster or cloud."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from anyio import CapacityLimiter, create_task_group

from ...core.errors import DamagedManifest, Hint, NotFound, ResiftError, StoreError, StoreUnavailable
from ..collection import Collection
from ..manifest import Manifest
from ..naming import check_name, unknown_collection
from .adopted.collection import AdoptedCollection
from .connection import QdrantConnection
from .layout import ClusterLayout, dense_params, sparse_params
from .manifests import METADATA_KEY, load_manifest, metadata_for, read_metadata
from .ownership import check_made_here
from .payload_index import PayloadIndexes
from .server_engine import QdrantEngine

if TYPE_CHECKING:
    from qdrant_client import AsyncQdrantClient


CACHE_S = 2.0  # how long a manifest is cached; other processes may change it on the server

CONCURRENT_REQUESTS = 8  # while reading the metadata of every collection


class QdrantStore:
    """The collections of a server; those that Resift created or adopted have its manifest in their metadata."""

    is_shared = True

    def __init__(
        self, connection: QdrantConnection, layout: ClusterLayout, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.layout = layout
        """The layout of collections that are created from now on."""
        self._connection = connection
        self._clock = clock
        self._open: dict[str, tuple[Collection, float]] = {}

    @property
    def connection(self) -> QdrantConnection:
        """Return the connection to the server."""
        return self._connection

    async def names(self) -> list[str]:
        """Return the names of all collections that Resift created or adopted, sorted.

        Those that cannot be read now are among them, so that whoever opens them is told why.
        """
        return [name for name, is_ours in (await self.all_names()).items() if is_ours is not False]

    async def all_names(self) -> dict[str, bool | None]:
        """Return every collection visible with this key, by name, and whether Resift created or adopted it.

        None where that cannot be read.

        Raises:
            StoreError: The server does not answer.
        """
        answer = await self._connection.ask(lambda client: client.get_collections())
        ours: dict[str, bool | None] = dict.fromkeys(sorted(each.name for each in answer.collections), False)
        limiter, failed = CapacityLimiter(CONCURRENT_REQUESTS), list[ResiftError]()

        async def look(name: str) -> None:
            async with limiter:
                try:
                    ours[name] = METADATA_KEY in await read_metadata(self._connection, name)
                except NotFound:  # deleted meanwhile
                    pass
                except ResiftError as error:
                    ours[name] = None
                    failed.append(error)

        async with create_task_group() as group:
            for name in ours:
                group.start_soon(look, name)
        if len(failed) == len(ours) and all(isinstance(each, StoreUnavailable) for each in failed):
            for error in failed:  # the server has gone away meanwhile
                raise error
        return ours

    async def open(self, name: str, *, create: Manifest | None = None) -> Collection:
        """Return the collection; if there is none, create it with the manifest `create`.

        Raises:
            NotFound: There is no such collection, and `create` is None; the message lists those there are.
            InvalidInput: The name is not valid for a collection.
            StoreError: The collection exists, but Resift neither created nor adopted it.
        """
        collection, checked = self._open.get(name, (None, 0.0))
        if collection is not None and self._clock() - checked < CACHE_S:
            return collection
        check_name(name)
        if not await self._exists(name):
            if create is None:
                raise await self._unknown(name)
            await self._make(name, create)
        manifest = await self._manifest_of(name)
        if manifest.adopted is not None:
            collection = AdoptedCollection(name, manifest, manifest.adopted, self._connection)
        elif collection is None or collection.manifest.adopted is not None:
            indexes = PayloadIndexes(name, self._connection)
            if create is not None:
                await indexes.index_document_fields()  # even if it exists: its creation may have been interrupted
            collection = Collection(name, manifest, QdrantEngine(name, self._connection, indexes=indexes))
        collection.manifest = manifest
        self._open[name] = (collection, self._clock())
        return collection

    async def drop(self, name: str) -> None:
        """Delete a collection and everything in it.

        Raises:
            NotFound: There is no collection of that name.
            StoreError: The collection was adopted, or it may have been made elsewhere.
        """
        check_name(name)
        self._open.pop(name, None)
        if not await self._exists(name):
            raise await self._unknown(name)
        try:
            (await self._manifest_of(name)).check_writable(name)  # Resift does not delete what it did not create
        except DamagedManifest:
            await check_made_here(self._connection, name)
        await self._connection.ask(lambda client: client.delete_collection(name))

    async def close(self) -> None:
        """Close the connection."""
        self._open.clear()
        await self._connection.close()

    async def _exists(self, name: str) -> bool:
        return await self._connection.ask(lambda client: client.collection_exists(name))

    async def _make(self, name: str, manifest: Manifest) -> None:
        layout = self.layout

        async def make(client: AsyncQdrantClient) -> None:
            if not await client.collection_exists(name):  # this may be a retry after a lost answer
                await client.create_collection(
                    name,
                    vectors_config=dense_params(manifest),
                    sparse_vectors_config=sparse_params(manifest),
                    replication_factor=layout.replication_factor or None,
                    shard_number=layout.shard_number or None,
                    write_consistency_factor=layout.write_consistency_factor or None,
                    on_disk_payload=layout.payload_on_disk,
                    metadata=metadata_for(manifest),
                )

        await self._connection.ask(make)

    async def _manifest_of(self, name: str) -> Manifest:
        manifest = await load_manifest(self._connection, name)
        if manifest is None:
            raise StoreError(
                f"Collection {name!r} at {self._connection.address.shown} was not made by Resift. To ingest, choose "
                "another collection name.",
                hint=Hint.ADOPT,
                collection=name,
            )
        return manifest

    async def _unknown(self, name: str) -> NotFound:
        return unknown_collection(name, await self.names())
