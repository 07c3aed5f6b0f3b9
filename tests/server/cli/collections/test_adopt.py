"""`resift adopt`, on collections that LangChain and others would make, with the bundled encoder."""

import json
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
from mcp.client import Client
from qdrant_client import AsyncQdrantClient, models

from resift.api.resift import Resift
from resift.core.errors import InvalidInput, NotFound, StoreError
from resift.evaluation.judged_files import load_judged
from resift.factories.engine import Engine, build_engine
from resift.ingest.job import Job
from resift.pipeline.request import SearchRequest
from resift.server.cli import evaluate, tune
from resift.server.cli.collections.adopt import AdoptRequest, adopt_collection
from resift.server.cli.collections.transfer import copy_collections
from resift.server.mcp.assembly import create_server
from resift.settings.load import Settings, load_settings
from resift.tests.conftest import DOCUMENTS
from resift.tests.standins.qdrant import Serving

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.filterwarnings("ignore:(Payload indexes|Local mode):UserWarning"),
]
PASSAGES = [(document, text) for document in DOCUMENTS for text in document.text.split("\n\n")[:6]]
LANGCHAIN = AdoptRequest(
    "langchain",
    text="page_content",
    source="metadata.source",
    document="metadata.source",
    order="metadata.start_index",
    model="sentence-transformers/all-MiniLM-L6-v2",
)
NAMED = AdoptRequest("named", text="body", title="title", vector="text-dense")


async def run_adopt(settings: Settings, request: AdoptRequest) -> None:
    """Adopt with an engine of its own, as the command does."""
    engine = build_engine(settings)
    try:
        await adopt_collection(engine, request)
    finally:
        await engine.close()


@pytest.fixture(scope="module")
async def engine(server: Serving, settings: Settings) -> AsyncGenerator[Engine]:
    async with AsyncExitStack() as stack:
        built = build_engine(settings)
        stack.push_async_callback(built.close)
        vectors, _ = await built.encoder.encode([text for _, text in PASSAGES])
        await _make_langchain(server.client, [each.tolist() for each in vectors])
        await _make_named(server.client, [each.tolist() for each in vectors])
        yield built


async def _make_langchain(client: AsyncQdrantClient, vectors: list[Any]) -> None:
    await client.create_collection("langchain", models.VectorParams(size=384, distance=models.Distance.COSINE))
    points = [
        models.PointStruct(
            id=f"00000000-0000-4000-8000-{place:012}",
            vector=vectors[place],
            payload={
                "page_content": text,
                "metadata": {**document.metadata, "source": document.source, "start_index": place},
            },
        )
        for place, (document, text) in enumerate(PASSAGES)
    ]
    await client.upsert("langchain", points)


async def _make_named(client: AsyncQdrantClient, vectors: list[Any]) -> None:
    config = {
        "text-dense": models.VectorParams(size=384, distance=models.Distance.DOT),
        "wrong": models.VectorParams(size=384, distance=models.Distance.COSINE),
        "image": models.VectorParams(size=8, distance=models.Distance.COSINE),
        "far": models.VectorParams(size=384, distance=models.Distance.MANHATTAN),
        "whole": models.VectorParams(size=384, distance=models.Distance.COSINE, datatype=models.Datatype.UINT8),
    }
    words = {"words": models.SparseVectorParams()}
    await client.create_collection("named", config, sparse_vectors_config=words)
    points = [
        models.PointStruct(
            id=place + 1,
            vector={
                "text-dense": vectors[place],
                "wrong": vectors[place][::-1],
                "words": models.SparseVector(indices=[1, 2], values=[1.0, 1.0]),
            },
            payload={"title": document.title, "body": text, "year": document.metadata["year"]},
        )
        for place, (document, text) in enumerate(PASSAGES)
    ]
    await client.upsert("named", points)


@pytest.fixture
async def adopted(engine: Engine, settings: Settings) -> Engine:
    """An engine at whose server LangChain's collection is adopted anew."""
    await run_adopt(settings, LANGCHAIN)
    return engine


async def ask(engine: Engine, question: SearchRequest) -> list[tuple[str, str]]:
    page = await engine.services.pipeline.search(question)
    return [(hit.passage.source, hit.passage.text) for hit in page.ranking.hits]


