"""The OpenAPI description: complete, and true of what the server answers."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any, cast

import httpx
import pytest
from jsonschema import Draft202012Validator
from pydantic import TypeAdapter

from resift.ingest.jobs.record import JobState
from resift.ingest.report import IngestReport
from resift.server.http.plain.departures import GONE
from resift.server.http.plain.feedback_path import FEEDBACK
from resift.server.http.plain.router import ERRORS
from resift.server.http.refusals import KINDS
from resift.store.feedback_log import Searched, ShownHit
from resift.tests.ingest.jobs.running import WHEN, keep, record
from resift.tests.server.http.application import client_with_documents

pytestmark = pytest.mark.anyio

JOB = "0123456789ab"
METHODS = {"get", "post", "delete"}
PATHS = {
    "/v1/search",
    "/v1/collections",
    "/v1/documents",
    "/v1/documents/read",
    "/v1/documents/delete",
    "/v1/feedback",
    "/v1/jobs",
    "/v1/jobs/{job_id}",
    "/v1/rerank",
    "/v2/rerank",
    "/rerank",
    "/v1/embeddings",
    "/v1/models",
    "/v1/models/{model}",
}


@pytest.fixture(scope="module")
async def writable(ingested: Path, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[httpx.AsyncClient]:
    """A client of a server with the test documents, which may read the folder "docs" of the examples."""
    folder = tmp_path_factory.mktemp("openapi")
    (folder / "docs").mkdir()
    (folder / "docs" / "add-a-wheel.md").write_text("# Wheel\n\nA wheel has five bolts.\n", encoding="utf-8")
    async with client_with_documents(ingested, folder, ingest_roots=[folder], feedback=True) as opened:
        _log_search(folder / "root" / "data")
        keep(folder / "root" / "data", record(JOB, state=JobState.DONE, ended=WHEN, report=IngestReport(added=1)))
        yield opened


def _log_search(data: Path) -> None:
    """Log the search that the example of feedback is on."""
    [_, given] = FEEDBACK.values()
    shown = [ShownHit(each, document_id=each, rank=1) for each in (*given["used"], *given["not_used"])]
    given_id = str(given["search_id"])
    searched = Searched(collection="default", query="what do bees do", shown=shown, search_id=given_id)
    (data / "feedback").mkdir()
    (data / "feedback" / "default.jsonl").write_bytes(TypeAdapter(Searched).dump_json(searched) + b"\n")


@pytest.fixture(scope="module")
async def described(writable: httpx.AsyncClient) -> dict[str, Any]:
    return (await writable.get("/openapi.json")).json()


def operations(described: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, methods in described["paths"].items():
        for method, operation in methods.items():
            yield method, path, operation


def check(answer: Any, operation: dict[str, Any], status: int, described: dict[str, Any]) -> None:
    """Check an answer against the schema of its status, in which other fields are not allowed either."""
    schema = operation["responses"][str(status)]["content"]["application/json"]["schema"]
    components = {
        name: {**each, "unevaluatedProperties": False} if "properties" in each else each
        for name, each in described["components"]["schemas"].items()
    }
    validator: Any = Draft202012Validator({**schema, "components": {"schemas": components}})
    validator.validate(answer)


async def test_description_is_complete(described: dict[str, Any]) -> None:
    assert described["openapi"].startswith("3.1")
    assert described["info"]["title"] == "Resift"
    assert set(described["paths"]) == PATHS
    assert described["components"]["securitySchemes"]["HTTPBearer"]["scheme"] == "bearer"
    ids = [operation["operationId"] for _, _, operation in operations(described)]
    assert len(ids) == len(set(ids))
    for method, path, operation in operations(described):
        assert method in METHODS
        assert operation["summary"], path
        assert len(operation["description"]) > 20, path
        assert operation["tags"], path
        assert operation["security"] == [{"HTTPBearer": []}], path
        accepted = {202} if path == "/v1/documents" else set[int]()
        assert {str(status) for status in (200, *accepted, *ERRORS)} == set(operation["responses"]), path
        if method == "post":
            assert operation["requestBody"]["required"], path
            assert operation["requestBody"]["content"]["application/json"]["examples"], path


async def test_every_reference_leads_somewhere(described: dict[str, Any]) -> None:
    def references(node: Any) -> Iterator[str]:
        if isinstance(node, dict):
            entries = cast("dict[str, Any]", node)
            if isinstance(entries.get("$ref"), str):
                yield entries["$ref"]
            yield from (found for each in entries.values() for found in references(each))
        elif isinstance(node, list):
            yield from (found for each in cast("list[Any]", node) for found in references(each))

    found = set(references(described))
    assert found
    assert found <= {f"#/components/schemas/{name}" for name in described["components"]["schemas"]}
    for name, schema in described["components"]["schemas"].items():
        Draft202012Validator.check_schema(schema)
        if name.endswith("Body"):
            assert schema["additionalProperties"] is False, name


async def test_every_example_is_answered_as_described(writable: httpx.AsyncClient, described: dict[str, Any]) -> None:
    ordered = sorted(
        operations(described), key=lambda each: "delete" in "".join(each[:2])
    )  # what was ingested is deleted last
    for method, path, operation in ordered:
        content = operation.get("requestBody", {}).get("content", {"application/json": {}})["application/json"]
        for example in content.get("examples", {"none": {"value": None}}).values():
            url = path.replace("{model}", "default").replace("{job_id}", JOB)
            response = await writable.request(method, url, json=example["value"])
            assert response.status_code == 200, (path, response.text)
            check(response.json(), operation, 200, described)


async def test_errors_are_answered_as_described(writable: httpx.AsyncClient, described: dict[str, Any]) -> None:
    seen = set[int]()
    for method, path, operation in operations(described):
        if method == "get":
            response = await writable.get(path, params={"collection": "missing"})
            if response.status_code == 200:
                continue
            check(response.json(), operation, response.status_code, described)
            seen.add(response.status_code)
            continue
        requests: list[dict[str, Any]] = [{"content": b"{"}, {"json": []}, {"json": {"unknown": 1}}]
        for request in requests:
            headers = {} if "content" in request else {"Content-Type": "application/json"}
            response = await writable.request(method, path, headers=headers, **request)
            check(response.json(), operation, response.status_code, described)
            seen.add(response.status_code)
    assert seen == {400, 404, 415, 422}


def test_every_status_that_a_caller_can_get_is_described() -> None:
    assert KINDS.keys() - {GONE} == ERRORS.keys()
