"""Manifests of collections at a Qdrant server, which stores them as metadata of the collection.

Tunings and metadata fields are stored beside the manifest, under keys of their own. The server changes keys separately,
so two processes that tune different rerankers or add fields at the same time do not overwrite each other.
"""

from collections.abc import Callable, Generator, Iterable, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from pydantic import TypeAdapter, ValidationError

from ...core.errors import DamagedManifest
from ..fields import FieldType, widened
from ..manifest import Manifest, Tuning, dump_manifest, parse_manifest
from .connection import QdrantConnection

METADATA_KEY = "resift"
"""The metadata key of the manifest, a JSON text. Qdrant has collection metadata since 1.16."""

TUNING_KEY = "resift-tuning:"
"""The prefix of the metadata key of a reranker's tuning, a JSON text."""

FIELD_KEY = "resift-field:"
"""The prefix of a metadata key of a metadata field, followed by a type, ":" and the name of the field.

A field that got a wider type has several. Nothing is ever taken back, so nobody can overwrite what others add.
"""

ROUNDS = 5  # of writing and reading back; more are needed only while others write at the same moment

_TUNING = TypeAdapter(Tuning)

_TYPE: TypeAdapter[FieldType] = TypeAdapter(FieldType)


async def read_metadata(connection: QdrantConnection, name: str) -> dict[str, Any]:
    """Return the metadata of a collection, by Resift and by others, without deleted keys."""
    info = await connection.ask_metadata(name, lambda client: client.get_collection(name))
    return {key: value for key, value in (info.config.metadata or {}).items() if value is not None}


async def load_manifest(connection: QdrantConnection, name: str) -> Manifest | None:
    """Return the manifest of a collection; None if it has none.

    Raises:
        DamagedManifest: It is damaged, or a part that is stored beside it.
    """
    return _whole(await read_metadata(connection, name), name, connection)


async def save_manifest(
    connection: QdrantConnection, name: str, manifest: Manifest, *, over: Manifest | None = None
) -> None:
    """Store the manifest in place of `over`, the one that was read; metadata of others stays.

    Of the tunings, only those that differ from `over` are written.
    """
    await _save(connection, name, manifest, over=over, metadata=await read_metadata(connection, name))


async def merge_manifest(
    connection: QdrantConnection, name: str, merge: Callable[[Manifest | None], Manifest]
) -> Manifest | None:
    """Store what `merge` makes of the stored manifest; return what is stored then.

    The server cannot compare and write at once. Whoever has to be sure that nothing was lost merges until what is
    stored stays the same.
    """
    metadata = await read_metadata(connection, name)
    stored = _whole(metadata, name, connection)
    merged = merge(stored)
    if merged != stored:
        await _save(connection, name, merged, over=stored, metadata=metadata)
    return await load_manifest(connection, name)


async def delete_manifest(connection: QdrantConnection, name: str) -> None:
    """Delete Resift's metadata of a collection, and nothing else."""
    metadata = await read_metadata(connection, name)
    ours = [key for key in metadata if key == METADATA_KEY or key.startswith((TUNING_KEY, FIELD_KEY))]
    await _change(connection, name, dict.fromkeys(ours))


def metadata_for(manifest: Manifest) -> dict[str, Any]:
    """Return the metadata for a new collection."""
    return _entries(manifest, manifest.tuning.keys())


async def _save(
    connection: QdrantConnection,
    name: str,
    manifest: Manifest,
    *,
    over: Manifest | None,
    metadata: Mapping[str, Any],
) -> None:
    before: Mapping[str, Tuning] = over.tuning if over else {}
    old: Mapping[str, Tuning] = _base(metadata, name, connection).tuning if METADATA_KEY in metadata else {}
    missing = {reranker for reranker in old if _key(reranker) not in metadata}
    changed = {each for each in {*before, *manifest.tuning} if before.get(each) != manifest.tuning.get(each)}
    entries = _entries(manifest, changed | missing)
    kept = {key for key in entries if key.startswith(FIELD_KEY) and key in metadata}
    await _change(connection, name, {key: value for key, value in entries.items() if key not in kept})


def _entries(manifest: Manifest, rerankers: Iterable[str]) -> dict[str, Any]:
    """Return the manifest, its fields and the tunings of these rerankers as metadata; None deletes a tuning.

    The manifest repeats the fields, for earlier versions. Those of an adopted collection are there only: they are
    replaced as a whole when it is adopted again.
    """
    entries: dict[str, Any] = {METADATA_KEY: dump_manifest(replace(manifest, tuning={}))}
    for each in rerankers:
        tuning = manifest.tuning.get(each)
        entries[_key(each)] = None if tuning is None else _TUNING.dump_json(tuning).decode()
    if manifest.adopted is None:
        entries |= {f"{FIELD_KEY}{kind}:{field}": True for field, kind in manifest.fields.items()}
    return entries


def _key(reranker: str) -> str:
    return f"{TUNING_KEY}{reranker}"


async def _change(connection: QdrantConnection, name: str, changes: Mapping[str, Any]) -> None:
    await connection.ask(lambda client: client.update_collection(name, metadata=dict(changes)))


def _whole(metadata: Mapping[str, Any], name: str, connection: QdrantConnection) -> Manifest | None:
    """Return the manifest in the metadata of a collection with what is stored beside it."""
    if METADATA_KEY not in metadata:
        return None
    manifest, place = _base(metadata, name, connection), _place(name, connection)
    tuning, fields = dict(manifest.tuning), manifest.fields
    for key, value in metadata.items():
        with _naming(key, place):
            if key.startswith(TUNING_KEY):
                tuning[key.removeprefix(TUNING_KEY)] = _TUNING.validate_json(value)
            elif key.startswith(FIELD_KEY) and manifest.adopted is None:
                kind, _, field = key.removeprefix(FIELD_KEY).partition(":")
                fields = widened(fields, {field: _TYPE.validate_python(kind)})
    return replace(manifest, tuning=tuning, fields=fields)


def _base(metadata: Mapping[str, Any], name: str, connection: QdrantConnection) -> Manifest:
    return parse_manifest(metadata[METADATA_KEY], _place(name, connection))


def _place(name: str, connection: QdrantConnection) -> str:
    return f"of collection {name!r} at {connection.address.shown}"


@contextmanager
def _naming(key: str, place: str) -> Generator[None]:
    """Name the key of the metadata that cannot be read."""
    try:
        yield
    except ValidationError as error:
        raise DamagedManifest(
            f"The metadata {key!r} {place} is damaged: {error.errors()[0]['msg']}. The collection can be used again "
            f"when you have deleted this key at Qdrant: update the collection with metadata {{{key!r}: null}}."
        ) from error
