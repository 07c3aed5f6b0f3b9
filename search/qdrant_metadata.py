"""The manifest of a collection at a Qdrant server, in the metadata that the server keeps with it."""

from typing import Any

from .manifest import Manifest, dump_manifest, parse_manifest
from .qdrant_connection import QdrantConnection

METADATA_KEY = "resift"
"""Of the collection's own metadata, which Qdrant 1.16 introduced: under it stands the manifest, one JSON text."""


async def metadata_of(connection: QdrantConnection, name: str) -> dict[str, Any]:
    """Return what is kept beside a collection, by Resift and by others."""
    info = await connection.ask(lambda client: client.get_collection(name))
    return info.config.metadata or {}


async def read_manifest_of(connection: QdrantConnection, name: str) -> Manifest | None:
    """Return the manifest that lies beside a collection; None where there is none of Resift's."""
    text = (await metadata_of(connection, name)).get(METADATA_KEY)
    return None if text is None else parse_manifest(text, f"of collection {name!r} at {connection.address.shown}")


async def keep_manifest_of(connection: QdrantConnection, name: str, manifest: Manifest | None) -> None:
    """Put the manifest beside a collection, or take it away; what others keep there stays."""
    metadata = {METADATA_KEY: None if manifest is None else dump_manifest(manifest)}
    await connection.ask(lambda client: client.update_collection(name, metadata=metadata))
