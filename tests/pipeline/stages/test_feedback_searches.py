"""Searches with feedback over the real store and models: where it runs, where it does not, and what pages show."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from resift.core.values import Document
from resift.factories.engine import Engine, build_engine
from resift.ingest.job import Job
from resift.pipeline.page import Page
from resift.pipeline.request import SearchRequest
from resift.settings.load import load_settings

pytestmark = pytest.mark.anyio

QUERY = "how is the oil of pump 7 changed"
PUMPS = [
    Document(f"pump{n}", f"Pump {n}", text=f"The oil of pump {n} is changed every {n} weeks.", metadata={"number": n})
    for n in range(60)
]
VALVES = [Document(f"valve{n}", f"Valve {n}", text=f"Valve {n} lets oil into pump {n}.") for n in range(3)]


@pytest.fixture(scope="module")
async def plant(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Engine]:
    folder: Path = tmp_path_factory.mktemp("plant")
    opened = build_engine(load_settings(data_dir=folder, rerank={"feedback": 1}))
    for name, documents in (("pumps", PUMPS), ("valves", VALVES)):
        await opened.services.ingestor.ingest(Job(name, documents, total=len(documents)))
    yield opened
    await opened.close()


async def ask(engine: Engine, **arguments: Any) -> Page:
    request = SearchRequest(QUERY, **{"collection": "pumps", **arguments})  # pyright: ignore[reportArgumentType]
    return await engine.services.pipeline.search(request)


def names(page: Page) -> list[str]:
    return [stage.name for stage in page.stages]


def ids(page: Page) -> list[tuple[str, str]]:
    return [(hit.passage.collection, hit.passage.id) for hit in page]


@pytest.mark.parametrize("collection", ["pumps", "pumps,valves"])
async def test_stage_follows_the_first_reranking_and_keeps_its_best_hit(plant: Engine, collection: str) -> None:
    without, fed = [await ask(plant, collection=collection, feedback=count) for count in (0, None)]
    assert names(without) == ["encode", "search", "rerank"]
    assert names(fed) == ["encode", "search", "rerank", "feedback"]
    assert ids(fed)[0] == ids(without)[0]
    report = fed.stages[-1]
    assert report.received == without.stages[-1].returned
    assert report.note.startswith(f"{report.returned - report.received} new passage")
    assert (fed.degraded, fed.verdict) == (False, without.verdict)
    assert any("like" in hit.scores for hit in fed)
    assert len(set(ids(fed))) == len(fed)
    assert ids(await ask(plant, collection=collection)) == ids(fed)


async def test_pages_are_cut_from_one_order(plant: Engine) -> None:
    first, second, middle = [await ask(plant, offset=offset) for offset in (0, 10, 5)]
    assert ids(middle) == [*ids(first)[5:], *ids(second)[:5]]
    others = [await ask(plant, offset=offset) for offset in (20, 30, 40, 50)]
    assert len({each for page in (first, second, *others) for each in ids(page)}) == 60


async def test_limit_per_document_and_least_relevance_hold(plant: Engine) -> None:
    page = await ask(plant, per_document=1, min_relevance=0.3)
    assert "feedback" in names(page)
    assert all(hit.relevance is not None and hit.relevance >= 0.3 for hit in page)
    assert len({hit.passage.document_id for hit in page}) == len(page)


@pytest.mark.parametrize(
    "arguments",
    [
        {"mode": "keyword"},
        {"like": ["pump3#0"]},
        {"unlike": ["pump3#0"]},
        {"depth": 20},
        {"rerank_weight": 0.0},
        {"reranker": "none"},
        {"reranker": "maxsim"},
        {"filter": {"number": {"lt": 30}}},
    ],
    ids=str,
)
async def test_there_is_no_second_search(plant: Engine, arguments: dict[str, Any]) -> None:
    assert "feedback" not in names(await ask(plant, **arguments))


async def test_request_decides_before_the_setting(plant: Engine) -> None:
    page = await ask(plant, depth=20, feedback=2)
    assert [(stage.name, stage.received) for stage in page.stages][-2:] == [("rerank", 20), ("feedback", 20)]
