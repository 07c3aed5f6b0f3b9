"""Copying a collection from one store to another: resumable, and compared at the end."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ..core.errors import IncompatibleCollection, StoreError
from ..core.vectors import AnyVector, Multi, Sparse
from ..store.collection import Collection, Store
from ..store.fields import widen
from ..store.points import payload_of
from ..store.protocols import Entry, Point
from .report import Progress

if TYPE_CHECKING:
    import numpy as np


_BATCH_PASSAGES = 256

_TOLERANCE = 1e-5  # each store scales dense vectors to length 1 in its own arithmetic


@dataclass(frozen=True, slots=True)
class Copied:
    """What was copied, what the target had already, and the checksum of both sides."""

    documents: int
    unchanged: int
    passages: int
    """Of all documents of the source; the target has as many."""
    checksum: str
    """SHA-256 over every passage and its metadata, in the order of their ids."""


async def copy_collection(source: Collection, target: Store, *, progress: Progress | None = None) -> Copied:
    """Copy a collection to the target store, into the collection of its name. Documents only there are kept.

    A document counts as copied when its first passage is there with the same digest, so an interrupted copy can be
    resumed.

    Raises:
        IncompatibleCollection: The target has a collection of that name with other vectors.
        StoreError: The copy differs from its source, or the source is an adopted collection.
    """
    if source.manifest.adopted is not None:
        raise StoreError(
            f"Collection {source.name!r} was not made by Resift, so it has no record of its documents to copy. Copy "
            "it with Qdrant's snapshots, or ingest its documents into a new collection."
        )
    copy = await _open_copy(source, target)
    entries = await source.entries()
    copied = await copy.entries()
    missing = {key: entry for key, entry in entries.items() if copied.get(key) != entry}
    unchanged = done = len(entries) - len(missing)
    for ids in document_batches(missing):
        await copy.write(await source.read(ids))
        done += len(ids)
        if progress is not None:
            await progress(done, 2 * len(entries), f"Copied {done:,} of {len(entries):,} documents")
    await copy.flush()
    passages, checksum = await _compare(source, copy, entries, progress)
    return Copied(documents=len(missing), unchanged=unchanged, passages=passages, checksum=checksum)


async def _open_copy(source: Collection, target: Store) -> Collection:
    """Return the target's collection, made where needed, with the metadata fields of both."""
    unindexed = replace(source.manifest.storage, indexed=0)
    new = replace(source.manifest, fields={}, storage=unindexed)  # `remember` indexes the fields
    copy = await target.open(source.name, create=new)
    copy.manifest.check_writable(source.name)
    copy.manifest.check_purpose(source.name, evaluation=source.manifest.evaluation)
    _check_vectors(source, copy)
    fields = dict(copy.manifest.fields)
    for name, kind in source.manifest.fields.items():
        fields[name] = widen(fields.get(name, kind), kind)
    await copy.remember(replace(copy.manifest, fields=fields))
    return copy


def _check_vectors(source: Collection, copy: Collection) -> None:
    wanted, present = source.manifest, copy.manifest
    if (wanted.vectors, wanted.lexical) != (present.vectors, present.lexical):
        raise IncompatibleCollection(
            f"The target has a collection {source.name!r} with other vectors: {sorted(present.vectors)} of "
            f"{present.encoder}; the source has {sorted(wanted.vectors)} of {wanted.encoder}. Delete the target's "
            "collection, or keep both as they are."
        )


def document_batches(entries: Mapping[str, Entry], *, passages: int = _BATCH_PASSAGES) -> Iterator[list[str]]:
    """Yield the ids of documents in order, in batches of at least so many passages; the last may have fewer."""
    batch, held = list[str](), 0
    for key in sorted(entries):
        batch.append(key)
        held += entries[key].passages
        if held >= passages:
            yield batch
            batch, held = [], 0
    if batch:
        yield batch


async def _compare(
    source: Collection, copy: Collection, entries: Mapping[str, Entry], progress: Progress | None
) -> tuple[int, str]:
    """Return the number of passages and their checksum, or raise StoreError where the two sides differ."""
    passages, done, checksum = 0, 0, hashlib.sha256()
    for ids in document_batches(entries):
        original, copied = _in_order(await source.read(ids)), _in_order(await copy.read(ids))
        digests = [b"".join(map(_digest, side)) for side in (original, copied)]
        if digests[0] != digests[1] or not all(map(_have_same_vectors, original, copied)):
            raise StoreError(
                f"The copy of collection {source.name!r} differs from its source between documents {ids[0]!r} and "
                f"{ids[-1]!r}: {len(copied)} passages, not {len(original)}. If one was changed meanwhile, copy again."
            )
        checksum.update(digests[0])
        passages += len(original)
        done += len(ids)
        if progress is not None:
            await progress(len(entries) + done, 2 * len(entries), f"Compared {done:,} of {len(entries):,} documents")
    return passages, checksum.hexdigest()


def _in_order(points: Sequence[Point]) -> list[Point]:
    return sorted(points, key=lambda point: (point.passage.document_id, point.passage.ordinal))


def _digest(point: Point) -> bytes:
    return hashlib.sha256(json.dumps(payload_of(point), sort_keys=True).encode()).digest()


def _have_same_vectors(one: Point, other: Point) -> bool:
    if one.vectors.keys() != other.vectors.keys():
        return False
    return all(_are_close(vector, other.vectors[name]) for name, vector in one.vectors.items())


def _are_close(one: AnyVector, other: AnyVector) -> bool:
    import numpy as np

    if isinstance(one, Sparse) or isinstance(other, Sparse):
        return isinstance(one, Sparse) and isinstance(other, Sparse) and _weights(one) == _weights(other)
    first = one.rows if isinstance(one, Multi) else one
    second = other.rows if isinstance(other, Multi) else other
    return first.shape == second.shape and bool(np.allclose(first, second, atol=_TOLERANCE))


def _weights(vector: Sparse) -> list[tuple[int, np.float32]]:
    import numpy as np

    return sorted(zip(vector.indices, map(np.float32, vector.values), strict=True))
