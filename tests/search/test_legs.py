"""The legs of a search: several phrasings, weighted fields, examples, and what each does to the order."""

from collections.abc import AsyncIterator, Sequence

import numpy as np
import pytest

from resift.core.errors import InvalidInput, NotFound
from resift.core.query import Query
from resift.core.values import Hit, Ranking
from resift.encoders.bm25 import Bm25Encoder
from resift.search.examples import rocchio
from resift.search.legs import Retrieval, legs_of
from resift.search.retriever import Retriever
from resift.store.collection import Collection
from resift.store.edge.store import EdgeStore
from resift.store.manifest import Manifest
from resift.tests.search.by_hand import ENCODER, point

pytestmark = pytest.mark.anyio

RETRIEVER = Retriever(ENCODER)
TEXTS = {
    "pads": ("brake pads squeal", "Brakes"),
    "discs": ("brake discs rust", "Brakes"),
    "battery": ("battery charge cold", "Power"),
    "alternator": ("alternator charge belt", "Power"),
    "wiper": ("wiper blade rubber", "Glass"),
    "mirror": ("mirror glass cracked", ""),
}


@pytest.fixture(scope="module")
async def collection(tmp_path_factory: pytest.TempPathFactory, manifest: Manifest) -> AsyncIterator[Collection]:
    store = EdgeStore(tmp_path_factory.mktemp("legs"), reserve_bytes=0)
    opened = await store.open("c", create=manifest)
    bm25 = Bm25Encoder(manifest.lexical)
    await opened.write([point(name, 0, text, title, bm25) for name, (text, title) in TEXTS.items()])
    yield opened
    await store.close()


async def retrieve(collection: Collection, text: str, retrieval: Retrieval) -> Ranking:
    return await RETRIEVER.retrieve(collection, Query(text), retrieval)


async def hits(collection: Collection, query: Query, retrieval: Retrieval) -> list[Hit]:
    return list((await RETRIEVER.retrieve(collection, query, retrieval)).hits)


def names(found: Sequence[Hit]) -> list[str]:
    return [hit.passage.document_id for hit in found]


def near(text: str, other: str) -> float:
    return float(ENCODER.vector(text) @ ENCODER.vector(other))


async def test_phrasing_finds_what_the_query_does_not_say(collection: Collection) -> None:
    alone = await hits(collection, Query("accumulator"), Retrieval("keyword"))
    both = await hits(collection, Query("accumulator", phrasings=("battery",)), Retrieval("keyword"))
    assert (names(alone), names(both)) == ([], ["battery"])


async def test_phrasings_count_the_same_and_the_best_score_of_each_is_shown(collection: Collection) -> None:
    texts = ("wiper blade rubber", "mirror glass cracked")
    found = await hits(collection, Query(texts[0], phrasings=texts[1:]), Retrieval("dense"))
    by_name = {hit.passage.document_id: hit for hit in found}
    for name, (text, _) in TEXTS.items():
        assert by_name[name].scores["dense"] == pytest.approx(max(near(each, text) for each in texts), abs=1e-5)
    reversed_ = await hits(collection, Query(texts[1], phrasings=texts[:1]), Retrieval("dense"))
    assert [(hit.passage.id, hit.score) for hit in found] == [(hit.passage.id, hit.score) for hit in reversed_]


async def test_phrasings_are_searched_as_one_batch_of_equal_shares(collection: Collection) -> None:
    query = Query("wiper", phrasings=("blade", "rubber"))
    found = await legs_of(collection, query, Retrieval(), encoder=ENCODER)
    assert found.notes == ()
    assert [(leg.vector, round(leg.share, 3)) for leg in found.legs] == [("dense", 0.333)] * 3 + [("bm25", 0.333)] * 3


async def test_weights_of_fields_decide_between_title_and_text(collection: Collection) -> None:
    query = Query("Power")
    title = await hits(collection, query, Retrieval("dense", fields={"title": 1}))
    assert set(names(title)) == {name for name, (_, title) in TEXTS.items() if title}
    assert set(names(title)[:2]) == {"battery", "alternator"}
    weighted = Retrieval("dense", fields={"title": 3, "text": 1})
    found = await legs_of(collection, query, weighted, encoder=ENCODER)
    assert {leg.vector: leg.share for leg in found.legs} == {"title": 0.75, "dense": 0.25}
    mirror = Query("mirror glass cracked")
    text = await hits(collection, mirror, Retrieval("dense", fields={"text": 1, "title": 0}))
    assert names(text)[0] == "mirror"
    mixed = await hits(collection, mirror, Retrieval("dense", fields={"text": 0.1, "title": 0.9}))
    assert names(mixed)[0] != "mirror"  # it has no title, and so nothing of the nine tenths


