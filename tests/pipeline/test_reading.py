"""Passages around a hit, and documents from a passage on."""

import pytest

from resift.core.errors import InvalidInput, NotFound
from resift.factories.engine import Engine
from resift.pipeline.reading import read_around, read_from
from resift.pipeline.search import Pipeline

pytestmark = [pytest.mark.anyio, pytest.mark.slow]


@pytest.fixture
def pipeline(engine_with_documents: Engine) -> Pipeline:
    return engine_with_documents.services.pipeline


async def test_passages_around_a_hit_are_read_in_order(pipeline: Pipeline) -> None:
    collection = await pipeline.open("default")
    total = (await collection.entries(["manual"]))["manual"].passages
    assert total > 5
    extract = await read_around(collection, "manual#2", around=1)
    assert [passage.ordinal for passage in extract.passages] == [1, 2, 3]
    assert (extract.total, extract.focus) == (total, 2)
    start = await read_around(collection, "manual#0", around=2)
    assert [passage.ordinal for passage in start.passages] == [0, 1, 2]
    end = await read_around(collection, f"manual#{total - 1}", around=1)
    assert [passage.ordinal for passage in end.passages] == [total - 2, total - 1]


async def test_document_is_read_from_its_start(pipeline: Pipeline) -> None:
    collection = await pipeline.open("default")
    extract = await read_from(collection, "manual", start=0, limit=2)
    assert [passage.ordinal for passage in extract.passages] == [0, 1]
    assert extract.passages[0].text.startswith("Step 1. Loosen bolt number 1")
    whole = await read_from(collection, "manual", start=0, limit=1000)
    assert len(whole.passages) == whole.total == extract.total


async def test_reading_what_is_not_there_is_refused_with_the_next_step(pipeline: Pipeline) -> None:
    collection = await pipeline.open("default")
    for unusable in ("manual", "manual#", "#1", "manual#x", "manual#-1"):
        with pytest.raises(InvalidInput, match="is not a passage id"):
            await read_around(collection, unusable, around=1)
    with pytest.raises(NotFound, match="No passage 'manual#999' in collection 'default'"):
        await read_around(collection, "manual#999", around=1)
    with pytest.raises(NotFound, match="No document 'nothing' in collection 'default'"):
        await read_from(collection, "nothing", start=0, limit=1)
