"""Manifests of collections at a Qdrant server, which stores them as metadata of the collection.

Tunings are stored beside the manifest, under one key per reranker. The server changes keys separately, so two processes
that tune different rerankers at the same time do not overwrite each other.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from pydantic import TypeAdapter

from ..manifest import Manifest, Tuning, dump_manifest, parse_manifest
from .connection import QdrantConnection

METADATA_KEY = "resift"
"""The metadata key of the manifest, a JSON text. Qdrant has collection metadata since 1.16."""

TUNING_KEY = "resift-tuning:"
"""The prefix of the metadata key of a reranker's tuning, a JSON text."""

_TUNING = TypeAdapter(Tuning)


async def read_metadata(connection: QdrantConnection, name: str) -> dict[str, Any]:
    """Return the metadata of a collection, by Resift and by others, without deleted keys."""
    info = await connection.ask(lambda client: client.get_collection(name))
    return {key: value for key, value in (info.config.metadata or {}).items() if value is not None}


async def load_manifest(connection: QdrantConnection, name: str) -> Manifest | None:
    """Return the manifest of a collection; None if it has none."""
    metadata = await read_metadata(connection, name)
    if METADATA_KEY not in metadata:
        return None
    manifest = _base(metadata, name, connection)
    return replace(manifest, tuning={**manifest.tuning, **_tuning_in(metadata)})


async def save_manifest(
    connection: QdrantConnection, name: str, manifest: Manifest, *, over: Manifest | None = None
) -> None:
    """Store the manifest in place of `over`, the one that was read; metadata of others stays.

    Of the tunings, only those that differ from `over` are written.
    """
    before: Mapping[str, Tuning] = over.tuning if over else {}
    metadata = await read_metadata(connection, name)
    old: Mapping[str, Tuning] = _base(metadata, name, connection).tuning if METADATA_KEY in metadata else {}
    missing = {reranker for reranker in old if _key(reranker) not in metadata}
    changed = {each for each in {*before, *manifest.tuning} if before.get(each) != manifest.tuning.get(each)}
    await _change(connection, name, _entries(manifest, changed | missing))


async def delete_manifest(connection: QdrantConnection, name: str) -> None:
    """Delete Resift's metadata of a collection, and nothing else."""
    metadata = await read_metadata(connection, name)
    await _change(
        connection, name, {key: None for key in metadata if key == METADATA_KEY or key.startswith(TUNING_KEY)}
    )


def metadata_for(manifest: Manifest) -> dict[str, Any]:
    """Return the metadata for a new collection."""
    return _entries(manifest, manifest.tuning.keys())


def _entries(manifest: Manifest, rerankers: Iterable[str]) -> dict[str, Any]:
    """Return the manifest and the tunings of these rerankers as metadata; None deletes a tuning."""
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
