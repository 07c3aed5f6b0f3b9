"""A query in a script that the bundled models cannot read is answered by its words, and nothing claims a relevance."""

from collections.abc import AsyncGenerator
from dataclasses import replace
from typing import Any

import pytest

from resift.core.values import Document, Passage
from resift.factories.engine import Engine
from resift.ingest.job import Job
from resift.pipeline.page import Page
from resift.pipeline.request import SearchRequest
from resift.search.legs import ARBITRARY, CANNOT_READ, IS_ONE_WORD, PARTLY_READ, WORDS_ALONE
from resift.tests.pipeline.both_stores import engine_on

pytestmark = pytest.mark.anyio

TEXTS = {
    "router": "如何重置路由器。按住背面的重置按钮十秒钟。直到指示灯闪烁。",
    "cats": "猫每天睡十六个小时。",
    "invoices": "发票在每月的第一天寄出。",
    "pool": "数据库连接池的大小默认为十个连接。",
    "server": "サーバーを再起動するには、電源ボタンを押します。",
    "port": "ฐานข้อมูลเชื่อมต่อผ่านพอร์ต 5432",
    "pump": "The pump hums at night.",
}


@pytest.fixture(scope="module")
async def engine(tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[Engine]:
    documents = [Document(name, "", text=text) for name, text in TEXTS.items()]
    async with engine_on("edge", tmp_path_factory.mktemp("unread"), documents) as opened:
        yield opened


async def search(engine: Engine, query: str, **options: Any) -> Page:
    return await engine.services.pipeline.search(SearchRequest(query, **options))


def found(page: Page) -> list[str]:
    return [hit.passage.document_id for hit in page.hits]


@pytest.mark.parametrize(
    ("query", "answer"),
    [
        ("如何重置路由器", "router"),
        ("发票什么时候寄出", "invoices"),
        ("数据库连接池", "pool"),
        ("猫", "cats"),
        ("サーバー再起動", "server"),
        ("ฐานข้อมูล", "port"),
    ],
)
async def test_words_find_the_answer_and_relevance_is_unknown(engine: Engine, query: str, answer: str) -> None:
    page = await search(engine, query)
    assert found(page)[0] == answer
    assert {hit.relevance for hit in page.hits} == {None}
    assert (page.verdict, page.degraded) == ("unknown", True)
    assert [*page.notes[:2]] == [CANNOT_READ, WORDS_ALONE]
    assert ARBITRARY not in page.notes
    assert "knows less than half of the letters of the query. Choose a reranker for its language." in page.notes[2]
    assert found(await search(engine, query, mode="keyword", reranker="none"))[0] == answer
    assert found(await search(engine, query, min_relevance=0.5))[0] == answer


async def test_query_whose_words_no_passage_has_has_no_verdict(engine: Engine) -> None:
    page = await search(engine, "汽车")
    assert (found(page), page.verdict) == ([], "unknown")


async def test_search_by_meaning_alone_gives_no_relevance_either(engine: Engine) -> None:
    for options in ({"mode": "dense"}, {"mode": "dense", "reranker": "none"}):
        page = await search(engine, "数据库", **options)
        assert len(page.hits) == len(TEXTS)
        assert {hit.relevance for hit in page.hits} == {None}
        assert page.verdict == "unknown"
        assert {CANNOT_READ, ARBITRARY} <= {*page.notes}


async def test_phrasing_that_can_be_read_is_searched_by_meaning(engine: Engine) -> None:
    page = await search(engine, "水泵", queries=["what hums at night?"], reranker="none")
    assert found(page)[0] == "pump"
    assert page.hits[0].relevance is not None
    assert PARTLY_READ in page.notes
    assert CANNOT_READ not in page.notes


async def test_examples_stand_in_for_a_query_that_cannot_be_read(engine: Engine) -> None:
    page = await search(engine, "水泵", like=["cats#0"], mode="dense", reranker="none")
    assert set(found(page)) == TEXTS.keys() - {"cats"}
    assert CANNOT_READ in page.notes
    assert ARBITRARY not in page.notes


async def test_query_that_can_be_read_is_answered_as_before(engine: Engine) -> None:
    page = await search(engine, "what hums at night?")
    assert (found(page)[0], page.verdict, page.degraded, [*page.notes]) == ("pump", "good", False, [])


async def test_passages_of_a_caller_keep_their_order(engine: Engine) -> None:
    passages = [Passage(name, 0, text=text) for name, text in TEXTS.items()]
    for reranker in ("default", "maxsim"):
        page = await engine.services.pipeline.rerank("数据库连接池", passages, limit=9, reranker=reranker)
        assert found(page) == list(TEXTS)
        assert (page.verdict, page.degraded) == ("unknown", True)


async def test_collection_of_an_older_version_says_why_words_are_not_found(engine: Engine) -> None:
    services = engine.services
    manifest = services.pipeline.manifest
    older = replace(manifest, lexical=replace(manifest.lexical, splits_unspaced=False))
    await services.store.open("old", create=older)
    await services.ingestor.ingest(Job("old", [Document("pool", "", text=TEXTS["pool"])], total=1))
    page = await search(engine, "数据库连接池", collection="old", reranker="none")
    assert found(page) == ["pool"]
    assert page.hits[0].relevance is None
    assert [*page.notes] == [CANNOT_READ, IS_ONE_WORD]
    page = await search(engine, "数据库连接池", collection=["default", "old"], reranker="none")
    assert found(page)[0] == "pool"


async def test_halfwidth_katakana_are_found_inside_words(engine: Engine) -> None:
    services = engine.services
    await services.store.open("narrow", create=services.pipeline.manifest)
    await services.ingestor.ingest(Job("narrow", [Document("base", "", text="ﾃﾞｰﾀﾍﾞｰｽ")], total=1))
    assert found(await search(engine, "ﾍﾞｰｽ", collection="narrow", mode="keyword", reranker="none")) == ["base"]
