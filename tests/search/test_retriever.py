"""The first stage: what it finds, in which order, and which notes it gives."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from resift.core.query import Query
from resift.core.values import Hit, Passage, Ranking
from resift.encoders.bm25 import Bm25Encoder
from resift.search.legs import Mode, Retrieval
from resift.search.retriever import FusionOptions, Retriever
from resift.store.collection import Collection
from resift.store.edge.store import EdgeStore
from resift.store.filters import AnyOf, Condition
from resift.store.manifest import Manifest
from resift.store.protocols import Leg
from resift.tests.search.by_hand import ENCODER, point

pytestmark = pytest.mark.anyio


RETRIEVER = Retriever(ENCODER)
COLOURS = ("red", "green", "blue", "amber", "violet")


@pytest.fixture(scope="module")
async def collection(tmp_path_factory: pytest.TempPathFactory, manifest: Manifest) -> AsyncIterator[Collection]:
    """One document of 300 passages on wheels, and 150 documents with a passage or two, some of them on wheels too."""
    store = EdgeStore(tmp_path_factory.mktemp("retrieve"), reserve_bytes=0)
    opened = await store.open("c", create=manifest)
    await opened.remember(replace(manifest, fields={"colour": "keyword"}))
    bm25 = Bm25Encoder(manifest.lexical)
    points = [point("big", number, f"wheel wheel turn{number}", "Wheels", bm25) for number in range(300)]
    for number in range(150):
        name, colour = f"small{number:03}", COLOURS[number % 5]
        points.append(
            point(name, 0, f"wheel {colour} paint number{number} coat layer", f"Paint {colour}", bm25, colour=colour)
        )
        if number % 3 == 0:
            points.append(point(name, 1, f"{colour} varnish number{number}", "", bm25, colour=colour))
    await opened.write(points)
    yield opened
    await store.close()


async def retrieve(
    collection: Collection, text: str, retrieval: Retrieval, *, retriever: Retriever = RETRIEVER
) -> Ranking:
    return await retriever.retrieve(collection, Query(text), retrieval)


def ids(ranking: Ranking) -> list[str]:
    return [hit.passage.id for hit in ranking.hits]


async def test_each_mode_searches_its_legs(collection: Collection) -> None:
    modes: dict[Mode, set[str]] = {"hybrid": {"dense", "bm25"}, "dense": {"dense"}, "keyword": {"bm25"}}
    for mode, legs in modes.items():
        ranking = await retrieve(collection, "wheel paint", Retrieval(mode))
        assert {name for hit in ranking.hits for name in hit.scores} == {*legs, "fused"}
        assert [stage.name for stage in ranking.stages] == ["encode", "search"]
        assert set(ranking.stages[1].model.split("+")) == legs
        for rank, hit in enumerate(ranking.hits, start=1):
            assert (hit.rank, hit.ranks["fused"], hit.scores["fused"]) == (rank, rank, hit.score)
            assert hit.ranks.keys() == hit.scores.keys()


async def test_keyword_search_finds_only_what_holds_a_word(collection: Collection) -> None:
    ranking = await retrieve(collection, "varnish number33", Retrieval("keyword", wanted=200))
    assert ids(ranking)[0] == "small033#1"
    assert all("varnish" in hit.passage.text or "number33" in hit.passage.text for hit in ranking.hits)


async def test_filter_holds_for_every_hit(collection: Collection) -> None:
    where = AnyOf("colour", ("blue",))
    ranking = await retrieve(collection, "wheel", Retrieval(where=where, wanted=100))
    assert len(ranking.hits) == 40
    assert {hit.passage.metadata["colour"] for hit in ranking.hits} == {"blue"}


async def test_title_field_searches_titles_alone(collection: Collection) -> None:
    ranking = await retrieve(collection, "Paint violet", Retrieval("dense", fields={"title": 1}))
    assert {hit.passage.title for hit in ranking.hits} == {"Paint violet"}
    assert all(hit.scores["title"] == pytest.approx(1.0) for hit in ranking.hits)


async def test_one_long_document_does_not_crowd_out_the_others(collection: Collection) -> None:
    crowded = await retrieve(collection, "wheel wheel", Retrieval("keyword", wanted=100))
    assert {hit.passage.document_id for hit in crowded.hits} == {"big"}
    ranking = await retrieve(collection, "wheel wheel", Retrieval("keyword", wanted=100, per_document=2))
    found = [hit.passage.document_id for hit in ranking.hits]
    assert len(found) >= 100
    assert found[:2] == ["big", "big"]
    assert max(found.count(name) for name in found) == 2
    assert ranking.notes == ()


async def test_search_widens_until_it_has_enough_texts_if_equal_ones_are_collapsed_later(
    tmp_path: Path, manifest: Manifest
) -> None:
    store = EdgeStore(tmp_path, reserve_bytes=0)
    opened, bm25 = await store.open("c", create=manifest), Bm25Encoder(manifest.lexical)
    texts = [*["wheel"] * 30, *[f"wheel number{number}" for number in range(8)]]
    points = [point(f"d{number}", 0, text, "Wheels", bm25) for number, text in enumerate(texts)]
    await opened.write(points)
    narrow = Retriever(ENCODER, options=FusionOptions(leg_limit=10))
    for per_document in (0, 1):
        for retrieval in (Retrieval("dense"), Retrieval("dense", collapses=False, collapses_later=True)):
            found = await retrieve(
                opened, "wheel", replace(retrieval, wanted=5, per_document=per_document), retriever=narrow
            )
            assert len({hit.passage.text for hit in found.hits}) >= 5
            assert len(found.hits) >= (35 if retrieval.collapses_later else 5)
    await store.close()


async def test_search_that_stays_crowded_says_so(collection: Collection) -> None:
    narrow = Retriever(ENCODER, options=FusionOptions(leg_limit=2))
    ranking = await retrieve(
        collection, "wheel wheel", Retrieval("keyword", wanted=5, per_document=1), retriever=narrow
    )
    assert len(ranking.hits) == 1
    assert "further hits may come from others" in ranking.notes[0]


@pytest.mark.parametrize("per_document", [0, 1, 3])
@pytest.mark.parametrize("head", [0, 50])
@pytest.mark.parametrize("method", ["convex", "rrf", "dbsf"])
async def test_pages_are_slices_of_one_order(collection: Collection, method: Any, head: int, per_document: int) -> None:
    retriever = Retriever(ENCODER, options=FusionOptions(method))

    async def order(wanted: int) -> Sequence[Hit]:  # with scores in the legs, which a reranker is blended with
        retrieval = Retrieval(wanted=wanted, head=head, per_document=per_document)
        return (await retrieve(collection, "red wheel turn7", retrieval, retriever=retriever)).hits

    whole = await order(200)
    assert len(whole) == len({hit.passage.id for hit in whole}) >= 140
    for wanted in (1, 11, 99, 100, 101, 120, 150, 199):
        assert (await order(wanted))[:wanted] == whole[:wanted]


async def test_scores_fall_along_the_order(collection: Collection) -> None:
    ranking = await retrieve(collection, "red wheel turn7", Retrieval(wanted=200))
    scores = [hit.score for hit in ranking.hits]
    assert scores == sorted(scores, reverse=True)


@pytest.mark.parametrize(("mode", "weight"), [("keyword", 1.0), ("dense", 0.0), ("hybrid", 1.0), ("hybrid", 0.0)])
async def test_search_alone_keeps_its_order_whatever_share_it_would_have(
    collection: Collection, mode: Mode, weight: float
) -> None:
    retriever = Retriever(ENCODER, options=FusionOptions(dense_weight=weight, late_weight=1.0))
    ranking = await retrieve(collection, "red wheel turn7", Retrieval(mode, wanted=30), retriever=retriever)
    leg = "dense" if mode == "dense" or (mode == "hybrid" and weight) else "bm25"
    assert [hit.ranks[leg] for hit in ranking.hits][:10] == list(range(1, 11))


async def test_pool_to_rerank_comes_first_and_is_that_of_rrf(collection: Collection) -> None:
    rrf = Retriever(ENCODER, options=FusionOptions("rrf"))
    by_rrf = await retrieve(collection, "green wheel paint", Retrieval(wanted=60), retriever=rrf)
    convex = await retrieve(collection, "green wheel paint", Retrieval(wanted=60, head=20))
    assert set(ids(convex)[:20]) == set(ids(by_rrf)[:20])
    head = [hit.score for hit in convex.hits[:20]]
    assert head == sorted(head, reverse=True)


async def test_same_search_gives_the_same_answer(collection: Collection) -> None:
    retrieval = Retrieval(wanted=80, per_document=1)
    first, second = [(await retrieve(collection, "amber wheel varnish", retrieval)).hits for _ in range(2)]
    assert first == second


async def test_query_of_stop_words_is_searched_by_meaning_and_says_so(collection: Collection) -> None:
    hybrid = await retrieve(collection, "what is it", Retrieval())
    assert "keyword search was skipped" in hybrid.notes[0]
    assert {name for hit in hybrid.hits for name in hit.scores} == {"dense", "fused"}
    assert len(hybrid.hits) == 10
    keyword = await retrieve(collection, "what is it", Retrieval("keyword"))
    assert (list(keyword.hits), keyword.notes) == ([], hybrid.notes)


async def test_query_over_the_window_says_so(collection: Collection) -> None:
    ranking = await RETRIEVER.retrieve(collection, Query("wheel " * 21), Retrieval())
    assert ranking.notes == ("The query has 21 tokens; the encoder read only its beginning.",)


class Vanishing:
    """A collection from which a passage is deleted after each search, as by another task."""

    def __init__(self, collection: Collection) -> None:
        self._collection = collection
        self.name = collection.name
        self.manifest = collection.manifest
        self.gone: list[UUID] = []

    async def search(self, legs: Sequence[Leg], *, where: Condition | None = None) -> list[list[tuple[UUID, float]]]:
        answers = await self._collection.search(legs, where=where)
        self.gone.append(answers[0][0][0])
        return answers

    async def fetch(self, ids: Sequence[UUID]) -> dict[UUID, Passage]:
        return {key: each for key, each in (await self._collection.fetch(ids)).items() if key not in self.gone}

    def __getattr__(self, name: str) -> Any:
        return getattr(self._collection, name)


@pytest.mark.parametrize("per_document", [0, 1])
async def test_passage_deleted_meanwhile_is_left_out(collection: Collection, per_document: int) -> None:
    retrieval = Retrieval("dense", wanted=5, per_document=per_document)
    before = ids(await retrieve(collection, "varnish number33", retrieval))
    vanishing: Any = Vanishing(collection)
    ranking = await retrieve(vanishing, "varnish number33", retrieval)
    assert before[0] not in ids(ranking)
    assert ids(ranking)[:4] == before[1:5]
    assert [hit.rank for hit in ranking.hits] == list(range(1, len(ranking.hits) + 1))
