"""An index is built beside the one in use, finds what is wanted, and loses nothing, whatever interrupts it."""

from dataclasses import replace
from pathlib import Path
from typing import Any, get_args
from uuid import UUID

import anyio
import numpy as np
import pytest
from qdrant_client import AsyncQdrantClient, models

from resift.core.errors import NotFound, StoreError
from resift.core.values import Passage
from resift.core.vectors import standard_vectors
from resift.store.edge.store import EdgeCollection, EdgeStore
from resift.store.filters import parse_filter
from resift.store.index_options import IndexOptions, Quantization
from resift.store.indexing import BREADTHS, Answers, draw_probes, optimize, recall, search_probes
from resift.store.manifest import Manifest
from resift.store.protocols import Leg, Point
from resift.store.qdrant import server_engine
from resift.tests.store.stores import OTHERS, connected, open_store

pytestmark = pytest.mark.anyio

SIZE, PASSAGES = 32, 1500
GRAPH = IndexOptions(graph_from=1000, links=8, effort=32)


async def silent(message: str) -> None:
    assert message


@pytest.fixture
async def filled(store: EdgeStore, manifest: Manifest) -> EdgeCollection:
    """1500 passages around a hundred places."""
    rows = np.random.default_rng(3).standard_normal((PASSAGES, SIZE)).astype(np.float32)
    rows += 2 * rows[np.arange(PASSAGES) % 100]
    collection = await store.open("c", create=replace(manifest, vectors=standard_vectors("by-hand@1", SIZE)))
    await collection.write(
        [Point(Passage(str(n), 0, text="text"), "d", passages=1, vectors={"dense": row}) for n, row in enumerate(rows)]
    )
    return collection


@pytest.mark.slow
@pytest.mark.parametrize("kind", get_args(Quantization))
async def test_every_quantization_rescored_finds_nearly_what_an_exact_search_does(
    filled: EdgeCollection, store: EdgeStore, kind: Quantization
) -> None:
    probes = await draw_probes(filled, SIZE)
    exact = await search_probes(filled, probes, exact=True)
    done = await optimize(filled, IndexOptions(quantization=kind), on_status=silent)
    assert done.recall >= (0.6 if kind == "binary" else 0.95)  # 32 components are few for one bit each
    assert recall(await search_probes(filled, probes, exact=True), exact) == 1.0  # originals are kept
    await store.close()
    reopened = await store.open("c")
    assert reopened.manifest.storage == IndexOptions(quantization=kind, indexed=PASSAGES)
    assert await reopened.count() == PASSAGES


@pytest.mark.slow
async def test_graph_is_searched_as_broadly_as_the_recall_wanted_asks_for(filled: EdgeCollection) -> None:
    narrow = await optimize(filled, replace(GRAPH, recall=0.3), on_status=silent)
    broad = await optimize(filled, replace(GRAPH, recall=0.999), on_status=silent)
    assert narrow.storage.breadth == BREADTHS[0]
    assert narrow.storage.breadth <= broad.storage.breadth
    assert broad.recall >= 0.999
    assert filled.manifest.storage == broad.storage
    probes = await draw_probes(filled, SIZE)
    [few, many] = [await search_probes(filled, probes, breadth=each) for each in (64, 1024)]
    exact = await search_probes(filled, probes, exact=True)
    assert recall(few, exact) <= recall(many, exact)
    assert recall(few, exact) < 1  # it is a graph indeed: a scan would find all


@pytest.mark.slow
@pytest.mark.parametrize("year", [{"lt": 2050}, {"gte": 2090}, 2007], ids=["half", "a tenth", "a hundredth"])
async def test_filter_holds_while_the_graph_is_walked(
    store: EdgeStore, manifest: Manifest, year: dict[str, int] | int
) -> None:
    rows = np.random.default_rng(3).standard_normal((PASSAGES, SIZE)).astype(np.float32)
    collection = await store.open("y", create=replace(manifest, vectors=standard_vectors("by-hand@1", SIZE)))
    await collection.remember(replace(collection.manifest, fields={"year": "integer"}))
    passages = [
        Passage(str(number), 0, text="text", metadata={"year": 2000 + number % 100}) for number in range(PASSAGES)
    ]
    await collection.write(
        [Point(passage, "d", passages=1, vectors={"dense": row}) for passage, row in zip(passages, rows, strict=True)]
    )
    await optimize(collection, replace(GRAPH, graph_from=100), on_status=silent)
    where = parse_filter({"year": year}, collection.manifest.fields)
    met = {passage.point_id("y") for passage in passages if meets(passage.metadata["year"], year)}
    found, exact, afterwards = list[set[UUID]](), list[set[UUID]](), list[int]()
    for probe in await draw_probes(collection, SIZE):
        legs = [Leg("dense", probe, limit=10), Leg("dense", probe, limit=10, exact=True)]
        walked, all_ = await collection.search(legs, where=where)
        [unfiltered] = await collection.search(legs[:1])
        found.append({key for key, _ in walked})
        exact.append({key for key, _ in all_})
        afterwards.append(sum(key in met for key, _ in unfiltered))
    assert all(len(each) == 10 and each <= met for each in found)
    assert recall(Answers(found, 0), Answers(exact, 0)) >= 0.95
    assert np.mean(afterwards) < 10 * len(met) / PASSAGES + 2  # what a filter after the search would leave of ten


