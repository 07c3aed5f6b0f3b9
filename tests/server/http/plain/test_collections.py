"""Searching and filling collections over plain HTTP."""

from pathlib import Path
from typing import Any

import httpx
import pytest

from resift.api.resift import Resift
from resift.server.http.plain.search import RankingResult
from resift.tests.server.http.application import OTHER, READER, WRITER, bearer, client_with_documents, rows
from resift.tools.results import ranking_answer

pytestmark = pytest.mark.anyio

BEES = {"id": "bees", "title": "Bees", "text": "Bees dance to tell where flowers are."}


async def post(client: httpx.AsyncClient, path: str, body: Any, status: int = 200) -> Any:
    response = await client.post(path, json=body)
    assert response.status_code == status, response.text
    return response.json()


async def test_search_has_the_one_shape_of_every_ranking(client: httpx.AsyncClient) -> None:
    answer = await post(client, "/v1/search", {"query": "why do brake pads squeal", "limit": 2})
    RankingResult.model_validate(answer, extra="forbid")
    assert answer["verdict"] == "good"
    assert [hit["rank"] for hit in answer["hits"]] == [1, 2]
    assert answer["hits"][0]["document_id"] == "brakes"
    assert answer["hits"][0]["source"] == "car/brakes.md:1"
    assert "metadata" not in answer["hits"][0]


async def test_search_takes_filter_mode_reranker_and_detail(client: httpx.AsyncClient) -> None:
    body = {"query": "battery", "mode": "keyword", "filter": {"year": {"lt": 2020}}, "reranker": "none"}
    answer = await post(client, "/v1/search", {**body, "detail": "full"})
    assert [hit["document_id"] for hit in answer["hits"]] == ["battery"]
    assert answer["hits"][0]["metadata"]["system"] == "electrics"
    assert {stage["kind"] for stage in answer["stages"]} == {"search"}


async def test_null_for_an_optional_field_means_its_default(client: httpx.AsyncClient) -> None:
    schemas = (await client.get("/openapi.json")).json()["components"]["schemas"]
    for path, name, required in (
        ("/v1/search", "SearchBody", {"query": "why do brake pads squeal"}),
        ("/v1/documents/read", "ReadBody", {"document_id": "brakes"}),
        ("/rerank", "TeiBody", {"query": "what hums", "texts": ["The pump hums."]}),
        ("/v2/rerank", "RerankBody", {"query": "what hums", "documents": ["The pump hums."]}),
    ):
        nulls = dict.fromkeys(schemas[name]["properties"].keys() - required.keys())
        assert nulls
        await post(client, path, {**required, **nulls})
    with_nulls = await post(client, "/v1/documents/delete", {"collection": "default", "everything": None}, status=422)
    assert "everything" in with_nulls["message"]
    assert "query" in (await post(client, "/rerank", {"query": None, "texts": ["x"]}, status=422))["message"]


async def test_search_answers_all_hits_unless_tokens_are_limited(client: httpx.AsyncClient) -> None:
    body = {"query": "grease the thread of the bolt", "limit": 50, "detail": "full"}
    whole = await post(client, "/v1/search", body)
    part = await post(client, "/v1/search", {**body, "max_tokens": 500})
    assert whole["left_out"] == 0
    assert 0 < len(part["hits"]) < len(whole["hits"])
    assert part["left_out"] == len(whole["hits"]) - len(part["hits"])
    assert part["next_offset"] == len(part["hits"])


async def test_hit_that_was_cut_is_read_with_a_path_of_the_api(client: httpx.AsyncClient) -> None:
    body = {"query": "grease the thread of the bolt", "reranker": "none", "max_tokens": 20}
    notes = (await post(client, "/v1/search", body))["notes"]
    assert any("was cut. Read it with POST /v1/documents/read." in each for each in notes)


async def test_feedback_on_a_search_is_recorded_for_those_who_may_use_its_collections(
    ingested: Path, tmp_path: Path
) -> None:
    tokens = {"tokens": rows(READER, WRITER, OTHER)}
    async with client_with_documents(ingested, tmp_path, http=tokens, feedback=True) as client:
        request = {"query": "brake pads", "reranker": "none"}
        found = (await client.post("/v1/search", json=request, headers=bearer(READER))).json()
        [first, second] = [hit["passage_id"] for hit in found["hits"][:2]]
        told = {"search_id": found["search_id"], "used": [first], "not_used": [second]}
        for token, body, status, said in (
            (OTHER, told, 404, "No search"),
            (WRITER, {**told, "search_id": "0000"}, 404, "Give the `search_id`"),
            (WRITER, {**told, "used": ["nothing#0"]}, 422, "showed no passage 'nothing#0'"),
            (WRITER, {"search_id": found["search_id"]}, 422, "Nothing to record"),
            (READER, told, 200, '{"used":1,"not_used":1}'),
        ):
            answer = await client.post("/v1/feedback", json=body, headers=bearer(token))
            assert (answer.status_code, said in answer.text) == (status, True), (token, answer.text)
    [log] = (tmp_path / "root/data/feedback").glob("*.jsonl")
    assert log.read_text(encoding="utf-8").count('"used":') == 1


