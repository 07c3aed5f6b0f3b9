"""An adopted collection answers as one of Resift's own does with the same passages and vectors, on every client."""

from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from qdrant_client.models import Filter, HasIdCondition, PointStruct

from resift.core.errors import IncompatibleCollection, InvalidFilter, InvalidInput, NotFound, StoreError
from resift.core.query import Query
from resift.core.values import Passage
from resift.core.vectors import BM25, DENSE, Vector
from resift.encoders.bm25 import Bm25Encoder
from resift.encoders.protocols import EncodedQuery
from resift.pipeline.reading import read_around, read_from
from resift.search.legs import Retrieval
from resift.search.retriever import Retriever
from resift.store.collection import Collection
from resift.store.field_mapping import value_at
from resift.store.filters import parse_filter
from resift.store.manifest import Manifest
from resift.store.protocols import Leg
from resift.store.qdrant.adopted.keywords import KEYWORDS, Added, add_keywords
from resift.store.qdrant.layout import ClusterLayout
from resift.store.qdrant.manifests import delete_manifest, save_manifest
from resift.store.qdrant.store import QdrantStore
from resift.tests.store.qdrant.adopted.foreign import LANGCHAIN, SHAPES, Shape, make, manifest_for
from resift.tests.store.stores import OTHERS, open_store
from resift.tests.store.test_parity import FILTERS, MANIFEST, POINTS, SIZE

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.filterwarnings("ignore:(Payload indexes|Local mode):UserWarning"),
]


def unit(vector: NDArray[Any]) -> Vector:
    """Return the vector as encoders give it: of length 1."""
    return (vector / np.linalg.norm(vector)).astype(np.float32)


OURS = replace(MANIFEST, vectors={name: MANIFEST.vectors[name] for name in (DENSE, BM25)})
WRITTEN = [replace(point, vectors={name: point.vectors[name] for name in (DENSE, BM25)}) for point in POINTS]
PASSAGES = [point.passage for point in WRITTEN]
VECTORS = [unit(np.asarray(point.vectors[DENSE])) for point in WRITTEN]
QUERY = unit(np.random.default_rng(9).standard_normal(SIZE))


@dataclass(frozen=True, slots=True)
class Pair:
    """The same passages in a collection of Resift's and in an adopted one."""

    ours: Collection
    theirs: Collection
    store: QdrantStore