async def test_field_without_vectors_is_a_note_and_no_error(collection: Collection) -> None:
    ranking = await retrieve(collection, "brake", Retrieval("dense", fields={"abstract": 1, "text": 1}))
    plain = await retrieve(collection, "brake", Retrieval("dense"))
    assert [hit.passage.id for hit in ranking.hits] == [hit.passage.id for hit in plain.hits]
    assert ranking.notes == ("This collection has no vectors for 'abstract'; it has: text, title.",)
    nothing = await retrieve(collection, "brake", Retrieval("dense", fields={"abstract": 1}))
    assert [hit.passage.id for hit in nothing.hits] == [hit.passage.id for hit in plain.hits]


async def test_keyword_search_is_left_out_with_the_text_and_said_so(collection: Collection) -> None:
    ranking = await retrieve(collection, "brake", Retrieval(fields={"title": 1}))
    assert {name for hit in ranking.hits for name in hit.scores} == {"title", "fused"}
    assert "`fields` leaves out 'text': it was skipped" in ranking.notes[0]


@pytest.mark.parametrize("weights", [{"title": -1.0}, {"title": 0.0}, {"text": float("nan")}])
async def test_unusable_weights_are_refused(collection: Collection, weights: dict[str, float]) -> None:
    with pytest.raises(InvalidInput, match="weights of 0 or more, at least one above 0"):
        await hits(collection, Query("brake"), Retrieval(fields=weights))


async def test_passages_like_an_example_come_without_a_query_and_without_the_example(collection: Collection) -> None:
    found = await hits(collection, Query(""), Retrieval(like=["pads#0"]))
    others = [name for name in TEXTS if name != "pads"]
    assert names(found) == sorted(others, key=lambda name: -near(TEXTS["pads"][0], TEXTS[name][0]))
    assert {name for hit in found for name in hit.scores} == {"like", "fused"}


async def test_counter_example_pushes_its_neighbours_down(collection: Collection) -> None:
    liked = await hits(collection, Query(""), Retrieval(like=["pads#0"]))
    scores = {hit.passage.document_id: hit.scores["like"] for hit in liked}
    away = await hits(collection, Query(""), Retrieval(like=["pads#0"], unlike=["discs#0"]))
    assert not {"pads", "discs"} & set(names(away))
    pushed = {hit.passage.document_id: scores[hit.passage.document_id] - hit.scores["like"] for hit in away}
    nearest = max(pushed, key=lambda name: near(TEXTS["discs"][0], TEXTS[name][0]))
    assert max(pushed, key=pushed.__getitem__) == nearest


async def test_examples_bend_a_query(collection: Collection) -> None:
    plain = await hits(collection, Query("charge"), Retrieval("dense"))
    bent = await hits(collection, Query("charge"), Retrieval("dense", unlike=[plain[0].passage.id]))
    assert plain[0].passage.id not in [hit.passage.id for hit in bent]
    retrieval = Retrieval("dense", like=["wiper#0"])
    [leg] = (await legs_of(collection, Query("charge"), retrieval, encoder=ENCODER)).legs
    middle = ENCODER.vector("charge") + ENCODER.vector(TEXTS["wiper"][0])
    assert leg.query == pytest.approx(middle / np.linalg.norm(middle), abs=1e-5)


async def test_examples_are_compared_by_each_field_that_has_weight(collection: Collection) -> None:
    found = await hits(collection, Query(""), Retrieval("dense", fields={"title": 1}, like=["battery#0"]))
    assert names(found)[0] == "alternator"
    untitled = await retrieve(collection, "", Retrieval("dense", fields={"title": 1}, like=["mirror#0"]))
    assert (list(untitled.hits), untitled.notes) == (
        [],
        ("No example has a vector for 'title': it was not searched.",),
    )


@pytest.mark.parametrize("passage_id", ["pads#1", "nothing#0"])
async def test_unknown_example_is_named(collection: Collection, passage_id: str) -> None:
    with pytest.raises(NotFound, match=f"No passage '{passage_id}' in collection 'c'. Take a passage_id"):
        await hits(collection, Query(""), Retrieval(like=["discs#0", passage_id]))


def test_target_of_examples_is_half_of_qdrants_average_vector() -> None:
    rng = np.random.default_rng(4)
    near, away = [list(rng.standard_normal((count, 4)).astype(np.float32)) for count in (3, 2)]
    average = 2 * np.mean(near, axis=0) - np.mean(away, axis=0)
    assert rocchio([near], away) == pytest.approx(average / np.linalg.norm(average), abs=1e-5)
    assert rocchio([[near[0]], [-near[0]]], []) == pytest.approx(near[0])  # no direction at all: the first
