"""Search by example passages: similar to some, dissimilar to others."""

from collections.abc import Sequence
from uuid import UUID

from ..core.errors import NotFound
from ..core.vectors import Vector
from .protocols import Searchable

NEGATIVE_WEIGHT = 0.5  # of the negative examples' mean; gives the direction of Qdrant's `average_vector`


async def find_examples(collection: Searchable, passage_ids: Sequence[str]) -> set[UUID]:
    """Return the point ids of example passages.

    Raises:
        InvalidInput: An id is not a passage id.
        NotFound: There is no such passage.
    """
    ids = {each: collection.point_of(each) for each in passage_ids}
    stored = await collection.fetch(list(ids.values())) if ids else {}
    if missing := [each for each, key in ids.items() if key not in stored]:
        raise NotFound(f"No passage {missing[0]!r} in collection {collection.name!r}. Take a passage_id from a hit.")
    return set(ids.values())


async def vectors_of(collection: Searchable, passage_ids: Sequence[str], name: str) -> list[Vector]:
    """Return the dense vectors of this name that the passages have."""
    import numpy as np

    ids = [collection.point_of(each) for each in passage_ids]
    found = await collection.fetch_vectors(ids, name) if ids else {}
    return [vector for key in ids if isinstance(vector := found.get(key), np.ndarray)]


def rocchio(positive: Sequence[Sequence[Vector]], negative: Sequence[Vector]) -> Vector:
    """Return the query vector, of length 1, between the means of positive and negative examples.

    The groups of `positive` have equal weights, whatever their sizes. Without a direction it is the first vector.

    Source: Rocchio, "Relevance feedback in information retrieval", 1971.
    """
    import numpy as np

    target = _mean([_mean(group) for group in positive])
    if negative:
        target = target - NEGATIVE_WEIGHT * _mean(negative)
    length = np.linalg.norm(target)
    return (target / length).astype(np.float32) if length else positive[0][0]


def _mean(vectors: Sequence[Vector]) -> Vector:
    import numpy as np

    return np.stack(vectors).mean(axis=0, dtype=np.float32)
