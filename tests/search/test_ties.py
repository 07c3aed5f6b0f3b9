"""Equal scores come in one order, whatever was written when and however many are asked for."""

from pathlib import Path
from random import Random
from uuid import UUID

import numpy as np
import pytest

from resift.core.values import Passage
from resift.core.vectors import Sparse
from resift.search.ties import search_in_order
from resift.store.collection import Collection
from resift.store.edge.store import EdgeStore
from resift.store.manifest import Manifest
from resift.store.protocols import Leg, Point

pytestmark = pytest.mark.anyio

PASSAGES = 600
DENSE = np.eye(4, dtype=np.float32)
LEGS = [("dense", DENSE[0]), ("bm25", Sparse((1,), (1.0,)))]


def points() -> list[Point]:
    """Return passages of which a third ties with each other in either leg."""
    return [
        Point(
            Passage(f"d{number}", 0, text="text"),
            "digest",
            passages=1,
            vectors={"dense": DENSE[number % 3], "bm25": Sparse((number % 3,), (1.0,))},
        )
        for number in range(PASSAGES)
    ]


async def written(folder: Path, manifest: Manifest, *, seed: int) -> tuple[EdgeStore, Collection]:
    store = EdgeStore(folder / str(seed), reserve_bytes=0)
    collection = await store.open("ties", create=manifest)
    shuffled = points()
    Random(seed).shuffle(shuffled)
    for start in range(0, PASSAGES, 100):
        await collection.write(shuffled[start : start + 100])
    return store, collection


async def found(collection: Collection, limit: int) -> list[list[UUID]]:
    answers = await search_in_order(collection, [Leg(name, query, limit=limit) for name, query in LEGS], None)
    return [[key for key, _ in answer] for answer in answers]


async def test_equal_scores_come_in_the_order_of_their_ids(tmp_path: Path, manifest: Manifest) -> None:
    one, first = await written(tmp_path, manifest, seed=1)
    two, second = await written(tmp_path, manifest, seed=2)
    name, query = LEGS[1]
    raw = [await each.search([Leg(name, query, limit=50)]) for each in (first, second)]
    assert raw[0] != raw[1]  # the engine alone does not do it
    whole = await found(first, PASSAGES)
    for limit in (1, 7, 100, 200, 201, PASSAGES):
        answers = await found(first, limit)
        assert answers == await found(second, limit)
        assert answers == [leg[:limit] for leg in whole]
        assert all(leg[:200] == sorted(leg[:200]) for leg in answers)
    await one.close()
    await two.close()
