"""Several collections searched as one: the same answer as if one collection held all their passages."""

import random
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Literal
from uuid import UUID

import pytest

from resift.core.errors import DamagedCollection, NotFound
from resift.core.query import Query
from resift.core.values import Ranking
from resift.encoders.bm25 import Bm25Encoder, Bm25Options
from resift.search.federation import Federation, Member
from resift.search.legs import Retrieval
from resift.search.retriever import Retriever
from resift.search.word_statistics import WordStatistics, common_weights, read_statistics
from resift.store.collection import Collection, Store
from resift.store.edge.store import EdgeStore
from resift.store.filters import AnyOf
from resift.store.manifest import Manifest
from resift.store.protocols import Point
from resift.tests.search.by_hand import ENCODER, point
from resift.tests.store.edge.test_damage import SEGMENT, file_of, garble
from resift.tests.store.stores import OTHERS, open_store

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.filterwarnings("ignore:(Payload indexes|Local mode):UserWarning"),
]

RETRIEVER = Retriever(ENCODER)
STORES = (pytest.param("edge", id="qdrant-edge"), *OTHERS[:1], OTHERS[2])
WORDS = [f"word{letter}x" for letter in "abcdefghijklmnop"]
QUERIES = ("wordax wordbx", "wordcx wordpx wordox", "wordbx")


def passages(bm25: Bm25Encoder) -> list[Point]:
    """Return 80 passages in which the first words are rare."""
    draw = random.Random(4)
    texts = [" ".join(draw.choices(WORDS, weights=range(1, 17), k=8)) for _ in range(80)]
    return [
        point(f"d{number:02}", 0, text, "", bm25, even=["yes", "no"][number % 2]) for number, text in enumerate(texts)
    ]


@pytest.fixture(scope="module", params=STORES)
async def store(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, manifest: Manifest
) -> AsyncIterator[Store]:
    """A store with all passages in "all", the first 60 in "most" and the last 20 in "few"."""
    with_field = replace(manifest, fields={"even": "keyword"})
    points = passages(Bm25Encoder(manifest.lexical))
    async with open_store(request.param, tmp_path_factory.mktemp("federation")) as opened:
        for name, part in {"all": points, "most": points[:60], "few": points[60:]}.items():
            await (await opened.open(name, create=with_field)).write(part)
        yield opened


async def federated(store: Store, text: str, retrieval: Retrieval, *names: str) -> Ranking:
    members = [Member(await store.open(name), retrieval.where) for name in names or ("few", "most")]
    retrieval = replace(retrieval, where=None)
    return await RETRIEVER.retrieve(Federation(members, [text]), Query(text), retrieval)


@pytest.mark.parametrize("text", QUERIES)
@pytest.mark.parametrize("mode", ["hybrid", "keyword", "dense"])
async def test_answer_is_that_of_one_collection_with_everything(
    store: Store, mode: Literal["hybrid", "keyword", "dense"], text: str
) -> None:
    for retrieval in (Retrieval(mode, wanted=80), Retrieval(mode, wanted=9, head=20, where=AnyOf("even", ("yes",)))):
        whole = await RETRIEVER.retrieve(await store.open("all"), Query(text), retrieval)
        parts = await federated(store, text, replace(retrieval, wanted=80))  # hits of one score may change places
        found = {hit.passage.id: hit for hit in parts.hits}
        for hit in whole.hits:
            assert found[hit.passage.id].score == pytest.approx(hit.score, abs=1e-4)
            assert found[hit.passage.id].scores == pytest.approx(hit.scores, abs=1e-4)
        assert {hit.passage.collection for hit in parts.hits} <= {"few", "most"}


async def test_order_does_not_depend_on_the_order_of_the_names(store: Store) -> None:
    there = await federated(store, QUERIES[1], Retrieval(wanted=40))
    back = await federated(store, QUERIES[1], Retrieval(wanted=40), "most", "few")
    assert [hit.passage for hit in there.hits] == [hit.passage for hit in back.hits]


async def test_pages_are_slices_of_one_order_and_copies_are_shown_once(store: Store) -> None:
    names = ("all", "few", "most")
    whole = await federated(store, QUERIES[1], Retrieval(wanted=80), *names)
    ids = [hit.passage.id for hit in whole.hits]
    assert len(ids) == len(set(ids)) == 80
    for wanted in (1, 7, 30, 79):
        part = await federated(store, QUERIES[1], Retrieval(wanted=wanted), *names)
        assert [hit.passage.id for hit in part.hits][:wanted] == ids[:wanted]
        assert len(part.hits) >= wanted


async def test_statistics_of_words_are_those_that_can_be_counted(store: Store, manifest: Manifest) -> None:
    bm25 = Bm25Encoder(manifest.lexical)
    words = {word: bm25.query(word).indices[0] for word in (*WORDS, "absent")}
    held = await store.open("most")
    found = await read_statistics(held, "bm25", sorted(words.values()))
    assert found.passages == 60
    texts = [stored.text.split() for stored in (await held.fetch(await _points(held))).values()]
    for word, key in words.items():
        assert found.frequency(key) == pytest.approx(sum(word in text for text in texts), abs=0.01), word