@pytest.fixture(scope="module", params=OTHERS)
async def store(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> AsyncGenerator[QdrantStore]:
    async with AsyncExitStack() as stack:
        opened = await stack.enter_async_context(open_store(request.param, tmp_path_factory.mktemp("adopted")))
        assert isinstance(opened, QdrantStore)
        ours = await opened.open("ours", create=replace(OURS, fields={}))
        await ours.remember(OURS)
        await ours.write(WRITTEN)
        yield opened


@pytest.fixture(scope="module", params=SHAPES)
async def pair(request: pytest.FixtureRequest, store: QdrantStore) -> Pair:
    name, shape = request.param, SHAPES[request.param]
    await adopt(store, name, shape)
    return Pair(await store.open("ours"), await store.open(name), store)


async def adopt(store: QdrantStore, name: str, shape: Shape) -> Manifest:
    await make(store, name, shape, PASSAGES, VECTORS)
    manifest = manifest_for(shape, OURS)
    await save_manifest(store.connection, name, manifest)
    return manifest


def unlike(passage: Passage) -> Passage:
    """Leave out what a collection made elsewhere has not."""
    return replace(passage, ordinal=-1, key="", heading="", start_line=0, end_line=0)


async def found(
    collection: Collection, where: dict[str, Any], vector: str = DENSE, query: Any = QUERY
) -> list[tuple[Passage, float]]:
    condition = parse_filter(where, collection.manifest.fields)
    [answer] = await collection.search([Leg(vector, query, limit=25)], where=condition)
    passages = await collection.fetch([point for point, _ in answer])
    return sorted(((unlike(passages[point]), round(score, 4)) for point, score in answer), key=_order)


def _order(pair: tuple[Passage, float]) -> tuple[float, str, str]:
    return -pair[1], pair[0].document_id, pair[0].text


@pytest.mark.parametrize("where", [{}, *FILTERS], ids=str)
async def test_hits_scores_and_filters_are_those_of_a_collection_of_ours(pair: Pair, where: dict[str, Any]) -> None:
    if "text" in where and pair.theirs.name == "llamaindex":
        with pytest.raises(InvalidFilter, match="inside a JSON string"):
            await found(pair.theirs, where)
        return
    ours, theirs = await found(pair.ours, where), await found(pair.theirs, where)
    assert [passage for passage, _ in theirs] == [passage for passage, _ in ours]
    assert [score for _, score in theirs] == pytest.approx([score for _, score in ours], abs=1e-4)
    condition = parse_filter(where, OURS.fields)
    assert await pair.theirs.count(condition) == await pair.ours.count(condition)


async def test_documents_and_their_passages_are_those_of_ours_in_their_order(pair: Pair) -> None:
    entries, theirs = await pair.ours.entries(), await pair.theirs.entries()
    assert {key: each.passages for key, each in theirs.items()} == {key: each.passages for key, each in entries.items()}
    assert (await pair.theirs.entries(["d3", "none"])).keys() == {"d3"}
    assert await pair.theirs.documents() == len(entries)
    texts = [point.passage.text for point in WRITTEN if point.passage.document_id == "d7"]
    read = await read_from(pair.theirs, "d7", start=0, limit=10)
    assert [each.text for each in read.passages] == texts
    middle = await read_around(pair.theirs, read.passages[2].id, around=1)
    assert [each.text for each in middle.passages] == texts[1:4]
    assert middle.focus == 2
    with pytest.raises(NotFound, match="No document 'none'"):
        await read_from(pair.theirs, "none", start=0, limit=1)
    with pytest.raises(InvalidInput, match="passage ids are the ids of its points"):
        await read_around(pair.theirs, "d7#2", around=1)
    with pytest.raises(NotFound, match="No passage '999'"):
        await read_around(pair.theirs, "999", around=1)


async def test_points_come_with_their_vectors_by_our_names(pair: Pair) -> None:
    points = await pair.theirs.read(["d7"])
    assert [point.passages for point in points] == [4] * 4
    wanted = {point.passage.text: VECTORS[place] for place, point in enumerate(WRITTEN)}
    for point in points:
        vectors = await pair.theirs.fetch_vectors([point.passage.point_id(pair.theirs.name)], DENSE)
        for vector in (point.vectors[DENSE], *vectors.values()):
            assert np.allclose(np.asarray(vector), wanted[point.passage.text], atol=1e-6)


async def test_values_are_counted(pair: Pair) -> None:
    for field in ("lang", "year", "price"):
        assert sorted(await pair.theirs.facet(field, limit=20)) == sorted(await pair.ours.facet(field, limit=20))


async def test_nothing_of_it_is_changed(pair: Pair) -> None:
    held = await pair.theirs.count()
    with pytest.raises(StoreError, match="made elsewhere and adopted"):
        await pair.theirs.write(WRITTEN)
    with pytest.raises(StoreError, match="changes no point of it"):
        await pair.store.drop(pair.theirs.name)
    assert await pair.theirs.count() == held


class FixedEncoder:
    fingerprint = OURS.encoder
    dimension = SIZE

    async def encode(self, texts: Any) -> Any:
        raise NotImplementedError

    async def encode_query(self, query: str) -> EncodedQuery:
        return EncodedQuery(QUERY, 3, truncated=False)


async def test_search_without_words_is_by_meaning_and_says_so(pair: Pair) -> None:
    retriever = Retriever(FixedEncoder())
    hybrid = await retriever.retrieve(pair.theirs, Query("radar sensor"), Retrieval(wanted=5))
    [note] = hybrid.notes
    assert note.startswith("Only dense vectors were searched: there are none for keywords. ")
    assert note.endswith("Add them with `resift adopt NAME --add-keywords`.")
    assert [set(hit.scores) for hit in hybrid.hits] == [{"dense", "fused"}] * 5
    example = hybrid.hits[0].passage
    like = await retriever.retrieve(pair.theirs, Query(""), Retrieval(wanted=5, like=[example.id]))
    assert example.id not in {hit.passage.id for hit in like.hits}
    with pytest.raises(InvalidInput, match=r"has no vectors for keyword search\. Add them with `resift adopt NAME"):
        await retriever.retrieve(pair.theirs, Query("radar sensor"), Retrieval("keyword"))


async def test_added_words_make_search_hybrid_with_the_scores_of_ours(store: QdrantStore) -> None:
    manifest = await adopt(store, "worded", LANGCHAIN)
    said: list[tuple[float, int]] = []

    async def progress(done: float, total: int, message: str) -> None:
        said.append((done, total))

    adopted = LANGCHAIN.adopted
    added = await add_keywords(store.connection, "worded", manifest, adopted, progress=progress)
    assert added == Added(now=len(WRITTEN), points=len(WRITTEN), without_words=0)
    assert said[-1] == (len(WRITTEN), len(WRITTEN))
    theirs = await store.open("worded")
    manifest = theirs.manifest
    assert manifest.adopted is not None
    assert manifest.adopted.vectors == {DENSE: "", BM25: KEYWORDS}
    query = WRITTEN[0].vectors[BM25]
    ours = await found(await store.open("ours"), {}, BM25, query)
    # Titles are read too, and all of these hold the word "title".
    assert {passage.text for passage, _ in await found(theirs, {}, BM25, query)} >= {each.text for each, _ in ours[:3]}
    ranking = await Retriever(FixedEncoder()).retrieve(theirs, Query("radar sensor"), Retrieval(wanted=5))
    assert (ranking.notes, {name for hit in ranking.hits for name in hit.scores}) == ((), {"dense", "bm25", "fused"})
    points = await theirs.read(["d7"])
    assert all(point.vectors.keys() == {DENSE, BM25} for point in points)
    # What made the collection writes a point anew, without our vector: it gets one again, and it alone.
    again = [replace(passage, text="") for passage in PASSAGES[:1]] + PASSAGES[1:2]
    for place, passage in enumerate(again):
        await rewrite(store, "worded", place, passage)
    added = await add_keywords(store.connection, "worded", manifest, manifest.adopted, progress=progress)
    assert added == Added(now=2, points=len(WRITTEN), without_words=0)


async def test_interrupted_adding_goes_on_and_texts_changed_in_place_are_read_anew_when_told(
    store: QdrantStore,
) -> None:
    manifest = await adopt(store, "broken-off", LANGCHAIN)

    async def progress(done: float, total: int, message: str) -> None: ...

    async def stop(done: float, total: int, message: str) -> None:
        raise InterruptedError

    with pytest.raises(InterruptedError):
        await add_keywords(store.connection, "broken-off", manifest, LANGCHAIN.adopted, progress=stop)
    begun = (await store.open("broken-off")).manifest
    assert begun.vectors.keys() == {DENSE}
    assert all(point.vectors.keys() == {DENSE} for point in await (await store.open("broken-off")).read(["d7"]))
    assert begun.adopted is not None
    added = await add_keywords(store.connection, "broken-off", begun, begun.adopted, progress=progress)
    assert added == Added(now=0, points=len(WRITTEN), without_words=0)
    manifest = (await another(store).open("broken-off")).manifest
    assert manifest.vectors.keys() == {DENSE, BM25}
    for place, words in enumerate(("zebra", "")):
        payload, point = {"page_content": words, "metadata": {"title": ""}}, LANGCHAIN.id_of(place)
        await store.connection.ask(
            lambda client, payload=payload, point=point: client.set_payload(
                "broken-off", payload, Filter(must=[HasIdCondition(has_id=[point])])
            )
        )
    assert manifest.adopted is not None
    added = await add_keywords(store.connection, "broken-off", manifest, manifest.adopted, progress=progress)
    assert added.now == 0
    added = await add_keywords(store.connection, "broken-off", manifest, manifest.adopted, anew=True, progress=progress)
    assert added == Added(now=len(WRITTEN) - 1, points=len(WRITTEN) - 1, without_words=1)
    zebra = Bm25Encoder(manifest.lexical).query("zebra")
    assert [each.text for each, _ in await found(await another(store).open("broken-off"), {}, BM25, zebra)] == ["zebra"]


async def rewrite(store: QdrantStore, name: str, place: int, passage: Passage) -> None:
    vector, payload = VECTORS[place].tolist(), LANGCHAIN.payload_of(passage)
    point = PointStruct(id=LANGCHAIN.id_of(place), vector=vector, payload=payload)
    await store.connection.ask(lambda client: client.upsert(name, [point], wait=True))


async def test_parts_that_it_has_not_are_refused_in_filters_and_points_are_documents(store: QdrantStore) -> None:
    bare = replace(LANGCHAIN, adopted=replace(LANGCHAIN.adopted, title="", source="", document="", order=""))
    await adopt(store, "bare", bare)
    theirs = await store.open("bare")
    assert await theirs.documents() == len(WRITTEN)
    first, second = (str(bare.id_of(place)) for place in (0, 1))
    assert (await theirs.entries([first, "nothing"])).keys() == {first}
    assert await theirs.count(parse_filter({"document_id": [first, second, "17"]}, {})) == 2
    read = await read_from(theirs, first, start=0, limit=5)
    assert [(each.document_id, each.text) for each in read.passages] == [(first, PASSAGES[0].text)]
    with pytest.raises(InvalidFilter, match=r"the field of its 'title'.*`resift adopt` and its option --title-field"):
        await theirs.count(parse_filter({"title": "Title 5"}, {}))
    with pytest.raises(InvalidFilter, match="--document-field"):
        await theirs.count(parse_filter({"document_id": {"prefix": "d"}}, {}))


def another(store: QdrantStore) -> QdrantStore:
    """Return a store at the same server that has opened nothing yet."""
    return QdrantStore(store.connection, ClusterLayout())


async def test_adopted_collection_keeps_what_is_tuned_and_is_told_from_ours(store: QdrantStore) -> None:
    manifest = await adopt(store, "kept", LANGCHAIN)
    theirs = await store.open("kept")
    narrower = replace(theirs.manifest.storage, breadth=64)
    await theirs.remember(replace(theirs.manifest, storage=narrower))
    assert (await another(store).open("kept")).manifest.storage.breadth == 64
    with pytest.raises(IncompatibleCollection, match="the encoder that made its vectors, and run `resift adopt kept`"):
        manifest.check("kept", replace(OURS, vectors={DENSE: replace(OURS.vectors[DENSE], model="other@1")}))
    await delete_manifest(store.connection, "kept")
    assert (await store.all_names())["kept"] is False
    with pytest.raises(StoreError, match="`resift adopt kept` makes it searchable"):
        await another(store).open("kept")


def test_paths_are_followed_into_objects_quoted_keys_and_json() -> None:
    payload: dict[str, Any] = {"a": {"b.c": {"d": 1}}, "node": '{"text": "words", "n": [1, 2]}', "broken": "{", "no": 1}
    assert value_at(payload, 'a."b.c".d') == 1
    assert (value_at(payload, "node.text"), value_at(payload, "node.n")) == ("words", [1, 2])
    assert [value_at(payload, path) for path in ("", "a.x", "broken.text", "no.text", "node.n.x")] == [None] * 5
