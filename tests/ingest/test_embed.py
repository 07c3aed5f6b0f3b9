"""Passages get every vector that their collection names, and are found by each."""

from pathlib import Path

import numpy as np
import pytest

from resift.core.errors import InvalidInput
from resift.core.values import Document, Passage
from resift.core.vectors import Multi
from resift.factories.engine import build_engine
from resift.ingest.job import Job
from resift.pipeline.request import SearchRequest
from resift.settings.load import load_settings
from resift.settings.sections import VectorSettings

pytestmark = pytest.mark.anyio

DOCUMENTS = [
    Document(
        id="pump",
        title="Manual A",
        text="# Care\n\nGrease the shaft every month.",
        metadata={"topic": ["water", "pumping"]},
    ),
    Document(
        id="lamp", title="Manual B", text="# Care\n\nWipe the glass every week.", metadata={"topic": "light and lamps"}
    ),
    Document(id="none", title="", text="Nothing in particular is said here."),
]


async def test_metadata_field_with_a_vector_is_searched_alone_and_may_be_missing(tmp_path: Path) -> None:
    settings = load_settings(data_dir=tmp_path, vectors=VectorSettings(fields=["title", "heading", "topic"]))
    engine = build_engine(settings)
    await engine.services.ingestor.ingest(Job(collection="default", items=DOCUMENTS, total=3))
    page = await engine.services.pipeline.search(
        SearchRequest(query="electric lighting", mode="dense", fields={"topic": 1}, reranker="none")
    )
    assert [hit.passage.document_id for hit in page.ranking.hits] == ["lamp", "pump"]  # the third has no topic
    collection = await engine.services.store.open("default")
    ids = [Passage(document_id=each.id, ordinal=0, text="").point_id("default") for each in DOCUMENTS]
    assert {len(await collection.fetch_vectors(ids, name)) for name in ("title", "topic")} == {2}
    await engine.close()


async def test_token_vectors_are_stored_and_rescore_the_hits(tmp_path: Path) -> None:
    engine = build_engine(load_settings(data_dir=tmp_path, vectors=VectorSettings(tokens=True)))
    await engine.services.ingestor.ingest(Job(collection="default", items=DOCUMENTS, total=3))
    collection = await engine.services.store.open("default")
    key = Passage(document_id="pump", ordinal=0, text="").point_id("default")
    tokens = (await collection.fetch_vectors([key], "tokens"))[key]
    assert isinstance(tokens, Multi)
    assert np.linalg.norm(tokens.rows, axis=1) == pytest.approx(1, abs=1e-3)
    page = await engine.services.pipeline.search(SearchRequest(query="grease the shaft"))
    best = page.ranking.hits[0]
    assert best.passage.document_id == "pump"
    assert 2 < best.scores["tokens"] <= 3 + 1e-3  # three words, each with nearly its like
    assert "tokens" in page.ranking.stages[1].model
    only_words = await engine.services.pipeline.search(SearchRequest(query="shaft", mode="keyword"))
    assert "tokens" not in only_words.ranking.hits[0].scores
    await engine.close()


@pytest.mark.parametrize("field", ["dense", "bm25", "tokens", "a b", ""])
async def test_field_that_cannot_name_a_vector_is_refused(tmp_path: Path, field: str) -> None:
    with pytest.raises(InvalidInput, match="cannot have a vector"):
        build_engine(load_settings(data_dir=tmp_path, vectors=VectorSettings(fields=[field])))
