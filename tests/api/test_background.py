"""Long ingestion as a job: the tool returns its id, waits on, cancels, and the list shows what goes on."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import anyio
import pytest
from mcp.client import Client

from resift.api.arguments import build
from resift.api.background import Background, serving_jobs
from resift.api.caller import CALLER, Caller
from resift.api.requests import IngestRequest
from resift.api.resift import Resift
from resift.core.errors import NotFound
from resift.factories.engine import Engine, build_engine
from resift.ingest.jobs.record import JobState
from resift.server.mcp.assembly import create_server
from resift.settings.load import load_settings
from resift.tests.tools.asking import Asker
from resift.tools.background_jobs import job_entry

pytestmark = pytest.mark.anyio

PUMP = {"id": "pump", "text": "The pump hums at night."}


@pytest.fixture
async def hasty(tmp_path: Path) -> AsyncIterator[tuple[Engine, Asker]]:
    """The tools over an engine that runs jobs, and whose calls do not wait for them."""
    settings = load_settings(data_dir=tmp_path / "data", serve={"ingest_wait_s": 0})
    engine = build_engine(settings, roots=[tmp_path])
    async with serving_jobs(engine), Client(create_server(engine)) as client:
        listed = await client.list_tools()
        yield engine, Asker(client, {tool.name: tool for tool in listed.tools})
    await engine.close()


async def until_ended(tools: Asker, job: str) -> dict[str, Any]:
    with anyio.fail_after(60):
        while "job" in (answer := await tools.call("ingest_documents", {"job": job})):
            await anyio.lowlevel.checkpoint()
    return answer


async def test_long_ingestion_returns_a_job_that_is_listed_awaited_and_then_gone_from_the_list(
    hasty: tuple[Engine, Asker],
) -> None:
    engine, tools = hasty
    async with engine.gate.exclusive("resift backup"):
        begun = await tools.call("ingest_documents", {"documents": [PUMP], "collection": "notes"})
        assert (begun["collection"], begun["job"]["state"], begun["job"]["what"]) == ("notes", "queued", "1 document")
        job = begun["job"]["id"]
        assert f"Call ingest_documents with job='{job}'" in begun["notes"][0]
    done = await until_ended(tools, job)
    assert (done["collection"], done["added"]) == ("notes", 1)
    assert (await tools.call("list_collections", {}))["jobs"] == []
    assert (await tools.call("ingest_documents", {"job": job}))["added"] == 1, "it is kept for a day"


async def test_record_counts_the_documents_that_are_done(hasty: tuple[Engine, Asker]) -> None:
    engine, tools = hasty
    documents = [{"id": str(number), "text": f"Pump {number} hums at night."} for number in range(3)]
    async with engine.gate.exclusive("resift backup"):
        job = (await tools.call("ingest_documents", {"documents": documents}))["job"]["id"]
    await until_ended(tools, job)
    assert (await engine.jobs.read(job)).documents == 3


async def test_job_that_failed_while_nobody_waited_is_listed_with_its_reason_until_somebody_asks(
    hasty: tuple[Engine, Asker],
) -> None:
    engine, tools = hasty
    begun = await tools.call("ingest_documents", {"documents": [PUMP], "metadata": {"$odd": 1}})
    live = engine.jobs.find(begun["job"]["id"])
    if live is not None:
        await live.has_left.wait()
    [listed] = (await tools.call("list_collections", {}))["jobs"]
    assert (listed["id"], listed["state"]) == (begun["job"]["id"], "failed")
    refused = await tools.refusal("ingest_documents", {"job": listed["id"]})
    assert refused.endswith(listed["error"])
    assert (await tools.call("list_collections", {}))["jobs"] == []


async def test_job_is_cancelled(hasty: tuple[Engine, Asker]) -> None:
    engine, tools = hasty
    async with engine.gate.exclusive("resift backup"):
        begun = await tools.call("ingest_documents", {"documents": [PUMP]})
        ended = await tools.call("ingest_documents", {"job": begun["job"]["id"], "cancel": True})
        assert (ended["job"]["state"], ended["notes"]) == (
            "cancelled",
            ["It was cancelled. The documents that were stored before stay."],
        )
    assert await engine.services.store.names() == []


async def test_arguments_of_jobs_are_checked(hasty: tuple[Engine, Asker]) -> None:
    _, tools = hasty
    assert "give its id as `job`" in await tools.refusal("ingest_documents", {"cancel": True})
    assert "leave out `paths`" in await tools.refusal("ingest_documents", {"job": "0123456789ab", "documents": [PUMP]})
    unknown = await tools.refusal("ingest_documents", {"job": "0123456789ab"})
    assert "Call list_collections to see the jobs." in unknown


async def test_call_that_is_cancelled_while_it_waits_cancels_its_job(tmp_path: Path) -> None:
    settings = load_settings(data_dir=tmp_path / "data")
    engine = build_engine(settings, roots=[tmp_path])
    async with serving_jobs(engine), Client(create_server(engine)) as client, engine.gate.exclusive("resift backup"):
        waiting = anyio.CancelScope()

        async def ask() -> None:
            with waiting:
                await client.call_tool("ingest_documents", {"documents": [PUMP]})

        async with anyio.create_task_group() as group:
            group.start_soon(ask)
            while not engine.jobs.is_busy:
                await anyio.lowlevel.checkpoint()
            [job] = await engine.jobs.all()
            live = engine.jobs.find(job.id)
            assert live is not None
            waiting.cancel()
            await live.has_left.wait()
            assert live.record.state is JobState.CANCELLED
    await engine.close()


async def test_jobs_of_collections_that_a_caller_may_not_change_are_neither_seen_nor_touched(
    hasty: tuple[Engine, Asker],
) -> None:
    engine, tools = hasty
    async with engine.gate.exclusive("resift backup"):
        job = (await tools.call("ingest_documents", {"documents": [PUMP]}))["job"]["id"]
        background = Background(Resift(engine=engine))
        for caller in (Caller(may_write=False), Caller(collections=frozenset({"other"}))):
            token = CALLER.set(caller)
            assert await background.all() == []
            for call in (background.find, background.wait, background.cancel):
                with pytest.raises(NotFound):
                    await call(job)
            CALLER.reset(token)
        [seen] = await background.all()
        assert job_entry(seen)["state"] == "queued"


@pytest.mark.parametrize(
    ("rows", "is_refused"),
    [
        ([], False),
        ([{"name": "ann", "write": True}], False),
        ([{"name": "ben", "write": True}], True),
        ([{"name": "ann", "write": False}], True),
        ([{"name": "ann", "write": True, "collections": ["other"]}], True),
        ([{"name": "ann", "write": True, "expires": "2020-01-01"}], True),
    ],
    ids=["no tokens", "as before", "revoked", "read-only", "for another collection", "expired"],
)
async def test_job_is_resumed_only_if_its_token_may_still_write(
    tmp_path: Path, rows: list[dict[str, Any]], is_refused: bool
) -> None:
    tokens = [{"sha256": "0" * 64, **row} for row in rows]
    assert await refusal_of_job(tmp_path, http={"tokens": tokens}) == is_refused


async def test_job_of_a_static_token_is_not_resumed_where_only_oauth_tokens_are_left(tmp_path: Path) -> None:
    urls = {"issuer": "https://i.example", "jwks_url": "https://i.example/keys", "resource_url": "https://r.example"}
    assert await refusal_of_job(tmp_path, oauth=urls)


async def refusal_of_job(tmp_path: Path, **settings: Any) -> bool:
    """Return whether a job that the token "ann" began is refused."""
    engine = build_engine(load_settings(data_dir=tmp_path / "data", **settings))
    caller = Caller(name="ann", token_row="ann")
    asked = Background(Resift(engine=engine)).asked(build(IngestRequest, documents=[PUMP]), caller)
    async with serving_jobs(engine):
        job = await engine.jobs.start(asked)
        await job.has_left.wait()
    refusal = "" if job.record.error is None else job.record.error.message
    await engine.close()
    assert job.record.state is (JobState.FAILED if refusal else JobState.DONE)
    return refusal.startswith("The token 'ann' that asked for this was revoked, has expired")


async def test_unreadable_record_is_listed(hasty: tuple[Engine, Asker]) -> None:
    engine, tools = hasty
    folder = engine.settings.data_dir / "jobs"
    folder.mkdir(parents=True)
    (folder / "0123456789ab.json").write_text('{"version": 99}')
    [listed] = (await tools.call("list_collections", {}))["jobs"]
    assert (listed["id"], listed["state"]) == ("0123456789ab", "unreadable")
    assert "its version is 99" in listed["error"]