@pytest.mark.slow
async def test_filter_over_several_fields_of_a_graph_leaves_nothing_out(store: EdgeStore, manifest: Manifest) -> None:
    rows = np.random.default_rng(3).standard_normal((PASSAGES, SIZE)).astype(np.float32)
    collection = await store.open("two", create=replace(manifest, vectors=standard_vectors("by-hand@1", SIZE)))
    await collection.remember(replace(collection.manifest, fields={"third": "integer", "fifth": "integer"}))
    passages = [Passage(str(at), 0, text="text", metadata={"third": at % 3, "fifth": at % 5}) for at in range(PASSAGES)]
    await collection.write(
        [Point(each, "d", passages=1, vectors={"dense": row}) for each, row in zip(passages, rows, strict=True)]
    )
    await optimize(collection, GRAPH, on_status=silent)
    where = parse_filter({"third": {"lt": 2}, "fifth": {"lt": 2}}, collection.manifest.fields)
    probes = await draw_probes(collection, SIZE)
    found = dict[float, float]()
    for below in (0.0, 0.4):
        narrow = replace(collection.manifest.storage, breadth=10, acorn_below=below)
        await collection.remember(replace(collection.manifest, storage=narrow))
        hits: list[list[set[UUID]]] = [[], []]
        for probe in probes:
            answers = await collection.search(
                [Leg("dense", probe, limit=10), Leg("dense", probe, limit=10, exact=True)], where=where
            )
            for kept, answer in zip(hits, answers, strict=True):
                kept.append({key for key, _ in answer})
        found[below] = recall(*(Answers(each, 0) for each in hits))
    assert found[0.0] < 1
    assert found[0.4] == 1


def meets(value: int, asked: dict[str, int] | int) -> bool:
    if isinstance(asked, int):
        return value == asked
    return asked.get("gte", 0) <= value < asked.get("lt", 10_000)


@pytest.mark.slow
async def test_searches_are_answered_while_the_index_is_built(filled: EdgeCollection) -> None:
    answered = 0
    async with anyio.create_task_group() as group:

        async def search() -> None:
            nonlocal answered
            while True:
                [hits] = await filled.search([Leg("dense", np.ones(SIZE, np.float32), limit=5)])
                assert len(hits) == 5
                answered += 1
                await anyio.lowlevel.checkpoint()

        group.start_soon(search)
        await filled.optimize(GRAPH, on_status=silent)
        group.cancel_scope.cancel()
    assert answered > 10
    assert filled.manifest.storage.indexed == PASSAGES


@pytest.mark.slow
async def test_index_is_tried_on_a_copy(filled: EdgeCollection, tmp_path: Path) -> None:
    before = filled.manifest
    trial, disk_bytes = await filled.measure_index(IndexOptions(quantization="int8"), on_status=silent)
    assert trial.recall > 0.95
    assert min(trial.milliseconds, trial.resident_mb, trial.load_seconds, disk_bytes) > 0
    assert filled.manifest == before
    folder = tmp_path / "data" / "collections" / "c"
    assert sorted(path.name for path in folder.iterdir()) == ["manifest.json", "shard"]


async def test_failing_index_leaves_the_collection_as_it_was(filled: EdgeCollection) -> None:
    before = filled.manifest
    with pytest.raises(StoreError, match=r"index could not be built: .*The collection is unchanged"):
        await filled.optimize(IndexOptions(effort=-1), on_status=silent)
    assert filled.manifest == before
    assert len((await filled.search([Leg("dense", np.ones(SIZE, np.float32), limit=5)]))[0]) == 5


