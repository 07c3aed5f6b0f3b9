"""One question over several collections: which are searched, what is left out, and what the hits say."""

import shutil
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from resift.core.errors import DamagedCollection, IncompatibleCollection, InvalidFilter, InvalidInput, NotFound
from resift.core.values import Document, Logistic
from resift.factories.engine import Engine
from resift.ingest.job import Job
from resift.pipeline.page import Page
from resift.pipeline.request import SearchRequest
from resift.search.federation import MAX_COLLECTIONS
from resift.store.manifest import Tuning
from resift.tests.conftest import open_engine

pytestmark = pytest.mark.anyio

TOOLS = "A torque wrench tightens bolts to a given moment."
GARAGE = [
    Document("pads", "Brake pads", text="Worn brake pads squeal.", metadata={"year": 2021, "place": "axle"}),
    Document("radar", "Radar", text="The radar sensor watches the blind spot.", metadata={"year": 2023}),
    Document("shared", "Tools", text=TOOLS, metadata={"year": 2019}),
]
KITCHEN = [
    Document("bread", "Bread", text="Knead the dough for ten minutes and let it rise.", metadata={"day": "2024-05-01"}),
    Document("cake", "Lemon cake", text="A lemon cake needs the juice of two lemons.", metadata={"day": "2020-05-01"}),
    Document(
        "shared", "Tools", text="A torque wrench tightens bolts to a given moment.", metadata={"day": "2020-01-01"}
    ),
]
GARDEN = [Document(f"bed{number}", "Beds", text=f"Water bed {number} of lemons in the evening.") for number in range(6)]
NAMES = ["garage", "garden", "kitchen"]


async def _fill(engine: Engine) -> None:
    for name, documents in zip(NAMES, (GARAGE, GARDEN, KITCHEN), strict=True):
        await engine.services.ingestor.ingest(Job(name, documents, total=len(documents)))


@pytest.fixture(scope="module")
async def rooms(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Engine]:
    opened = open_engine(tmp_path_factory.mktemp("rooms"))
    await _fill(opened)
    yield opened
    await opened.close()


async def ask(engine: Engine, query: str = "", **arguments: object) -> Page:
    request: SearchRequest = SearchRequest(query, **{"collection": "*", **arguments})  # pyright: ignore[reportArgumentType]
    return await engine.services.pipeline.search(request)


def found(page: Page) -> list[tuple[str, str]]:
    return [(hit.passage.collection, hit.passage.id) for hit in page]


@pytest.mark.parametrize("named", ["*", ["*"], "kitchen,garage , garden", ["garage", "kitchen", "garden", "garage"]])
async def test_best_hit_comes_from_whichever_collection_holds_it(rooms: Engine, named: object) -> None:
    questions = {"why do brakes squeal": ("garage", "pads#0"), "how long to knead dough": ("kitchen", "bread#0")}
    for query, best in questions.items():
        for reranker in ("none", "default"):
            page = await ask(rooms, query, collection=named, reranker=reranker)
            assert found(page)[0] == best
            assert page.verdict in ("good", "weak"), page.verdict
            assert {hit.passage.collection for hit in page} == set(NAMES)
    assert (await ask(rooms, "who won the war of the roses")).verdict == "none"


async def test_each_collection_is_searched_once_and_all_hits_are_reranked_at_once(rooms: Engine) -> None:
    page = await ask(rooms, "lemon")
    assert [(stage.name, stage.returned) for stage in page.stages][-1] == ("rerank", 11)
    assert [stage.name for stage in page.stages] == ["encode", "search", "rerank"]
    assert page.stages[0].received == 1, "the query is encoded once"


async def test_single_name_is_a_search_of_one_collection(rooms: Engine) -> None:
    one = await ask(rooms, "lemon", collection="kitchen")
    assert {hit.passage.collection for hit in one} == {""}
    listed = await ask(rooms, "lemon", collection=["kitchen"])
    assert [hit.passage for hit in listed] == [hit.passage for hit in one]


async def test_passage_in_two_collections_is_shown_once(rooms: Engine) -> None:
    page = await ask(rooms, "torque wrench", limit=20)
    assert [passage_id for _, passage_id in found(page)].count("shared#0") == 1
    [shared] = [hit for hit in page if hit.passage.id == "shared#0"]
    assert {shared.passage.collection, *(each.collection for each in shared.also_in)} == {"garage", "kitchen"}
    assert page.stages[1].note == "1 passage that repeats the text of a hit: see also_in"


