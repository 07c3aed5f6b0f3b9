"""Readiness, metrics and the log."""

import json
import logging
import shutil
from pathlib import Path
from typing import Any

import pytest

from resift.server.output import JsonFormatter
from resift.tests.server.http.application import (
    OTHER,
    READER,
    WRITER,
    bearer,
    call,
    client_of,
    client_with_documents,
    engine_of,
    rows,
)
from resift.tests.standins.proxy import proxy_to
from resift.tests.standins.qdrant import serving

pytestmark = pytest.mark.anyio

TOKENS: dict[str, Any] = {"tokens": rows(READER, WRITER, OTHER)}


async def test_server_is_ready_when_models_are_loaded_and_the_store_answers(tmp_path: Path) -> None:
    engine = engine_of(tmp_path)
    async with client_of(engine) as client:
        response = await client.get("/ready")
        assert (response.status_code, response.json()) == (200, {"status": "ready"})
        assert engine.warmed.is_set()


async def test_server_is_not_ready_while_the_store_is_maintained(tmp_path: Path) -> None:
    engine = engine_of(tmp_path)
    async with client_of(engine) as client, engine.gate.exclusive("resift optimize"):
        response = await client.get("/ready")
        assert response.status_code == 503
        assert response.json()["message"] == "The collections are being maintained by `resift optimize`."
        assert response.headers["retry-after"] == "1"


async def test_server_is_not_ready_when_its_store_does_not_answer(tmp_path: Path) -> None:
    async with client_of(engine_of(tmp_path, qdrant_url="http://127.0.0.1:9", qdrant={"attempts": 1})) as client:
        response = await client.get("/ready")
        assert response.status_code == 503
        assert "127.0.0.1:9" in response.json()["message"]


@pytest.mark.filterwarnings("ignore:(Payload indexes|Local mode):UserWarning")
async def test_server_is_ready_and_lists_the_others_when_one_collection_cannot_be_read(tmp_path: Path) -> None:
    async with serving() as server, proxy_to(lambda: int(server.url.rpartition(":")[2])) as proxy:
        await server.client.create_collection("theirs", vectors_config={})
        proxy.faults = lambda request: "fail" if request == "GET /collections/theirs" else None
        engine = engine_of(tmp_path, qdrant_url=proxy.url, qdrant={"prefer_grpc": False})
        async with client_of(engine) as client:
            assert (await client.get("/ready")).status_code == 200
            assert proxy.count("GET /collections/") == 0
            [listed] = (await client.get("/v1/collections")).json()["collections"]
            assert listed["name"] == "theirs"
            assert "failed: 500" in listed["problem"]


async def test_readiness_and_metrics_need_a_token_where_there_are_tokens(tmp_path: Path) -> None:
    async with client_of(engine_of(tmp_path, http=TOKENS)) as client:
        assert [(await client.get(path)).status_code for path in ("/health", "/ready", "/metrics")] == [200, 401, 401]
        assert (await client.get("/metrics", headers=bearer(READER))).status_code == 200
        refused = await client.get("/metrics", headers=bearer(OTHER))
        assert (refused.status_code, refused.json()["error"]["type"]) == (403, "forbidden")


async def test_metrics_count_requests_stages_cached_scores_and_answers(ingested: Path, tmp_path: Path) -> None:
    async with client_with_documents(ingested, tmp_path) as client:
        question = {"query": "worn brake pads"}
        for _ in range(2):
            assert not (await call(client, "search_and_rerank", question))["isError"]
        assert (await client.post("/mcp?query=secret", headers={"Host": "evil.example.com"})).status_code == 421
        assert (await client.get("/secret")).status_code == 404
        text = (await client.get("/metrics")).text
    counts = dict(line.rsplit(" ", 1) for line in text.splitlines() if not line.startswith("#"))
    assert counts['resift_http_requests_total{route="/mcp",status="200"}'] == "2.0"
    assert counts['resift_http_requests_total{route="/mcp",status="421"}'] == "1.0"
    assert counts['resift_http_requests_total{route="other",status="404"}'] == "1.0"
    assert counts['resift_stage_seconds_count{stage="rerank"}'] == "2.0"
    assert counts['resift_stage_seconds_count{stage="encode"}'] == "2.0"
    assert counts['resift_answers_total{degraded="false"}'] == "2.0"
    assert float(counts['resift_reranked_passages_total{cached="true"}']) > 0
    assert (counts["resift_http_requests_active"], counts["resift_http_requests_queued"]) == ("0.0", "0.0")
    assert "secret" not in text
    assert "brake" not in text


async def test_request_that_is_refused_before_its_route_is_found_counts_for_it(tmp_path: Path) -> None:
    async with client_of(engine_of(tmp_path, http={**TOKENS, "max_body_bytes": 2000})) as client:
        for path in ("/v1/search", "/v1/jobs/secret", "/v1/nothing", "/mcp"):
            assert (await client.post(path, json={})).status_code == 401
        too_large = await client.post("/v1/search", content=b"x" * 2001, headers=bearer(READER))
        assert too_large.status_code == 413
        text = (await client.get("/metrics", headers=bearer(READER))).text
    for route, status in (("/v1/search", 401), ("/v1/jobs/{job_id}", 401), ("other", 401), ("/mcp", 401)):
        assert f'resift_http_requests_total{{route="{route}",status="{status}"}} 1.0' in text
    assert 'resift_http_requests_total{route="/v1/search",status="413"} 1.0' in text
    assert "secret" not in text


async def test_log_tells_of_requests_without_their_texts_and_tokens(
    ingested: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("WARNING", "httpx")  # the client of this test logs its own requests
    caplog.set_level("INFO")
    async with client_with_documents(ingested, tmp_path, http=TOKENS, log_level="INFO") as client:
        mine = bearer(READER)
        await call(client, "search_and_rerank", {"query": "worn brake pads"}, **mine)
        await call(client, "search_and_rerank", {"query": "worn brake pads", "filter": {"brake pads": 1}}, **mine)
        await client.post("/v1/search?q=brake", json={"query": "brake pads", "unknown": "brake pads"}, headers=mine)
        await client.get("/v1/search", headers={"Authorization": "Bearer resift_wrong-token"})
    assert "/mcp: status 200" in caplog.text
    assert "for 'reader'" in caplog.text
    for kept_out in ("brake", READER.token, "wrong-token", "Bearer"):
        assert kept_out not in caplog.text


def test_json_log_has_one_object_per_line_with_its_fields_and_no_secrets(tmp_path: Path) -> None:
    record = logging.LogRecord("resift", logging.INFO, "f.py", 1, "asked with %s", ("https://me:pw@host/",), None)
    record.fields = {"route": "/mcp", "status": 200}
    line = json.loads(JsonFormatter().format(record))
    assert (line["level"], line["route"], line["status"]) == ("INFO", "/mcp", 200)
    assert line["message"] == "asked with https://***@host/"


async def test_unexpected_failure_is_counted_and_logged_and_not_shown(
    ingested: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    engine = engine_of(shutil.copytree(ingested, tmp_path / "root"))

    def fail(_: object) -> None:
        raise RuntimeError("what went wrong")

    async with client_of(engine) as client:
        engine.services.pipeline.observers.append(fail)
        response = await client.post("/v1/search", json={"query": "worn brake pads"})
        assert response.status_code == 500
        assert "went wrong" not in response.text
        text = (await client.get("/metrics")).text
    assert 'resift_http_requests_total{route="/v1/search",status="500"} 1.0' in text