async def test_collection_that_is_not_adopted_says_how_and_the_command_is_suggested(
    engine: Engine, settings: Settings, server: Serving
) -> None:
    with pytest.raises(StoreError, match="`resift adopt named` makes it searchable"):
        await engine.services.pipeline.open("named")
    with pytest.raises(InvalidInput) as suggested:
        await run_adopt(settings, AdoptRequest("langchain"))
    assert (
        "resift adopt langchain --text-field page_content --source-field metadata.source "
        "--document-field metadata.source --order-field metadata.start_index\n"
    ) in str(suggested.value)
    with pytest.raises(InvalidInput) as suggested:
        await run_adopt(settings, AdoptRequest("named"))
    assert "resift adopt named --text-field body --title-field title --vector" in str(suggested.value)
    with pytest.raises(NotFound, match=r"No collection 'lang'\. Did you mean 'langchain'"):
        await run_adopt(settings, AdoptRequest("lang"))
    assert (await server.client.get_collection("langchain")).config.metadata is None


async def test_langchain_collection_is_searched_reranked_filtered_and_listed(
    adopted: Engine, settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    await run_adopt(settings, LANGCHAIN)
    told = " ".join(capsys.readouterr().out.split())
    assert "agree at a median cosine of 1.000" in told
    assert "Metadata fields for filters: oem, price, since, start_index, system, tags, year." in told
    question = SearchRequest("Why do my brakes squeal?", collection="langchain", limit=3, reranker="default")
    page = await adopted.services.pipeline.search(question)
    assert page.ranking.hits[0].passage.source == "car/brakes.md"
    assert page.verdict == "good"
    assert any("Only dense vectors were searched" in note for note in page.ranking.notes)
    narrowed = SearchRequest(
        "Why?", collection="langchain", filter={"oem": True, "year": {"gt": 2021}, "tags": "safety"}, reranker="none"
    )
    assert {source for source, _ in await ask(adopted, narrowed)} == {"car/radar.md"}
    grouped = SearchRequest("bolt number 3", collection="langchain", per_document=1, reranker="none")
    assert len(await ask(adopted, grouped)) == len(DOCUMENTS)
    async with Client(create_server(adopted)) as client:
        listed = await client.call_tool("list_collections", {"collection": "langchain"})
    assert listed.structured_content is not None
    [shown] = listed.structured_content["collections"]
    assert (shown["documents"], shown["passages"]) == (len(DOCUMENTS), len(PASSAGES))
    values = {field["name"]: field["values"] for field in listed.structured_content["fields"]}
    assert {"value": "electrics", "passages": 2} in values["system"]


async def test_words_are_added_when_told_and_points_stay_otherwise(
    adopted: Engine, settings: Settings, server: Serving, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "langchain" in await adopted.services.store.names()
    before, _ = await server.client.scroll("langchain", limit=100, with_vectors=False)
    await run_adopt(settings, AdoptRequest("langchain", add_keywords=True))
    assert f"BM25 vectors added to {len(PASSAGES)} points" in " ".join(capsys.readouterr().out.split())
    after, _ = await server.client.scroll("langchain", limit=100, with_vectors=False)
    assert after == before
    by_words = SearchRequest("Loosen bolt number 4", collection="langchain", mode="keyword", limit=1, reranker="none")
    another = build_engine(settings)
    [(_, text)] = await ask(another, by_words)
    await another.close()
    assert text.startswith("Step 4.")
    await run_adopt(settings, LANGCHAIN)  # read anew, and still hybrid
    assert "--add-keywords" not in capsys.readouterr().out
    with pytest.raises(InvalidInput, match="is already adopted"):
        await run_adopt(settings, AdoptRequest("langchain"))


async def test_ingestion_and_deletion_are_refused(adopted: Engine) -> None:
    with pytest.raises(StoreError, match="made elsewhere and adopted"):
        await adopted.services.ingestor.ingest(Job("langchain", DOCUMENTS, total=len(DOCUMENTS)))
    with pytest.raises(StoreError, match="made elsewhere and adopted"):
        await adopted.services.remover.remove("langchain", document_ids=["car/brakes.md"], filter_={})
    with pytest.raises(StoreError, match="made elsewhere and adopted"):
        await adopted.services.remover.remove("langchain", document_ids=[], filter_={}, everything=True)


async def test_adopted_collection_is_not_moved(
    adopted: Engine, settings: Settings, server: Serving, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "langchain" in await adopted.services.store.names()
    await copy_collections(settings, [], to="", from_=server.url)
    assert "langchain: skipped, because it was adopted" in capsys.readouterr().out
    with pytest.raises(StoreError, match="was not made by Resift"):
        await copy_collections(settings, ["langchain"], to="", from_=server.url)


REFUSED = {
    "two vectors and none named": (
        AdoptRequest("named", text="body"),
        r"--vector\. Vectors: far .* image \(8, cosine, float32\), text-dense \(384, dot",
    ),
    "no such vector": (AdoptRequest("named", text="body", vector="no"), "'no' is not a suitable vector"),
    "sparse vector": (AdoptRequest("named", text="body", vector="words"), "'words' is not a suitable vector"),
    "unnamed vector": (
        AdoptRequest("named", text="body", vector="(unnamed)"),
        "is not a suitable vector",
    ),
    "dimension": (AdoptRequest("named", text="body", vector="image"), "makes vectors of 384 dimensions"),
    "distance": (AdoptRequest("named", text="body", vector="far"), "Supported: cosine, dot, euclid"),
    "datatype": (AdoptRequest("named", text="body", vector="whole"), "vectors of integers"),
    "another model": (AdoptRequest("named", text="body", vector="wrong"), "another model made them"),
    "model named": (
        AdoptRequest("named", text="body", vector="text-dense", model="e5-base"),
        "Set RESIFT_ENCODER__KIND",
    ),
    "text field": (AdoptRequest("named", text="bdy", vector="text-dense"), r"0 of \d+ sampled .* body, title, year"),
    "title field": (AdoptRequest("named", text="body", title="t", vector="text-dense"), "--title-field 't'"),
    "words of another kind": (
        AdoptRequest("named", text="body", vector="text-dense", keywords="words"),
        "are not BM25",
    ),
    "nothing to forget": (AdoptRequest("named", forget=True), "is not adopted"),
}


@pytest.mark.parametrize("name", REFUSED)
async def test_wrong_mapping_is_refused_with_what_there_is(engine: Engine, settings: Settings, name: str) -> None:
    request, message = REFUSED[name]
    with pytest.raises(InvalidInput, match=message):
        await run_adopt(settings, request)


async def test_named_vector_is_searched_and_let_go_of(
    engine: Engine, settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    await run_adopt(settings, NAMED)
    question = SearchRequest(
        "radar behind me", collection="named", limit=1, filter={"title": "Radar sensor"}, reranker="none"
    )
    [(_, text)] = await ask(engine, question)
    assert text.startswith("The radar sensor")
    await run_adopt(settings, AdoptRequest("named", forget=True))
    assert "Its points are unchanged." in capsys.readouterr().out
    assert "named" not in await engine.services.store.names()


async def test_other_model_may_be_forced_and_is_warned_of(
    engine: Engine, settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    await run_adopt(settings, AdoptRequest("named", text="body", vector="wrong", force=True))
    assert "Warning: That is less than one model makes of the same texts." in " ".join(capsys.readouterr().err.split())
    await run_adopt(settings, AdoptRequest("named", forget=True))


async def test_collection_with_a_name_that_resift_does_not_take_is_told_so(server: Serving, settings: Settings) -> None:
    await server.client.create_collection("my docs", vectors_config={})
    with pytest.raises(InvalidInput, match="'my docs' cannot be adopted: Resift takes names of up to 64 letters"):
        await run_adopt(settings, AdoptRequest("my docs"))
    await server.client.delete_collection("my docs")


async def test_data_folder_has_nothing_to_adopt(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="Set QDRANT_URL"):
        await run_adopt(load_settings(data_dir=tmp_path), NAMED)


@pytest.mark.slow
async def test_adopted_collection_is_evaluated_and_tuned_by_questions_of_its_own(
    adopted: Engine, settings: Settings, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("ir_measures", reason="the extra [eval] is not installed")
    await run_adopt(settings, AdoptRequest("langchain", add_keywords=True))
    asked = [
        {"query": f"{document.title}, question {n}", "relevant": [document.source]}
        for n in range(8)
        for document in DOCUMENTS
    ]
    data = tmp_path / "asked.jsonl"
    data.write_text("\n".join(map(json.dumps, asked)))
    options = {"collection": "langchain", "reranker": "maxsim", "depth": 5, "depths": (5,)}
    await evaluate.run_evaluation(Resift(engine=adopted), load_judged(data), tmp_path / "report", **options)
    report = json.loads((tmp_path / "report" / "report.json").read_text())
    rows = {row["name"]: row["measures"] for row in report["systems"]}
    assert rows["+ blend"]["R@5"] > 0.5
    await tune.run_tune(adopted, tune.TuneRequest(data, "langchain", reranker="maxsim", force=True))
    assert "nDCG@10, held out" in capsys.readouterr().out
