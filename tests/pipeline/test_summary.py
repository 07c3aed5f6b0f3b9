"""Summaries of collections and of their fields."""

import pytest

from resift.factories.engine import Engine
from resift.pipeline.search import Pipeline
from resift.pipeline.summary import summarize, summarize_fields

pytestmark = [pytest.mark.anyio, pytest.mark.slow]


@pytest.fixture
def pipeline(engine_with_documents: Engine) -> Pipeline:
    return engine_with_documents.services.pipeline


async def test_summary_counts_and_shows_fields_with_their_most_frequent_values(pipeline: Pipeline) -> None:
    collection = await pipeline.open("default")
    summary = await summarize(collection)
    assert (summary.name, summary.documents) == ("default", 4)
    assert summary.passages == await collection.count() > 8
    assert summary.encoder.startswith("all-MiniLM-L6-v2-int8@")
    assert summary.fields == ("oem", "price", "since", "system", "tags", "year")
    fields = {each.name: each for each in await summarize_fields(collection)}
    assert {name: each.type for name, each in fields.items()} == {
        "oem": "boolean",
        "price": "number",
        "since": "date",
        "system": "keyword",
        "tags": "keyword",
        "year": "integer",
    }
    assert dict(fields["system"].values)["electrics"] == 2
    assert dict(fields["oem"].values) == {True: 2, False: 1}
    assert dict(fields["tags"].values) == {"safety": 2, "wear": 2}
    assert fields["since"].values == ()
    assert {name: each.range for name, each in fields.items() if each.range} == {
        "price": (49.5, 310.0),
        "since": ("2019-11-20", "2023-06-15"),
        "year": (2019, 2023),
    }
