"""One text in several documents is one hit that names the others: pages are full, filters hold, measures see all."""

from collections.abc import AsyncGenerator
from copy import copy
from dataclasses import replace

import pytest
from mcp.client import Client

from resift.core.values import Document
from resift.evaluation.judged import JudgedSet
from resift.evaluation.run import document_ids, rankings
from resift.factories.engine import Engine, build_engine, running
from resift.ingest.job import Job
from resift.pipeline.plan import Rerankers
from resift.pipeline.request import SearchRequest
from resift.rerank.stages.cascade import Cascade
from resift.rerank.stages.order import OrderStage
from resift.server.mcp.assembly import create_server
from resift.settings.load import load_settings
from resift.tests.rerank.stages.heads import Reverses
from resift.tests.tools.asking import Asker

pytestmark = pytest.mark.anyio

NOTICE = (
    "The warranty covers the pump and its bearing for two years from the day of delivery. It does not cover the seal "
    "of the shaft, which wears."
)
OTHERS = [f"The warranty of part {number} is described on sheet {number + 7}." for number in range(12)]


@pytest.fixture(scope="module")
async def engine(tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[Engine]:
    """An engine with the notice in eight documents of four years, and twelve other passages."""
    built = build_engine(load_settings(data_dir=tmp_path_factory.mktemp("copies")))
    documents = [
        Document(f"m{n}", f"Manual {n}", text=NOTICE, source=f"manuals/m{n}.txt", metadata={"year": 2020 + n % 4})
        for n in range(8)
    ]
    documents += [Document(f"p{n}", f"Part {n}", text=text, source=f"parts/p{n}.txt") for n, text in enumerate(OTHERS)]
    await built.services.ingestor.ingest(Job("default", documents, total=len(documents)))
    await built.services.ingestor.ingest(Job("copy", documents[:1], total=1))
    async with running(built):
        yield built


@pytest.fixture(scope="module")
async def tools(engine: Engine) -> AsyncGenerator[Asker]:
    async with Client(create_server(engine)) as client:
        yield Asker(client, {tool.name: tool for tool in (await client.list_tools()).tools})


QUESTION = "how long does the warranty cover the pump and its bearing"


async def test_one_text_is_one_hit_that_names_the_others(tools: Asker) -> None:
    for tool in ("search_and_rerank", "hybrid_search"):
        answer = await tools.call(tool, {"query": QUESTION, "limit": 5})
        [hit] = [each for each in answer["hits"] if each["text"] == NOTICE]
        assert len(answer["hits"]) == 5
        assert (len(hit["also_in"]), hit["also_in_more"]) == (3, 4)
        sources = {hit["source"], *hit["also_in"]}
        assert len(sources) == 4
        assert sources <= {f"manuals/m{n}.txt:1" for n in range(8)}
        assert "also_in" not in next(each for each in answer["hits"] if each is not hit)
        assert "7 passages that repeat the text of a hit: see also_in" in [
            each.get("note") for each in answer["stages"]
        ]
        for source in hit["also_in"]:
            assert (await tools.call("read_document", {"document_id": source}))["passages"][0]["text"] == NOTICE


async def test_pages_hold_every_text_once(tools: Asker) -> None:
    for tool in ("search_and_rerank", "hybrid_search"):
        texts: list[str] = []
        offset = 0
        while True:
            answer = await tools.call(tool, {"query": QUESTION, "limit": 3, "offset": offset, "detail": "full"})
            texts += [each["text"] for each in answer["hits"]]
            assert answer["left_out"] == 0
            if not (offset := answer["next_offset"]):
                break
        assert sorted(texts) == sorted([NOTICE, *OTHERS])


@pytest.mark.parametrize("reranker", ["none", "plain", "told"])
async def test_page_is_as_full_with_an_instruction(engine: Engine, reranker: str) -> None:
    pipeline = copy(engine.services.pipeline)
    told, plain = OrderStage("told", Reverses(), head=9), OrderStage("plain", Reverses(), takes_instructions=False)
    pipeline.rerankers = Rerankers({"told": Cascade((told,)), "plain": Cascade((plain,))}, "plain")
    request = SearchRequest(QUESTION, reranker=reranker, instruction="prefer short passages")
    first, second = [await pipeline.search(replace(request, offset=offset)) for offset in (0, 10)]
    assert (len(first), first.more, len(second), second.more) == (10, True, 3, False)
    texts = [hit.passage.text for page in (first, second) for hit in page]
    assert sorted(texts) == sorted([NOTICE, *OTHERS])
    [hit] = [hit for page in (first, second) for hit in page if hit.passage.text == NOTICE]
    assert len(hit.also_in) == 7


async def test_filter_holds_for_what_is_named(tools: Asker) -> None:
    answer = await tools.call("search_and_rerank", {"query": QUESTION, "filter": {"year": 2021}})
    [hit] = answer["hits"]
    assert {hit["source"], *hit["also_in"]} == {"manuals/m1.txt:1", "manuals/m5.txt:1"}


async def test_copies_in_other_collections_are_named_with_them(tools: Asker) -> None:
    answer = await tools.call("search_and_rerank", {"query": QUESTION, "collection": "*", "filter": {"year": 2020}})
    [hit] = answer["hits"]
    places = {f"{hit['collection']}: {hit['source']}", *hit["also_in"]}
    assert places == {
        "copy: manuals/m0.txt:1",
        "default: manuals/m0.txt:1",
        "default: manuals/m4.txt:1",
    }


async def test_hits_with_copies_can_be_reranked_as_they_are(tools: Asker) -> None:
    hits = (await tools.call("hybrid_search", {"query": QUESTION}))["hits"]
    ranked = await tools.call("rerank", {"query": QUESTION, "passages": hits})
    assert len(ranked["hits"]) == len(hits)


async def test_evaluation_credits_every_document_with_the_text(engine: Engine) -> None:
    judged = JudgedSet("copies", {"q": QUESTION}, grades={"q": {f"m{n}": 1 for n in range(8)}})
    question = SearchRequest("", collection="default", reranker="none", per_document=1, limit=20)
    async for _, ranking in rankings(engine.services.pipeline, judged, question):
        assert set(document_ids(ranking)[:8]) == {f"m{n}" for n in range(8)}
