"""The manifest of a collection at a Qdrant server, in the metadata that the server keeps with it.

What was tuned stands beside the manifest, under a key for each reranker: the server changes one key and leaves the
others, so that two engines that tune at the same time both keep what they found.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from pydantic import TypeAdapter

from ..manifest import Manifest, Tuning, dump_manifest, parse_manifest
from .connection import QdrantConnection

METADATA_KEY = "resift"
"""Of the collection's own metadata, which Qdrant 1.16 introduced: under it stands the manifest, one JSON text."""

TUNING_KEY = "resift-tuning:"
"""With a reranker's name behind it, of its tuning, one JSON text."""

_TUNING = TypeAdapter(Tuning)


async def metadata_of(connection: QdrantConnection, name: str) -> dict[str, Any]:
    """Return what is kept beside a collection, by Resift and by others; keys that were taken away are not in it."""
    info = await connection.ask(lambda client: client.get_collection(name))
    return {key: value for key, value in (info.config.metadata or {}).items() if value is not None}


async def load_manifest(connection: QdrantConnection, name: str) -> Manifest | None:
    """Return the manifest that lies beside a collection; None where there is none of Resift's."""
    metadata = await metadata_of(connection, name)
    if METADATA_KEY not in metadata:
        return None
    manifest = _base(metadata, name, connection)
    return replace(manifest, tuning={**manifest.tuning, **_tuning_in(metadata)})


async def save_manifest(
    connection: QdrantConnection, name: str, manifest: Manifest, *, over: Manifest | None = None
) -> None:
    """Put the manifest beside a collection in the place of the one that was read, and leave what others keep there.

    Of the tuning, only what differs from that which was read is written.
    """
    before: Mapping[str, Tuning] = over.tuning if over else {}
    metadata = await metadata_of(connection, name)
    old: Mapping[str, Tuning] = _base(metadata, name, connection).tuning if METADATA_KEY in metadata else {}
    unmoved = {reranker for reranker in old if _key(reranker) not in metadata}
    changed = {each for each in {*before, *manifest.tuning} if before.get(each) != manifest.tuning.get(each)}
    await _change(connection, name, _entries(manifest, changed | unmoved))


async def delete_manifest(connection: QdrantConnection, name: str) -> None:
    """Take away what Resift keeps beside a collection, and nothing else."""
    metadata = await metadata_of(connection, name)
    await _change(
        connection, name, {key: None for key in metadata if key == METADATA_KEY or key.startswith(TUNING_KEY)}
    )


def metadata_for(manifest: Manifest) -> dict[str, Any]:
    """Return the metadata of a new collection."""
    return _entries(manifest, manifest.tuning.keys())


def _entries(manifest: Manifest, rerankers: Iterable[str]) -> dict[str, Any]:
    """Return the manifest and the tuning of these rerankers, None for one that has none, as metadata."""
    entries: dict[str, Any] = {METADATA_KEY: dump_manifest(replace(manifest, tuning={}))}
    for each in rerankers:
        tuning = manifest.tuning.get(each)
        entries[_key(each)] = None if tuning is None else _TUNING.dump_json(tuning).decode()
    return entries


def _key(reranker: str) -> str:
    return f"{TUNING_KEY}{reranker}"


async def _change(connection: QdrantConnection, name: str, changes: Mapping[str, Any]) -> None:
    await connection.ask(lambda client: client.update_collection(name, metadata=dict(changes)))


def _base(metadata: Mapping[str, Any], name: str, connection: QdrantConnection) -> Manifest:
    return parse_manifest(metadata[METADATA_KEY], f"of collection {name!r} at {connection.address.shown}")


def _tuning_in(metadata: Mapping[str, Any]) -> dict[str, Tuning]:
    texts = {key: value for key, value in metadata.items() if key.startswith(TUNING_KEY)}
    return {key.removeprefix(TUNING_KEY): _TUNING.validate_json(text) for key, text in texts.items()}
