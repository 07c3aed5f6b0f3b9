"""Vectors of every kind are kept, searched and given back; those no search can use are refused."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import pytest

from resift.core.errors import InvalidInput
from resift.core.values import Passage
from resift.core.vectors import AnyVector, Multi, Sparse, Vector, VectorSpec, check_vectors, standard_vectors
from resift.store.edge.store import EdgeStore
from resift.store.manifest import Manifest
from resift.store.protocols import Leg, Point

pytestmark = pytest.mark.anyio

SPECS = {
    **standard_vectors("by-hand@1", 4),
    "summary": VectorSpec("dense", "summary", model="other@1", dimension=2),
    "learned": VectorSpec("sparse", "text", model="splade@1"),
    "tokens": VectorSpec("multi", "text", model="by-hand@1", dimension=4),
}
AXES = np.eye(4, dtype=np.float32)


def vec(values: Sequence[float] | Sequence[Sequence[float]]) -> Vector:
    return np.array(values, np.float32)


def point(name: str, **vectors: AnyVector) -> Point:
    return Point(Passage(name, 0, text="text"), "digest", passages=1, vectors=vectors)


async def test_every_kind_of_vector_is_searched_and_given_back_after_reopening(
    store: EdgeStore, manifest: Manifest
) -> None:
    collection = await store.open("c", create=replace(manifest, vectors=SPECS))
    tokens = [Multi(AXES[:2]), Multi(AXES[2:]), Multi(vec([[1, 0, 0, 1], [0, 0, 2, 0], [1, 1, 1, 1]]))]
    points = [
        point("a", dense=AXES[0], summary=vec([3, 4]), learned=Sparse((5, 9), (2.0, 0.5)), tokens=tokens[0]),
        point("b", dense=AXES[1], summary=vec([1, 0]), learned=Sparse((9,), (3.0,)), tokens=tokens[1]),
        point("c", dense=AXES[2], bm25=Sparse((), ()), tokens=tokens[2]),
    ]
    await collection.write(points)
    await store.close()
    collection = await store.open("c")
    a, b, c = (each.passage.point_id("c") for each in points)

    legs = [
        Leg("summary", vec([0, 1]), limit=5),
        Leg("learned", Sparse((9,), (2.0,)), limit=5),
        Leg("tokens", Multi(AXES[:3]), limit=5),
    ]
    summary, learned, late = await collection.search(legs)
    assert summary == [(a, pytest.approx(0.8)), (b, pytest.approx(0))]  # cosine
    assert learned == [(b, pytest.approx(6)), (a, pytest.approx(1))]  # dot product, without document frequencies
    best = np.sqrt(0.5) + 0.5 + 1  # of c's rows, scaled to length 1, for each of the three asked for
    assert late == [(c, pytest.approx(best)), (a, pytest.approx(2)), (b, pytest.approx(1))]

    assert await collection.fetch_vectors([b, c], "learned") == {b: Sparse((9,), (3.0,))}
    dense = await collection.fetch_vectors([a, b], "summary")
    assert {key: np.asarray(value).tolist() for key, value in dense.items()} == {
        a: pytest.approx([0.6, 0.8]),
        b: [1, 0],
    }
    rows = (await collection.fetch_vectors([a], "tokens"))[a]
    assert isinstance(rows, Multi)
    assert (rows.rows == AXES[:2]).all()
    with pytest.raises(InvalidInput, match=r"no vector 'titel'\. Known: dense, title, bm25, summary"):
        await collection.fetch_vectors([a], "titel")


async def test_late_interaction_rescores_what_another_search_finds(store: EdgeStore, manifest: Manifest) -> None:
    collection = await store.open("c", create=replace(manifest, vectors=SPECS))
    near = vec([[1, 0, 0, 0], [1, 0.1, 0, 0], [0, 0, 0, 1]])
    points = [point(str(place), dense=row, tokens=Multi(AXES[[place]])) for place, row in enumerate(near)]
    await collection.write(points)
    among = [Leg("dense", AXES[0], limit=2)]
    [found] = await collection.search([Leg("tokens", Multi(AXES[1:3]), limit=5, among=among)])
    first, second, _ = (each.passage.point_id("c") for each in points)
    assert found == [(second, pytest.approx(1)), (first, pytest.approx(0))]  # the third, the nearest, was not among


@pytest.mark.parametrize(
    ("vectors", "fault"),
    [
        ({"colour": AXES[0]}, r"The collection has no vector 'colour'\. Known: dense, title"),
        ({"dense": Sparse((1,), (1.0,))}, "p: vector 'dense' is sparse, not dense"),
        ({"tokens": AXES[0]}, "p: vector 'tokens' is dense, not multi"),
        ({"tokens": Multi(AXES[:0])}, r"has shape \(0, 4\), not \(1, 4\)"),
        ({"tokens": Multi(AXES[:, :3])}, r"has shape \(4, 3\), not \(4, 4\)"),
        ({"tokens": Multi(AXES[:2] * vec([[1], [0]]))}, "'tokens' is zero"),
        ({"tokens": Multi(AXES[:2] * vec([[1], [np.nan]]))}, "not finite"),
        ({"summary": AXES[0]}, r"has shape \(4,\), not \(2,\)"),
        ({"learned": Sparse((1, 2), (1.0,))}, "has 2 indices and 1 values"),
        ({"learned": Sparse((1, 1), (1.0, 2.0))}, "has an index twice"),
        ({"learned": Sparse((-1,), (1.0,))}, "beyond 32 bits"),
        ({"learned": Sparse((2**32,), (1.0,))}, "beyond 32 bits"),
        ({"bm25": Sparse((1,), (float("inf"),))}, "'bm25' has values that are not finite"),
    ],
)
def test_vector_no_search_can_use_is_refused(vectors: Mapping[str, AnyVector], fault: str) -> None:
    with pytest.raises(InvalidInput, match=fault):
        check_vectors(vectors, SPECS, owner="p")