async def test_feedback_is_refused_while_it_is_off(client: httpx.AsyncClient) -> None:
    refused = await post(client, "/v1/feedback", {"search_id": "0000", "used": ["x#0"]}, 422)
    assert "Set RESIFT_FEEDBACK=true" in refused["message"]


async def test_sizes_of_answers_are_explained_by_what_they_hold(client: httpx.AsyncClient) -> None:
    schemas = (await client.get("/openapi.json")).json()["components"]["schemas"]
    assert "hits" in schemas["SearchBody"]["properties"]["max_tokens"]["description"]
    assert "`next_start`" in schemas["ReadBody"]["properties"]["max_tokens"]["description"]


async def test_collections_are_listed_and_one_with_its_fields(client: httpx.AsyncClient) -> None:
    listed = (await client.get("/v1/collections")).json()
    assert [each["name"] for each in listed["collections"]] == ["default"]
    assert listed["collections"][0]["documents"] == 4
    assert listed["rerankers"] == ["default", "none", "cross-encoder", "maxsim"]
    one = (await client.get("/v1/collections", params={"collection": "default"})).json()
    assert {"system", "year"} <= {each["name"] for each in one["fields"]}


async def test_texts_are_ingested_found_and_deleted(empty: httpx.AsyncClient) -> None:
    body = {"collection": "notes", "documents": [BEES, {"text": "The pump hums at night."}]}
    assert (await post(empty, "/v1/documents", body))["added"] == 2
    assert (await post(empty, "/v1/documents", body))["unchanged"] == 2
    found = await post(empty, "/v1/search", {"query": "what do bees do", "collection": "notes"})
    assert found["hits"][0]["document_id"] == "bees"
    read = await post(empty, "/v1/documents/read", {"collection": "notes", "document_id": "bees", "pages": "1"})
    assert (read["passages"][0]["text"], read["next_start"]) == (BEES["text"], 0)
    removed = await post(empty, "/v1/documents/delete", {"collection": "notes", "document_ids": ["bees", "wasps"]})
    assert (removed["documents"], removed["missing"], removed["dropped"]) == (1, ["wasps"], False)
    refused = await post(empty, "/v1/documents/delete", {"collection": "notes"}, 422)
    assert "`everything: true`" in refused["message"]
    dropped = await post(empty, "/v1/documents/delete", {"collection": "notes", "everything": True})
    assert (dropped["documents"], dropped["dropped"]) == (1, True)
    gone = await post(empty, "/v1/search", {"query": "bees", "collection": "notes"}, 404)
    assert "/v1/documents" in gone["message"]


async def test_files_are_ingested_from_the_roots_only(empty: httpx.AsyncClient, tmp_path: Path) -> None:
    (tmp_path / "files" / "bees.md").write_text("# Bees\n\nBees dance to tell where flowers are.\n", encoding="utf-8")
    (tmp_path / "secret.md").write_text("# Secret\n\nThe key is under the mat.\n", encoding="utf-8")
    assert (await post(empty, "/v1/documents", {"paths": ["bees.md"]}))["added"] == 1
    for path in (str(tmp_path / "secret.md"), "../secret.md"):
        assert "outside the folders" in (await post(empty, "/v1/documents", {"paths": [path]}, 422))["message"]
    listed = (await empty.get("/v1/collections")).json()
    assert listed["collections"][0]["documents"] == 1


async def test_tokens_limit_writing_and_collections(ingested: Path, tmp_path: Path) -> None:
    tokens = {"tokens": rows(READER, WRITER, OTHER)}
    async with client_with_documents(ingested, tmp_path, http=tokens) as client:
        search, add = {"query": "brake pads"}, {"documents": [BEES]}
        assert (await client.post("/v1/search", json=search)).status_code == 401
        for token, path, body, status in (
            (READER, "/v1/search", search, 200),
            (READER, "/v1/documents", add, 403),
            (READER, "/v1/documents/delete", {"collection": "default", "everything": True}, 403),
            (OTHER, "/v1/search", search, 403),
            (OTHER, "/v1/search", {**search, "collection": "missing"}, 403),
            (OTHER, "/v1/documents", add, 403),
            (WRITER, "/v1/documents", add, 200),
        ):
            response = await client.post(path, json=body, headers=bearer(token))
            assert response.status_code == status, (token, path, response.text)
        listed = (await client.get("/v1/collections", headers=bearer(OTHER))).json()
        assert listed["collections"] == []


async def test_answer_is_that_of_the_python_api(engine_with_documents: Any, client: httpx.AsyncClient) -> None:
    page = await Resift(engine=engine_with_documents).search("radar sensor", limit=2)
    own, answered = (
        ranking_answer(page, full=False),
        await post(client, "/v1/search", {"query": "radar sensor", "limit": 2}),
    )
    assert answered["hits"] == own["hits"]
    assert answered["verdict"] == own["verdict"]