async def test_pages_follow_each_other_over_collections(rooms: Engine) -> None:
    for reranker in ("none", "default"):
        whole = await ask(rooms, "lemon", limit=20, reranker=reranker)
        pages = [await ask(rooms, "lemon", limit=4, offset=offset, reranker=reranker) for offset in (0, 4, 8)]
        assert [each for page in pages for each in found(page)] == found(whole)
        assert [page.more for page in pages] == [True, True, False]
        assert len(whole) == 11


async def test_hits_per_document_count_in_each_collection(tmp_path: Path) -> None:
    engine = open_engine(tmp_path)
    text = " ".join(f"Sentence {number} says that the pump hums because its bearing is worn." for number in range(60))
    for name in ("one", "two"):
        document = Document("manual", "Manual", text=f"{name}. {text}")
        await engine.services.ingestor.ingest(Job(name, [document], total=1))
    page = await ask(engine, "why does the pump hum", per_document=1)
    assert sorted({hit.passage.collection for hit in page}) == ["one", "two"]
    assert len(page) == 2
    await engine.close()


async def test_filter_on_a_field_of_some_collections_leaves_out_the_others(rooms: Engine) -> None:
    page = await ask(rooms, "brakes and radar", filter={"year": {"gte": 2021}})
    assert {collection for collection, _ in found(page)} == {"garage"}
    left_out = [note for note in page.notes if "was not searched" in note]
    assert [note.split()[0] for note in left_out] == ["'garden'", "'kitchen'"]
    assert "Unknown filter field 'year'" in left_out[0]


async def test_filter_on_a_field_of_no_collection_is_the_usual_error(rooms: Engine) -> None:
    with pytest.raises(InvalidFilter, match=r"Unknown filter field 'yaer'\. Did you mean 'year'\?.*day, .*place"):
        await ask(rooms, "brakes", filter={"yaer": 2021})
    with pytest.raises(InvalidFilter, match=r"No collection has all fields of the filter\. 'garage' was not searched"):
        await ask(rooms, "brakes", filter={"year": 2021, "day": "2024-05-01"})
    with pytest.raises(InvalidFilter, match="use gte, gt, lte or lt for a range"):
        await ask(rooms, "brakes", filter={"year": {"above": 1}})


async def test_filter_that_matches_nothing_is_explained_by_collection(rooms: Engine) -> None:
    nothing = await ask(rooms, "brakes", filter={"title": "Nowhere"})
    assert len(nothing) == 0
    assert [note.partition(":")[0] for note in nothing.notes] == NAMES
    assert (await ask(rooms, "zeppelin", mode="keyword", reranker="none")).notes == [
        "No passage contains any word of the query. Mode 'hybrid' searches by meaning too."
    ]


async def test_metadata_of_some_collections_moves_their_hits_alone(rooms: Engine) -> None:
    plain = await ask(rooms, "what is in the kitchen", collection="kitchen,garage", reranker="none")
    recency = {"field": "day", "half_life_days": 100, "weight": 1.0}
    newest = await ask(rooms, "what is in the kitchen", collection="kitchen,garage", reranker="none", recency=recency)
    assert found(newest)[0] == ("kitchen", "bread#0")
    # Of the passage that two rooms have, the newer one stands.
    assert {passage_id for _, passage_id in found(newest)} == {passage_id for _, passage_id in found(plain)}
    boosted = await ask(rooms, "brakes", boost={"place": {"axle": 2.0}}, reranker="none")
    assert found(boosted)[0] == ("garage", "pads#0")
    with pytest.raises(InvalidInput, match="Unknown field 'dya' in `recency`"):
        await ask(rooms, "brakes", recency={"field": "dya"})


async def test_examples_are_looked_up_in_all_collections(rooms: Engine) -> None:
    page = await ask(rooms, like=["cake#0"], limit=20)
    assert found(page)[0][0] in ("garden", "kitchen")
    assert ("kitchen", "cake#0") not in found(page)
    copies = await ask(rooms, like=["shared#0"], limit=20)
    assert "shared#0" not in [passage_id for _, passage_id in found(copies)]
    with pytest.raises(NotFound, match=r"No passage 'cake#9' in the collections 'garage', 'garden'"):
        await ask(rooms, like=["cake#9"], collection=["garage", "garden"])
    with pytest.raises(InvalidInput, match="'cake' is not a passage id"):
        await ask(rooms, like=["cake"])


