"""Verdicts on documents of one sentence, which the bundled models were not fitted to."""

from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path

import pytest

from resift.core.values import Document
from resift.factories.engine import Engine, build_engine
from resift.ingest.job import Job
from resift.pipeline.request import SearchRequest
from resift.settings.load import load_settings
from resift.tests.pipeline.one_sentence import (
    HOUSE,
    HOUSE_ANSWERED,
    HOUSE_UNANSWERED,
    OFFICE,
    OFFICE_ANSWERED,
    OFFICE_UNANSWERED,
)

pytestmark = [pytest.mark.anyio, pytest.mark.slow]


@pytest.fixture
async def engine(tmp_path: Path) -> AsyncIterator[Engine]:
    engine = build_engine(load_settings(data_dir=tmp_path))
    for name, texts in (("office", OFFICE), ("house", HOUSE)):
        documents = [Document(key, "", text=text) for key, text in texts.items()]
        await engine.services.ingestor.ingest(Job(name, documents, total=len(documents)))
    yield engine
    await engine.close()


async def count(engine: Engine, name: str, questions: Sequence[str]) -> Counter[str]:
    pipeline = engine.services.pipeline
    return Counter([(await pipeline.search(SearchRequest(each, collection=name))).verdict for each in questions])


@pytest.mark.parametrize(("name", "answered"), [("office", OFFICE_ANSWERED), ("house", HOUSE_ANSWERED)])
async def test_short_document_that_answers_is_good(engine: Engine, name: str, answered: Mapping[str, str]) -> None:
    verdicts = await count(engine, name, list(answered))
    assert verdicts["good"] >= 0.8 * verdicts.total(), verdicts
    assert verdicts["none"] == 0, verdicts


@pytest.mark.parametrize(("name", "unanswered"), [("office", OFFICE_UNANSWERED), ("house", HOUSE_UNANSWERED)])
async def test_question_that_no_short_document_answers_is_rarely_good(
    engine: Engine, name: str, unanswered: Sequence[str]
) -> None:
    verdicts = await count(engine, name, unanswered)
    assert verdicts["good"] <= 1, verdicts
    assert verdicts["none"] >= 0.75 * verdicts.total(), verdicts


async def test_nobody_in_the_documents_is_the_ceo(engine: Engine) -> None:
    page = await engine.services.pipeline.search(SearchRequest("who is the CEO", collection="office"))
    assert page.verdict == "none"