@pytest.mark.parametrize("stopped_before_the_new_one_was_in_place", [True, False])
async def test_interrupted_change_over_is_mended_on_opening(
    filled: EdgeCollection, store: EdgeStore, tmp_path: Path, *, stopped_before_the_new_one_was_in_place: bool
) -> None:
    await store.close()
    folder = tmp_path / "data" / "collections" / "c"
    (folder / "index" / "shard").mkdir(parents=True)
    if stopped_before_the_new_one_was_in_place:
        (folder / "shard").rename(folder / "shard.old")
    else:
        (folder / "shard.old").mkdir()
    assert await (await store.open("c")).count() == PASSAGES
    assert sorted(path.name for path in folder.iterdir()) == ["manifest.json", "shard"]
    with pytest.raises(NotFound):
        await filled.count()


async def test_store_closed_while_the_index_is_built_says_so(filled: EdgeCollection, store: EdgeStore) -> None:
    async def close(message: str) -> None:
        await store.close()

    with pytest.raises(NotFound, match="deleted or closed meanwhile"):
        await filled.optimize(GRAPH, on_status=close)
    assert await (await store.open("c")).count() == PASSAGES


@pytest.mark.filterwarnings("ignore:(Payload indexes|Local mode):UserWarning")
@pytest.mark.parametrize("kind", OTHERS)
async def test_server_is_told_the_index_and_the_manifest_keeps_it(
    tmp_path: Path, manifest: Manifest, kind: str
) -> None:
    async with open_store(kind, tmp_path) as opened:
        collection = await opened.open("c", create=manifest)
        rows = np.random.default_rng(3).standard_normal((60, 4)).astype(np.float32)
        await collection.write(
            [Point(Passage(str(n), 0, text="t"), "d", passages=1, vectors={"dense": row}) for n, row in enumerate(rows)]
        )
        done = await optimize(collection, IndexOptions(quantization="int8"), on_status=silent)
        assert done.recall == 1.0
        assert collection.manifest.storage == IndexOptions(quantization="int8", indexed=60)


@pytest.mark.parametrize(
    ("passages", "indexed", "due"),
    [(19_999, 0, False), (20_000, 0, True), (24_000, 20_000, False), (26_000, 20_000, True)],
)
async def test_collection_that_grew_by_a_quarter_is_due(passages: int, indexed: int, *, due: bool) -> None:
    assert IndexOptions(indexed=indexed).is_due(passages) is due
    assert not IndexOptions(optimize_from=0, indexed=indexed).is_due(passages)


class Ailing(AsyncQdrantClient):
    """A server in memory whose collections have a status of our choice."""

    status = models.CollectionStatus.RED

    async def get_collection(self, collection_name: str, **options: Any) -> models.CollectionInfo:
        info = await super().get_collection(collection_name, **options)
        return info.model_copy(
            update={"status": self.status, "optimizer_status": models.OptimizersStatusOneOf1(error="no room")}
        )


@pytest.mark.filterwarnings("ignore:(Payload indexes|Local mode):UserWarning")
async def test_index_that_a_server_could_not_build_is_no_success(
    manifest: Manifest, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = Ailing(":memory:")
    store = connected("http://memory", client=client)
    collection = await store.open("c", create=manifest)
    with pytest.raises(StoreError, match=r"could not build the index of 'c': .*no room"):
        await collection.optimize(IndexOptions(), on_status=silent)
    client.status = models.CollectionStatus.YELLOW
    monkeypatch.setattr(server_engine, "BUILD_TIMEOUT_S", 0.0)
    with pytest.raises(StoreError, match="has been building the index of 'c'"):
        await collection.optimize(IndexOptions(), on_status=silent)
    await store.close()


def put_something_in_the_way(directory: Path) -> None:
    [shard] = directory.rglob("shard")
    (shard.parent / "shard.old" / "in the way").mkdir(parents=True)


@pytest.mark.slow
async def test_failed_change_over_leaves_the_collection_open_as_it_was(filled: EdgeCollection, tmp_path: Path) -> None:
    before = filled.manifest
    put_something_in_the_way(tmp_path)
    with pytest.raises(StoreError, match="could not be put in its place"):
        await optimize(filled, GRAPH, on_status=silent)
    assert await filled.count() == PASSAGES
    assert filled.manifest == before
    assert (await optimize(filled, GRAPH, on_status=silent)).passages == PASSAGES
