"""Long ingestion over plain HTTP: 202 with a job, its path, and who may see and cancel it."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import anyio
import httpx
import pytest

from resift.api.background import serving_jobs
from resift.factories.engine import Engine
from resift.tests.server.http.application import OTHER, READER, WRITER, bearer, client_of, engine_of, rows

pytestmark = pytest.mark.anyio

BODY = {"documents": [{"id": "bees", "text": "Bees dance to tell where flowers are."}], "collection": "notes"}


@pytest.fixture
async def served(tmp_path: Path) -> AsyncIterator[tuple[Engine, httpx.AsyncClient]]:
    """A client of a server that does not wait for ingestion, and whose tokens are for different collections."""
    engine = engine_of(tmp_path, serve={"ingest_wait_s": 0}, http={"tokens": rows(READER, WRITER, OTHER)})
    async with client_of(engine, **bearer(WRITER)) as client, serving_jobs(engine):
        yield engine, client


async def ended(client: httpx.AsyncClient, path: str) -> dict[str, Any]:
    return (await client.get(path, params={"wait_s": 60})).json()


async def test_long_ingestion_is_accepted_and_its_job_leads_to_the_result(
    served: tuple[Engine, httpx.AsyncClient],
) -> None:
    engine, client = served
    async with engine.gate.exclusive("resift backup"):
        response = await client.post("/v1/documents", json=BODY)
        accepted = response.json()
        assert (response.status_code, accepted["state"]) == (202, "queued")
        path = response.headers["Location"]
        assert path == f"/v1/jobs/{accepted['id']}"
        assert (await client.get(path)).json() == accepted
        assert (await client.get("/v1/jobs")).json() == {"jobs": [accepted]}
        assert (await client.get("/v1/jobs", params={"collection": "other"})).json() == {"jobs": []}
    done = await ended(client, path)
    assert (done["state"], done["percent"], done["result"]["added"]) == ("done", 100, 1)
    assert (await client.delete(path)).status_code == 200
    assert (await client.get(path)).status_code == 404


async def test_job_is_cancelled_by_delete(served: tuple[Engine, httpx.AsyncClient]) -> None:
    engine, client = served
    async with engine.gate.exclusive("resift backup"):
        path = (await client.post("/v1/documents", json=BODY)).headers["Location"]
        assert (await client.delete(path)).json()["state"] == "cancelled"
    assert (await client.get("/v1/collections")).json()["collections"] == []


async def test_reason_of_a_failure_speaks_of_paths(served: tuple[Engine, httpx.AsyncClient]) -> None:
    _, client = served
    nothing = await client.post("/v1/documents", json={"paths": ["missing.md"]})
    job = await ended(client, nothing.headers["Location"])
    assert (job["state"], "Nothing was ingested" in job["error"]) == ("done", True)
    unknown = await client.get("/v1/jobs/0123456789ab")
    assert "GET /v1/jobs lists them." in unknown.json()["message"]


async def test_tokens_without_rights_see_no_job_and_cancel_none(served: tuple[Engine, httpx.AsyncClient]) -> None:
    engine, client = served
    async with engine.gate.exclusive("resift backup"):
        path = (await client.post("/v1/documents", json=BODY)).headers["Location"]
        for token in (READER, OTHER):
            headers = bearer(token)
            assert (await client.get("/v1/jobs", headers=headers)).json() == {"jobs": []}
            assert (await client.get(path, headers=headers)).status_code == 404
            assert (await client.delete(path, headers=headers)).status_code == 404
            assert (await client.post("/v1/documents", json=BODY, headers=headers)).status_code == 403
        assert (await client.get(path)).json()["state"] == "queued"


async def test_job_keeps_the_rights_of_its_token(served: tuple[Engine, httpx.AsyncClient]) -> None:
    engine, client = served
    async with engine.gate.exclusive("resift backup"):
        body = {**BODY, "collection": "other"}
        path = (await client.post("/v1/documents", json=body, headers=bearer(OTHER))).headers["Location"]
        file = engine.settings.data_dir / "jobs" / f"{path.rpartition('/')[2]}.json"
        caller = json.loads(file.read_text())["caller"]
        assert (caller["name"], caller["collections"], caller["reads_any_path"]) == ("other", ["other"], False)


async def test_requests_that_wait_for_jobs_leave_room_for_others(tmp_path: Path) -> None:
    engine = engine_of(tmp_path, serve={"ingest_wait_s": 60}, http={"max_concurrent": 2, "max_queued": 4})
    answers: list[httpx.Response] = []
    answered = anyio.Event()
    async with client_of(engine) as client, serving_jobs(engine), engine.gate.exclusive("resift backup"):

        async def post() -> None:
            answers.append(await client.post("/v1/documents", json=BODY))
            answered.set()

        async with anyio.create_task_group() as group:
            group.start_soon(post)
            group.start_soon(post)
            with anyio.fail_after(30):
                await answered.wait()
            [accepted] = answers
            assert (accepted.status_code, accepted.json()["state"]) == (202, "queued")
            with anyio.fail_after(30):
                shown = await client.get(accepted.headers["Location"], params={"wait_s": 60})
            assert shown.json()["state"] == "queued"
            group.cancel_scope.cancel()


async def test_path_of_a_job_names_both_methods_that_it_takes(served: tuple[Engine, httpx.AsyncClient]) -> None:
    _, client = served
    refused = await client.put("/v1/jobs/0")
    assert (refused.status_code, refused.headers["Allow"]) == (405, "DELETE, GET")
