"""`resift adopt` once more, after a change of texts or settings, and on collections that say little of themselves."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import AsyncExitStack
from dataclasses import replace
from typing import Any

import pytest
from qdrant_client import models

from resift.core.errors import InvalidInput
from resift.core.vectors import BM25
from resift.encoders.bm25 import Bm25Encoder
from resift.factories.engine import Engine, build_engine
from resift.server.cli.collections.adopt import AdoptRequest
from resift.settings.load import Settings
from resift.store.qdrant.adopted.keywords import KEYWORDS
from resift.tests.conftest import DOCUMENTS
from resift.tests.server.cli.collections.test_adopt import run_adopt
from resift.tests.standins.qdrant import Serving

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.filterwarnings("ignore:(Payload indexes|Local mode):UserWarning"),
]
TEXTS = [text for document in DOCUMENTS for text in document.text.split("\n\n")[:6]]


@pytest.fixture(scope="module")
async def engine(settings: Settings) -> AsyncGenerator[Engine]:
    async with AsyncExitStack() as stack:
        built = build_engine(settings)
        stack.push_async_callback(built.close)
        yield built


async def make(server: Serving, engine: Engine, name: str, texts: Sequence[str]) -> None:
    """Make a collection of texts and what is no text of theirs."""
    vectors, _ = await engine.encoder.encode(list(texts))
    await server.client.create_collection(name, models.VectorParams(size=384, distance=models.Distance.COSINE))
    points = [
        models.PointStruct(id=place, vector=vector.tolist(), payload={"body": text, "summary": f"A zebra, {place}."})
        for place, (vector, text) in enumerate(zip(vectors, texts, strict=True))
    ]
    await server.client.upsert(name, points)


async def test_words_made_of_another_text_or_language_are_not_used_and_made_anew_when_told(
    engine: Engine, settings: Settings, server: Serving
) -> None:
    await make(server, engine, "retold", TEXTS)
    german = settings.model_copy(update={"search": settings.search.model_copy(update={"language": "german"})})
    mapped, added = AdoptRequest("retold", text="body"), AdoptRequest("retold", add_keywords=True)
    await run_adopt(settings, AdoptRequest("retold", text="summary", force=True, add_keywords=True))
    assert await words_of(server, settings) == ("english", "A zebra, 0.")
    for each, language in ((settings, "english"), (german, "german")):
        await run_adopt(each, mapped)
        assert await words_of(server, each) == (language, None)
        await run_adopt(each, added)
        assert await words_of(server, each) == (language, TEXTS[0])
    await run_adopt(german, mapped)  # nothing has changed
    assert await words_of(server, german) == ("german", TEXTS[0])
    await run_adopt(german, AdoptRequest("retold", forget=True))
    await run_adopt(settings, replace(mapped, add_keywords=True))
    assert await words_of(server, settings) == ("english", TEXTS[0])


async def words_of(server: Serving, settings: Settings) -> tuple[str, str | None]:
    """Return the language of the collection's words, and the text whose words the first point is found by."""
    engine = build_engine(settings)
    manifest = (await engine.services.pipeline.open("retold")).manifest
    await engine.close()
    if BM25 not in manifest.vectors:
        return manifest.lexical.language, None
    [point] = await server.client.retrieve("retold", [0], with_vectors=True)
    assert point.payload is not None
    assert isinstance(point.vector, dict)
    stored: Any = point.vector[KEYWORDS]
    bm25 = Bm25Encoder(manifest.lexical)
    [text] = [text for text in point.payload.values() if set(bm25.document(text).indices) == set(stored.indices)]
    return manifest.lexical.language, text


async def test_collection_of_short_texts_is_compared_by_the_longest(
    engine: Engine, settings: Settings, server: Serving, capsys: pytest.CaptureFixture[str]
) -> None:
    await make(server, engine, "short", [f"Bolt {place}" for place in range(20)])
    await run_adopt(settings, AdoptRequest("short", text="body", add_keywords=True))
    told = " ".join(capsys.readouterr().out.split())
    assert "16 stored vectors and those of all-MiniLM-L6-v2" in told
    assert "agree at a median cosine of 1.000" in told
    with pytest.raises(InvalidInput, match="another model made them"):
        await run_adopt(settings, AdoptRequest("short", text="summary"))


async def test_payload_below_a_key_that_no_path_can_name_is_passed_over(
    engine: Engine, settings: Settings, server: Serving
) -> None:
    await make(server, engine, "quoted", TEXTS)
    await server.client.set_payload("quoted", {'the "big" one': {"year": 1}, "the.other": {"year": 2}}, list(range(9)))
    with pytest.raises(InvalidInput) as suggested:
        await run_adopt(settings, AdoptRequest("quoted"))
    assert 'Payload: "the.other".year, body, summary.' in str(suggested.value)


async def test_collection_with_nothing_to_compare_is_adopted_with_a_warning(
    engine: Engine, settings: Settings, server: Serving, capsys: pytest.CaptureFixture[str]
) -> None:
    await server.client.create_collection(
        "silent",
        {"text": models.VectorParams(size=384, distance=models.Distance.COSINE)},
        sparse_vectors_config={"words": models.SparseVectorParams(modifier=models.Modifier.IDF)},
    )
    await server.client.upsert("silent", [models.PointStruct(id=1, vector={}, payload={"body": "The radar."})])
    await run_adopt(settings, AdoptRequest("silent", text="body", keywords="words"))
    warned = " ".join(capsys.readouterr().err.split())
    assert "Warning: No sampled point has both a text and a vector, so it is unknown whether all-MiniLM-L6-v2" in warned
    assert "both a text and a vector in words (sparse, IDF), so it is unknown if it holds BM25." in warned
    assert "silent" in await engine.services.store.names()
