"""Every store gives the embedded one's answers: hits, scores within 1e-4, filters, groups, counts.

The ids say what ran: the embedded engine itself is the measure; against it stand qdrant-client's local mode, the same
behind a stand-in server over REST and gRPC, and a real server where RESIFT_TEST_QDRANT_URL names one.
"""

from collections.abc import AsyncGenerator, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Any
from uuid import UUID

import numpy as np
import pytest

from resift.core.query import Query
from resift.core.values import Passage
from resift.core.vectors import AnyVector, Multi, Vector, VectorSpec, standard_vectors
from resift.encoders.bm25 import Bm25Encoder, Bm25Options
from resift.encoders.protocols import EncodedQuery
from resift.search.legs import Retrieval
from resift.search.retriever import Retriever
from resift.store.collection import Collection, Store
from resift.store.filters import FIRST_PASSAGES, AnyOf, Condition, parse_filter
from resift.store.manifest import Manifest
from resift.store.protocols import Leg, Point
from resift.tests.store.stores import OTHERS, open_store

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.filterwarnings("ignore:(Payload indexes|Local mode):UserWarning"),
]

SIZE = 8
WORDS = ("brake", "pad", "sensor", "radar", "battery", "charge", "wheel", "bolt", "seal", "pump")
MANIFEST = Manifest(
    {**standard_vectors("by-hand@1", SIZE), "late": VectorSpec("multi", "text", model="by-hand@1", dimension=SIZE)},
    Bm25Options(average_length=10),
    chunking="200/40/40",
    fields={
        "lang": "keyword",
        "year": "integer",
        "price": "number",
        "oem": "boolean",
        "since": "date",
        "tags": "keyword",
    },
)
FILTERS: tuple[dict[str, Any], ...] = (
    {"lang": "en"},
    {"lang": ["en", "fr"], "oem": True},
    {"year": {"gte": 2003, "lt": 2011}},
    {"year": 2004.0},
    {"price": {"gt": 20.5}},
    {"since": {"lte": "2005-06-01"}},
    {"not": {"tags": "b"}},
    {"document_id": ["d3", "d17", "none"]},
    {"title": "Title 5"},
    {"oem": [True, False], "not": {"lang": "de", "year": {"gt": 2010}}},
    {"text": {"match": "radar sensor"}},
    {"any": [{"source": {"prefix": "a."}, "year": 2001}, {"tags": "a"}]},
    {"lang": "nowhere"},
)


def points(seed: int, documents: range) -> list[Point]:
    """Make documents of one to four passages with every kind of vector and of metadata."""
    rng, bm25 = np.random.default_rng(seed), Bm25Encoder(MANIFEST.lexical)
    made: list[Point] = []
    for number in documents:
        metadata: dict[str, Any] = {
            "lang": ("en", "de", "fr")[number % 3],
            "year": 2000 + number % 15,
            "price": number * 1.25,
            "oem": number % 2 == 0,
            "since": f"20{number % 20:02}-03-01",
        }
        if number % 4:
            metadata["tags"] = ["a", "b"][: number % 4]
        title, length = rng.standard_normal(SIZE).astype(np.float32), 1 + number % 4
        for ordinal in range(length):
            text = " ".join(rng.choice(WORDS, size=rng.integers(4, 12)))
            passage = Passage(
                f"d{number}",
                ordinal,
                text=text,
                title=f"Title {number}",
                heading="A > B",
                source="a.md",
                start_line=3,
                end_line=9,
                metadata=metadata,
            )
            vectors: dict[str, AnyVector] = {
                "dense": rng.standard_normal(SIZE).astype(np.float32),
                "bm25": bm25.document(text),
                "late": Multi(rng.standard_normal((3, SIZE)).astype(np.float32)),
            }
            if number % 5:
                vectors["title"] = title
            made.append(Point(passage, f"digest {seed} {number}", passages=length, vectors=vectors))
    return made


POINTS = points(1, range(40))


@dataclass(frozen=True, slots=True)
class Both:
    """The same documents in the embedded store, the measure, and in another."""

    measure: Collection
    other: Collection


