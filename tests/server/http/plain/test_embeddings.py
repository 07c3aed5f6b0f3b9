"""Embeddings and models in the shape of OpenAI."""

from base64 import b64decode
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest

from resift.api.resift import Resift
from resift.core.values import Document
from resift.core.vectors import DENSE
from resift.ingest.job import Job
from resift.server.http.plain.openai import EmbeddingsResponse, ModelList
from resift.tests.server.http.application import client_of, engine_of
from resift.tests.standins.embeddings import embedding_stand_in

pytestmark = pytest.mark.anyio

MODEL = "all-MiniLM-L6-v2-int8"
BEES, PUMP = "Bees dance to tell where flowers are.", "The pump hums at night."


@pytest.fixture(scope="module")
async def plain(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(engine_of(tmp_path_factory.mktemp("embeddings"))) as opened:
        yield opened


async def embed(client: httpx.AsyncClient, status: int = 200, **body: Any) -> Any:
    response = await client.post("/v1/embeddings", json=body)
    assert response.status_code == status, response.text
    return response.json()


async def test_texts_become_vectors_in_their_order(plain: httpx.AsyncClient) -> None:
    both = await embed(plain, input=[BEES, PUMP], model=MODEL)
    EmbeddingsResponse.model_validate(both, extra="forbid")
    assert [each["index"] for each in both["data"]] == [0, 1]
    alone = await embed(plain, input=PUMP)
    assert alone["data"][0]["embedding"] == both["data"][1]["embedding"]
    rows = np.array([each["embedding"] for each in both["data"]])
    assert rows.shape == (2, 384)
    assert np.allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-5)
    assert both["model"] == MODEL


async def test_vectors_are_those_of_the_collections(tmp_path: Path) -> None:
    engine = engine_of(tmp_path)
    await engine.services.ingestor.ingest(Job("c", [Document("bees", "", text=BEES)], total=1))
    collection = await engine.services.pipeline.open("c")
    [hit] = await Resift(engine=engine).search(BEES, collection="c")
    point = hit.passage.point_id("c")
    stored = await collection.fetch_vectors([point], DENSE)
    async with client_of(engine) as client:
        [row] = (await embed(client, input=BEES))["data"]
    assert np.allclose(row["embedding"], np.asarray(stored[point]), atol=1e-6)


async def test_base64_holds_the_same_numbers(plain: httpx.AsyncClient) -> None:
    numbers = await embed(plain, input=BEES, encoding_format="float")
    packed = await embed(plain, input=BEES, encoding_format="base64")
    unpacked = np.frombuffer(b64decode(packed["data"][0]["embedding"]), "<f4")
    assert unpacked.tolist() == numbers["data"][0]["embedding"]


async def test_tokens_are_counted_as_the_model_reads_them(plain: httpx.AsyncClient) -> None:
    from resift.models.bundled import BUNDLED
    from resift.models.text.transformer import Transformer

    transformer = Transformer.open(BUNDLED[MODEL])
    answer = await embed(plain, input=[BEES, PUMP])
    expected = transformer.count(BEES) + transformer.count(PUMP)
    assert answer["usage"] == {"prompt_tokens": expected, "total_tokens": expected}


async def test_text_that_was_cut_is_a_warning(plain: httpx.AsyncClient) -> None:
    assert "warnings" not in await embed(plain, input=[BEES])
    answer = await embed(plain, input=["pump " * 400, BEES])
    assert answer["warnings"] == ["1 text of 2 is longer than the model reads: only its beginning counts."]
    assert answer["usage"]["total_tokens"] > 400


@pytest.mark.parametrize("kind", ["query", "search_query", "passage", "document", "search_document", None])
async def test_input_type_chooses_the_prefix_of_the_model(tmp_path: Path, kind: str | None) -> None:
    with embedding_stand_in() as stand_in:
        encoder = {"kind": "openai", "model": "e5", "query_prefix": "query: ", "passage_prefix": "passage: "}
        settings: dict[str, Any] = {"encoder": encoder, "openai_base_url": stand_in.url}
        async with client_of(engine_of(tmp_path, **settings)) as client:
            answer = await embed(client, input=[BEES, PUMP], input_type=kind)
        prefix = "query: " if kind in {"query", "search_query"} else "passage: "
        assert sorted(text for body in stand_in.asked for text in body["input"]) == sorted(
            [prefix + BEES, prefix + PUMP]
        )
        assert len(answer["data"]) == 2
        assert answer["model"] == "openai:e5"


async def test_dimensions_may_only_be_those_of_the_model(plain: httpx.AsyncClient) -> None:
    assert len((await embed(plain, input=BEES, dimensions=384))["data"][0]["embedding"]) == 384
    assert "384 dimensions, not 256" in (await embed(plain, 422, input=BEES, dimensions=256))["message"]


@pytest.mark.parametrize(
    ("body", "part"),
    [
        ({"input": [1, 2, 3]}, "Token ids cannot be read"),
        ({"input": [[1, 2], [3]]}, "check_embedding_ctx_length=False"),
        ({"input": ["a", 1]}, "Token ids cannot be read"),
        ({"input": []}, "1 to 2,048 texts, not 0"),
        ({"input": ["a"] * 2049}, "not 2,049"),
        ({"input": [BEES, ""]}, "from 0: 1"),
        ({"input": "x" * 2_000_001}, "limit of 2,000,000"),
        ({"input": {}}, "input: Input should be a list"),
        ({}, "input: Field required"),
        ({"input": "a", "encoding_format": "int8"}, "encoding_format"),
        ({"input": "a", "texts": ["a"]}, "unknown argument 'texts'"),
    ],
)
async def test_what_cannot_be_encoded_is_refused_with_its_field(
    plain: httpx.AsyncClient, body: dict[str, Any], part: str
) -> None:
    assert part in (await embed(plain, 422, **body))["message"]


async def test_another_model_is_refused_because_vectors_would_not_compare(plain: httpx.AsyncClient) -> None:
    answer = await embed(plain, 404, input=BEES, model="text-embedding-3-small")
    assert f"This server has {MODEL!r}" in answer["error"]["message"]
    assert (await embed(plain, input=BEES, model="default"))["model"] == MODEL


async def test_models_are_listed_with_their_kind(plain: httpx.AsyncClient) -> None:
    listed = (await plain.get("/v1/models")).json()
    ModelList.model_validate(listed, extra="forbid")
    kinds = {each["id"]: each["kind"] for each in listed["data"]}
    assert kinds == {MODEL: "encoder", "default": "reranker", "cross-encoder": "reranker", "maxsim": "reranker"}
    assert (await plain.get(f"/v1/models/{MODEL}")).json()["id"] == MODEL
    missing = await plain.get("/v1/models/org/unknown")
    assert missing.status_code == 404
    assert "Known:" in missing.json()["message"]
