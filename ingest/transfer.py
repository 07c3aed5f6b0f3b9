"""Copying a collection from one store to another: resumable by document, counted and compared at the end."""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from ..core.errors import IncompatibleCollection, StoreError
from ..core.vectors import AnyVector, Multi, Sparse
from ..store.fields import widen
from ..store.points import payload_of
from ..store.protocols import Collection, Entry, Point, Store
from .job import Progress

PASSAGES_AT_ONCE = 256

CLOSE = 1e-5  # between components: both stores scale dense vectors to length 1, each in its own arithmetic


@dataclass(frozen=True, slots=True)
class Copied:
    """What was copied now, what was there already, and the checksum that both sides have."""

    documents: int
    unchanged: int
    passages: int
    """Of all documents of the source, as counted on both sides."""
    checksum: str
    """SHA-256 over every passage and its metadata, in the order of their ids."""


async def copy_collection(source: Collection, target: Store, *, progress: Progress | None = None) -> Copied:
    """Copy what the source holds into the collection of the same name; documents that only the target has stay.

    A document counts as copied when its first passage is there with the same digest, so an interrupted copy goes on
    where it stopped.

    Raises:
        IncompatibleCollection: When the target has a collection of that name with other vectors.
        StoreError: When the copy differs from its source.
    """
    if source.manifest.adopted is not None:
        raise StoreError(
            f"Collection {source.name!r} was made elsewhere and adopted: what Resift keeps of documents is not in it. "
            "Copy it by Qdrant's snapshots, or ingest its documents into a collection of Resift's."
        )
    unindexed = replace(source.manifest.storage, indexed=0)
    new = replace(source.manifest, fields={}, storage=unindexed)  # fields are indexed when they are remembered
    copy = await target.open(source.name, create=new)
    copy.manifest.check_writable(source.name)
    _check_alike(source, copy)
    fields = dict(copy.manifest.fields)
    for name, kind in source.manifest.fields.items():
        fields[name] = widen(fields.get(name, kind), kind)
    await copy.remember(replace(copy.manifest, fields=fields))
    entries = await source.entries()
    there = await copy.entries()
    missing = {key: entry for key, entry in entries.items() if there.get(key) != entry}
    done = len(entries) - len(missing)
    for ids in _groups(missing):
        await copy.write(await source.read(ids))
        done += len(ids)
        if progress is not None:
            await progress(done, len(entries), "copied")
    await copy.flush()
    passages, checksum = await _compare(source, copy, entries, progress)
    return Copied(len(missing), len(entries) - len(missing), passages=passages, checksum=checksum)


def _check_alike(source: Collection, copy: Collection) -> None:
    ours, theirs = source.manifest, copy.manifest
    if (ours.vectors, ours.lexical) != (theirs.vectors, theirs.lexical):
        raise IncompatibleCollection(
            f"The target has a collection {source.name!r} with other vectors: {sorted(theirs.vectors)} by "
            f"{theirs.encoder}; the source has {sorted(ours.vectors)} by {ours.encoder}. Delete it there, or keep both."
        )


def _groups(entries: Mapping[str, Entry]) -> Iterator[list[str]]:
    """Yield documents in groups of about `PASSAGES_AT_ONCE` passages."""
    group, passages = list[str](), 0
    for key in sorted(entries):
        group.append(key)
        passages += entries[key].passages
        if passages >= PASSAGES_AT_ONCE:
            yield group
            group, passages = [], 0
    if group:
        yield group


async def _compare(
    source: Collection, copy: Collection, entries: Mapping[str, Entry], progress: Progress | None
) -> tuple[int, str]:
    passages, done, checksum = 0, 0, hashlib.sha256()
    for ids in _groups(entries):
        original, copied = _in_order(await source.read(ids)), _in_order(await copy.read(ids))
        digests = [b"".join(map(_digest, side)) for side in (original, copied)]
        if digests[0] != digests[1] or not all(map(_same_vectors, original, copied)):
            raise StoreError(
                f"The copy of collection {source.name!r} differs from its source between documents {ids[0]!r} and "
                f"{ids[-1]!r}: {len(original)} and {len(copied)} passages. Was one changed meanwhile? Run it again."
            )
        checksum.update(digests[0])
        passages += len(original)
        done += len(ids)
        if progress is not None:
            await progress(done, len(entries), "compared")
    return passages, checksum.hexdigest()


def _in_order(points: Sequence[Point]) -> list[Point]:
    return sorted(points, key=lambda point: (point.passage.document_id, point.passage.ordinal))


def _digest(point: Point) -> bytes:
    return hashlib.sha256(json.dumps(payload_of(point), sort_keys=True).encode()).digest()


def _same_vectors(one: Point, other: Point) -> bool:
    if one.vectors.keys() != other.vectors.keys():
        return False
    return all(_is_same(vector, other.vectors[name]) for name, vector in one.vectors.items())


def _is_same(one: AnyVector, other: AnyVector) -> bool:
    if isinstance(one, Sparse) or isinstance(other, Sparse):
        return isinstance(one, Sparse) and isinstance(other, Sparse) and _weights(one) == _weights(other)
    first = one.rows if isinstance(one, Multi) else one
    second = other.rows if isinstance(other, Multi) else other
    return first.shape == second.shape and bool(np.allclose(first, second, atol=CLOSE))


def _weights(vector: Sparse) -> list[tuple[int, np.float32]]:
    return sorted(zip(vector.indices, map(np.float32, vector.values), strict=True))