@pytest.fixture(scope="module", params=OTHERS)
async def stores(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> AsyncGenerator[tuple[Store, Store]]:
    folder: Path = tmp_path_factory.mktemp("parity")
    async with AsyncExitStack() as stack:
        yield (
            await stack.enter_async_context(open_store("edge", folder)),
            await stack.enter_async_context(open_store(request.param, folder)),
        )


async def fill(store: Store, name: str, written: Sequence[Point]) -> Collection:
    collection = await store.open(name, create=replace(MANIFEST, fields={}))
    await collection.remember(MANIFEST)
    await collection.write(written)
    return collection


@pytest.fixture(scope="module")
async def both(stores: tuple[Store, Store]) -> Both:
    """Only for reading."""
    measure, other = [await fill(store, "parity", POINTS) for store in stores]
    return Both(measure, other)


def same(measured: list[tuple[UUID, float]], found: list[tuple[UUID, float]]) -> None:
    """Hold two legs to the same points and scores; only points of equal score may change places."""
    assert [score for _, score in found] == pytest.approx([score for _, score in measured], abs=1e-4)
    assert dict(found) == pytest.approx(dict(measured), abs=1e-4)
    assert all(first >= second for (_, first), (_, second) in pairwise(found))


def legs(seed: int) -> list[Leg]:
    rng = np.random.default_rng(seed)
    dense: list[Vector] = [rng.standard_normal(SIZE).astype(np.float32) for _ in range(2)]
    words = Bm25Encoder(MANIFEST.lexical).query(" ".join(rng.choice(WORDS, size=3, replace=False)))
    near = Leg("dense", dense[0], limit=20)
    rows = Multi(rng.standard_normal((2, SIZE)).astype(np.float32))
    return [
        near,
        replace(near, exact=True, limit=500),
        Leg("title", dense[1], limit=500),
        Leg("bm25", words, limit=500),
        Leg("late", rows, limit=10, among=(near,)),
    ]


@pytest.mark.parametrize("filter_", [{}, *FILTERS], ids=str)
async def test_hits_scores_and_counts_are_the_same(both: Both, filter_: dict[str, Any]) -> None:
    where = parse_filter(filter_, MANIFEST.fields)
    for seed in range(3):
        measured = await both.measure.search(legs(seed), where=where)
        found = await both.other.search(legs(seed), where=where)
        for one, other in zip(measured, found, strict=True):
            same(one, other)
    counted = await both.measure.count(where)
    assert await both.other.count(where) == counted
    assert bool(counted) == (filter_ != {"lang": "nowhere"})


async def test_what_is_kept_of_a_passage_is_the_same(both: Both) -> None:
    ids = [each.passage.point_id("parity") for each in POINTS]
    assert await both.other.fetch(ids) == await both.measure.fetch(ids)
    assert await both.other.fetch([UUID(int=2**100)]) == {}
    for name in MANIFEST.vectors:
        measured, found = [await each.fetch_vectors(ids, name) for each in (both.measure, both.other)]
        assert found.keys() == measured.keys()
        for key, vector in measured.items():
            np.testing.assert_allclose(dense_of(found[key]), dense_of(vector), atol=1e-5)


def dense_of(vector: AnyVector) -> Any:
    if isinstance(vector, Multi):
        return vector.rows
    if isinstance(vector, np.ndarray):
        return vector
    return sorted(zip(vector.indices, vector.values, strict=True))


async def test_facets_entries_and_manifest_are_the_same(both: Both) -> None:
    for field in (*MANIFEST.fields, "unknown"):
        measured, found = [dict(await each.facet(field, limit=50)) for each in (both.measure, both.other)]
        assert found == measured
    assert await both.other.entries() == await both.measure.entries()
    assert await both.other.entries(["d3", "none"]) == await both.measure.entries(["d3", "none"])
    assert both.other.manifest == both.measure.manifest == MANIFEST


class Hashed:
    """An encoder whose vectors depend on the text alone."""

    fingerprint = "by-hand@1"
    dimension = SIZE

    async def encode(self, texts: Sequence[str]) -> tuple[list[Vector], int]:
        return [self.vector(text) for text in texts], 0

    async def encode_query(self, query: str) -> EncodedQuery:
        return EncodedQuery(self.vector(query), 3, truncated=False)

    def vector(self, text: str) -> Vector:
        return np.random.default_rng(len(text)).standard_normal(SIZE).astype(np.float32)


@pytest.mark.parametrize("per_document", [0, 1, 2])
@pytest.mark.parametrize("filter_", [{}, {"lang": "en"}], ids=str)
async def test_fused_order_and_groups_are_the_same(both: Both, per_document: int, filter_: dict[str, Any]) -> None:
    where = parse_filter(filter_, MANIFEST.fields)
    retrieval = Retrieval(where=where, wanted=25, head=15, per_document=per_document)
    for text in ("radar sensor", "worn brake pad on a wheel", "charge"):
        measured, found = [
            await Retriever(Hashed()).retrieve(each, Query(text), retrieval) for each in (both.measure, both.other)
        ]
        scores = {hit.passage.id: hit.score for hit in measured.hits}
        assert {hit.passage.id: hit.score for hit in found.hits} == pytest.approx(scores, abs=1e-4)
        assert [hit.score for hit in found.hits] == pytest.approx([hit.score for hit in measured.hits], abs=1e-4)
        assert len(found.hits) >= 13


@pytest.mark.parametrize(
    ("query", "retrieval"),
    [
        (Query("radar sensor", phrasings=("worn brake pad", "charge")), Retrieval(wanted=25)),
        (Query("radar sensor"), Retrieval(wanted=25, fields={"title": 0.6, "text": 0.4})),
        (Query("radar sensor"), Retrieval("dense", wanted=25, fields={"title": 1})),
        (Query(""), Retrieval(wanted=25, like=["d3#0", "d7#1"])),
        (Query("charge"), Retrieval(wanted=25, like=["d3#0"], unlike=["d7#1", "d11#0"])),
    ],
    ids=["phrasings", "fields", "one field", "like", "unlike"],
)
async def test_phrasings_fields_and_examples_give_the_same(both: Both, query: Query, retrieval: Retrieval) -> None:
    measured, found = [
        await Retriever(Hashed()).retrieve(each, query, retrieval) for each in (both.measure, both.other)
    ]
    assert [hit.score for hit in found.hits] == pytest.approx([hit.score for hit in measured.hits], abs=1e-4)
    scores = {hit.passage.id: hit.score for hit in measured.hits}
    assert {hit.passage.id: hit.score for hit in found.hits} == pytest.approx(scores, abs=1e-4)
    assert len(found.hits) == 25


async def test_rewriting_and_removing_leave_the_same(stores: tuple[Store, Store]) -> None:
    newer = [replace(each, passages=1) for each in points(2, range(8, 12)) if each.passage.ordinal == 0]
    left: list[Any] = []
    for store in stores:
        collection = await fill(store, "changing", points(1, range(20)))
        await collection.write(newer)
        gone = await collection.remove(AnyOf("lang", ("fr",)))
        again = await collection.remove(AnyOf("lang", ("fr",)))
        conditions: list[Condition | None] = [None, FIRST_PASSAGES]
        counts = [await collection.count(each) for each in conditions]
        left.append((gone, again, counts, await collection.entries()))
        await store.drop("changing")
        assert "changing" not in await store.names()
    assert left[0] == left[1]