async def test_diversity_compares_hits_of_all_collections(rooms: Engine) -> None:
    page = await ask(rooms, "lemons", diversity=1.0, limit=11)
    first = [collection for collection, _ in found(page)[:4]]
    assert len(set(first)) > 1, "six passages of the garden say nearly the same"
    assert page.stages[-1].name == "diversity"


async def test_tuning_of_one_collection_is_not_used_for_several_and_said_so(tmp_path: Path) -> None:
    engine = open_engine(tmp_path)
    await _fill(engine)
    scorer = engine.services.pipeline.rerankers.scorer("default")
    assert scorer is not None
    kitchen = await engine.services.pipeline.open("kitchen")
    tuning = Tuning(
        weights={"fused": 1.0},
        depth=3,
        calibration=Logistic(1.0, 0.0),
        questions=9,
        gain=0.1,
        created="2026-01-01",
    )
    await kitchen.remember(replace(kitchen.manifest, tuning={scorer.name: tuning}))
    note = "The tuning of kitchen was not used, since several collections were searched."
    alone = await ask(engine, "lemon", collection="kitchen")
    assert "tuned for this collection" in alone.stages[-1].note
    both = await ask(engine, "lemon", collection="kitchen,garage")
    assert "tuned" not in both.stages[-1].note
    assert note in both.notes
    assert note not in (await ask(engine, "lemon", reranker="none")).notes
    left = await ask(engine, "lemon", filter={"day": "2020-05-01"})
    assert "tuned for this collection" in left.stages[-1].note, "only one collection is left"
    await engine.close()


async def test_collection_that_cannot_be_used_is_left_out_of_all_and_an_error_if_named(tmp_path: Path) -> None:
    engine = open_engine(tmp_path)
    await _fill(engine)
    await engine.close()
    data = tmp_path / "data" / "collections"
    (data / "kitchen" / "manifest.json").unlink()
    manifest = data / "garden" / "manifest.json"
    manifest.write_text(manifest.read_text().replace("all-MiniLM-L6-v2-int8@", "other-model@"))
    engine = open_engine(tmp_path)
    page = await ask(engine, "why do brakes squeal")
    assert {collection for collection, _ in found(page)} == {"garage"}
    first, second = [note for note in page.notes if note.startswith("Not searched")]
    assert "'garden' was written with encoder other-model" in first
    assert "'kitchen' is damaged" in second
    with pytest.raises(DamagedCollection, match="'kitchen' is damaged"):
        await ask(engine, "brakes", collection=["garage", "kitchen"])
    with pytest.raises(IncompatibleCollection, match="'garden' was written with encoder"):
        await ask(engine, "brakes", collection=["garage", "garden"])
    with pytest.raises(NotFound, match=r"No collection 'grage'\. Did you mean 'garage'"):
        await ask(engine, "brakes", collection=["garage", "grage"])
    shutil.rmtree(data / "garage")
    await engine.close()
    engine = open_engine(tmp_path)
    with pytest.raises(IncompatibleCollection, match="'garden' was written"):
        await ask(engine, "brakes")
    await engine.close()


async def test_every_collection_is_those_that_the_caller_may_use(rooms: Engine) -> None:
    request = SearchRequest("lemon", collection="*", limit=20)
    pipeline = rooms.services.pipeline
    page = await pipeline.search(request, visible=lambda names: [name for name in names if name != "kitchen"])
    assert {collection for collection, _ in found(page)} == {"garage", "garden"}
    with pytest.raises(NotFound, match="None of the collections that there are is one that this token may use"):
        await pipeline.search(request, visible=lambda _: [])


async def test_names_that_stand_for_no_search_are_refused(rooms: Engine) -> None:
    with pytest.raises(InvalidInput, match=r'Name a collection, several of them, or "\*" for all'):
        await ask(rooms, "lemon", collection=[])
    with pytest.raises(InvalidInput, match="not a valid collection name"):
        await ask(rooms, "lemon", collection="garage,,kitchen")
    many = [f"c{number}" for number in range(MAX_COLLECTIONS + 1)]
    with pytest.raises(InvalidInput, match=f"{len(many)} collections are too many for one search; the limit is"):
        await ask(rooms, "lemon", collection=many)
