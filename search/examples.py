"""Passages as examples: more like these, less like those."""

from collections.abc import Sequence
from uuid import UUID

import numpy as np

from ..core.errors import NotFound
from ..core.vectors import Vector
from ..store.collection import Collection

AWAY = 0.5  # of the counter-examples' mean is taken off: with it the target is Qdrant's `average_vector`, halved


async def find_examples(collection: Collection, passage_ids: Sequence[str]) -> set[UUID]:
    """Return the point ids of passages that a search goes by.

    Raises:
        InvalidInput: When an id is no passage id.
        NotFound: When there is no such passage.
    """
    ids = {each: collection.point_of(each) for each in passage_ids}
    held = await collection.fetch(list(ids.values())) if ids else {}
    if missing := [each for each, key in ids.items() if key not in held]:
        raise NotFound(f"No passage {missing[0]!r} in collection {collection.name!r}. Take a passage_id from a hit.")
    return set(ids.values())


async def vectors_of(collection: Collection, passage_ids: Sequence[str], name: str) -> list[Vector]:
    """Return the dense vectors of this name that the passages have."""
    ids = [collection.point_of(each) for each in passage_ids]
    found = await collection.fetch_vectors(ids, name) if ids else {}
    return [vector for key in ids if isinstance(vector := found.get(key), np.ndarray)]


def towards(near: Sequence[Sequence[Vector]], away: Sequence[Vector]) -> Vector:
    """Return the direction of the mean of `near`, in which each group counts the same, bent away from that of `away`.

    Source: Rocchio, "Relevance feedback in information retrieval", 1971.
    """
    target = _mean([_mean(group) for group in near])
    if away:
        target = target - AWAY * _mean(away)
    length = np.linalg.norm(target)
    return (target / length).astype(np.float32) if length else near[0][0]


def _mean(vectors: Sequence[Vector]) -> Vector:
    return np.stack(vectors).mean(axis=0, dtype=np.float32)
