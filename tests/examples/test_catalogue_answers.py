"""The bundled reranker answers the questions of the demo."""

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from resift.examples.catalogue import DemoQuestion, part_questions, parts
from resift.factories.engine import build_engine
from resift.ingest.job import Job
from resift.pipeline.request import SearchRequest
from resift.pipeline.search import Pipeline
from resift.server.cli.demo import parts_question
from resift.settings.load import load_settings

pytestmark = pytest.mark.anyio

ANSWERED = [asked for asked in part_questions() if asked.relevant]
UNANSWERED = [asked for asked in part_questions() if not asked.relevant]


@pytest.fixture(scope="module")
async def pipeline(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Pipeline]:
    engine = build_engine(load_settings(data_dir=tmp_path_factory.mktemp("catalogue"), min_free_mb=0))
    documents = parts()
    await engine.services.ingestor.ingest(Job("parts", documents, total=len(documents)))
    yield engine.services.pipeline
    await engine.close()


@pytest.mark.parametrize("asked", ANSWERED, ids=lambda asked: asked.text)
async def test_reranking_finds_the_part_that_its_title_does_not_reveal(pipeline: Pipeline, asked: DemoQuestion) -> None:
    page = await pipeline.search(replace(parts_question(asked.text), reranker="cross-encoder"))
    assert page.ranking.hits[0].passage.document_id in asked.relevant


async def test_question_that_a_part_answers_literally_gets_the_verdict_good(pipeline: Pipeline) -> None:
    page = await pipeline.search(SearchRequest(ANSWERED[0].text, collection="parts", reranker="cross-encoder"))
    assert page.verdict == "good"


@pytest.mark.parametrize("asked", UNANSWERED, ids=lambda asked: asked.text)
async def test_question_that_no_part_answers_gets_the_verdict_none(pipeline: Pipeline, asked: DemoQuestion) -> None:
    page = await pipeline.search(SearchRequest(asked.text, collection="parts", reranker="cross-encoder"))
    assert page.verdict == "none"