async def _points(collection: Collection) -> list[UUID]:
    return [point for number in range(60) for point in await collection.points_in(f"d{number:02}")]


def test_word_that_only_one_collection_has_is_as_rare_as_in_all() -> None:
    one, other = WordStatistics(10, {1: 0.5, 2: 2.0}), WordStatistics(1_000, {1: 6.0})
    first, second = common_weights([one, other])
    assert first[2] > 1, "it is rarer among 1,010 passages than among 10"
    assert first[1] * one.idf[1] == pytest.approx(second[1] * other.idf[1]), "a word weighs the same everywhere"
    assert common_weights([WordStatistics(0, {}), WordStatistics(0, {})]) == [{}, {}]


async def test_collection_of_another_language_is_searched_for_its_own_forms(tmp_path: Path, manifest: Manifest) -> None:
    german = replace(manifest, lexical=Bm25Options(10, "german"))
    store = EdgeStore(tmp_path / "data", reserve_bytes=0)
    for name, own, text in (("en", manifest, "running engines hum"), ("de", german, "laufende Motoren brummen")):
        await (await store.open(name, create=own)).write([point(name, 0, text, "", Bm25Encoder(own.lexical))])
    found = await federated(store, "Motor engine", Retrieval("keyword"), "en", "de")
    assert {hit.passage.id for hit in found.hits} == {"de#0", "en#0"}
    federation = Federation([Member(await store.open(name)) for name in ("en", "de")], ["engine"])
    federation.add_texts(["Motor"])
    found = await RETRIEVER.retrieve(federation, Query("engine", phrasings=("Motor",)), Retrieval("keyword"))
    assert {hit.passage.id for hit in found.hits} == {"de#0", "en#0"}, "the phrasing is cut into German words"
    await store.close()


async def test_collection_that_lacks_vectors_is_found_by_the_others_and_said_so(
    tmp_path: Path, manifest: Manifest
) -> None:
    vectors = {name: spec for name, spec in manifest.vectors.items() if name not in ("bm25", "title")}
    store = EdgeStore(tmp_path / "data", reserve_bytes=0)
    whole = await store.open("whole", create=manifest)
    await whole.write([point("w", 0, "pump bearing", "", Bm25Encoder(manifest.lexical))])
    bare = await store.open("bare", create=replace(manifest, vectors=vectors))
    stored = point("b", 0, "pump seal", "", Bm25Encoder(manifest.lexical))
    await bare.write([replace(stored, vectors={"dense": stored.vectors["dense"]})])
    federation = Federation([Member(bare), Member(whole)], ["pump"])
    found = await RETRIEVER.retrieve(federation, Query("pump"), Retrieval())
    assert {hit.passage.id: "bm25" in hit.scores for hit in found.hits} == {"w#0": True, "b#0": False}
    assert federation.notes == ["bare: not searched by 'bm25', for which there are no vectors as in the others."]
    federation = Federation([Member(bare), Member(whole)], ["pump"])
    await RETRIEVER.retrieve(federation, Query("pump"), Retrieval("dense"))
    assert federation.notes == []
    await RETRIEVER.retrieve(federation, Query("pump"), Retrieval("dense", fields={"title": 1}))
    assert federation.notes == ["bare: not searched by 'title', for which there are no vectors as in the others."]
    await store.close()


async def test_collection_that_breaks_during_a_search_is_left_out_only_of_all_collections(
    tmp_path: Path, manifest: Manifest
) -> None:
    bm25 = Bm25Encoder(manifest.lexical)
    store = EdgeStore(tmp_path / "data", reserve_bytes=0)
    for name in ("hurt", "whole"):
        await (await store.open(name, create=manifest)).write([point(name, 0, "pump bearing", "", bm25)])
    await store.close()
    garble(file_of(store.folder("hurt"), f"{SEGMENT}/vector_storage-bm25/store/tracker.dat"))
    members = [Member(await store.open(name)) for name in ("hurt", "whole")]
    with pytest.raises(DamagedCollection):  # now its engine has failed
        await members[0].collection.write([point("new", 0, "seal", "", bm25)])

    federation = Federation(members, ["pump"], leaves_out_damaged=True)
    found = await RETRIEVER.retrieve(federation, Query("pump"), Retrieval())
    assert [hit.passage.id for hit in found.hits] == ["whole#0"]
    assert federation.notes[0].startswith("Not searched: Collection 'hurt' is damaged")
    with pytest.raises(DamagedCollection, match="'hurt' is damaged"):
        await RETRIEVER.retrieve(Federation(members, ["pump"]), Query("pump"), Retrieval())
    await store.close()


async def test_deleted_collection_is_an_error(tmp_path: Path, manifest: Manifest) -> None:
    store = EdgeStore(tmp_path / "data", reserve_bytes=0)
    members = [Member(await store.open(name, create=manifest)) for name in ("gone", "kept")]
    await store.drop("gone")
    with pytest.raises(NotFound, match="'gone' was deleted or closed meanwhile"):
        await RETRIEVER.retrieve(Federation(members, ["pump"]), Query("pump"), Retrieval())
    await store.close()
