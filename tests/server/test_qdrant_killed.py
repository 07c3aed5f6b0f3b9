"""The Qdrant server is killed while Resift ingests, and while it searches: nothing is lost, and work goes on after."""

from pathlib import Path

import pytest
from anyio.to_thread import run_sync

from resift.core.errors import StoreUnavailable
from resift.core.values import Document
from resift.factories.engine import build_engine
from resift.ingest.job import Job
from resift.pipeline.request import SearchRequest
from resift.settings.load import load_settings
from resift.tests.standins.proxy import Fault, killable_server

pytestmark = [pytest.mark.anyio, pytest.mark.slow]

WRITES = "PUT /collections/default/points"
DOCUMENTS = [Document(f"d{number:03}", f"Wheel {number}", text=f"Wheel {number} has an axle.") for number in range(160)]


async def test_server_killed_while_ingesting_and_while_searching(tmp_path: Path) -> None:
    async with killable_server(tmp_path / "server") as (server, proxy):
        settings = load_settings(
            data_dir=tmp_path / "data", QDRANT_URL=proxy.url, qdrant={"attempts": 2, "prefer_grpc": False}
        )
        engine = build_engine(settings)
        services = engine.services

        def kill_in_the_second_write(request: str) -> Fault | None:
            if request.startswith(WRITES) and proxy.count(WRITES) == 1:
                server.kill()
            return None

        proxy.faults = kill_in_the_second_write
        job = Job("default", DOCUMENTS, total=len(DOCUMENTS))
        with pytest.raises(StoreUnavailable, match=rf"Qdrant at {proxy.url} does not answer.*try again"):
            await services.ingestor.ingest(job)
        await run_sync(server.start)
        held = len(await (await services.store.open("default")).entries())
        assert 0 < held < len(DOCUMENTS)  # the first batch was acknowledged

        proxy.faults = lambda _: None
        report = await services.ingestor.ingest(job)
        assert (report.unchanged, report.added, report.failures) == (held, len(DOCUMENTS) - held, ())

        question = SearchRequest("Wheel 150 has an axle.", reranker="none")
        before = await services.pipeline.search(question)
        assert before.ranking.hits[0].passage.document_id == "d150"
        server.kill()
        with pytest.raises(StoreUnavailable, match="does not answer"):
            await services.pipeline.search(question)
        await run_sync(server.start)
        after = await services.pipeline.search(question)
        assert after.ranking.hits[0].passage == before.ranking.hits[0].passage
        await engine.close()
