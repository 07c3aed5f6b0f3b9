"""A watch in the engine that fails: it is reported, and tried again."""

from functools import partial
from pathlib import Path

import anyio
import pytest

from resift.api import watching as module
from resift.api.watching import watch_registered
from resift.encoders.protocols import NO_EXTRA_ENCODERS
from resift.factories.encoders import new_manifest
from resift.ingest.watching import noticing
from resift.ingest.watching.watched import Watched
from resift.server.cli.collections.watch import folder_lines
from resift.tests.api.test_watching import engine_that_watches, is_logged, until

pytestmark = pytest.mark.anyio


async def test_failed_watch_is_reported_and_tried_again_until_it_succeeds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def is_reported(text: str) -> bool:
        return text in watched.problem(row) if text else not watched.problem(row)

    caplog.set_level("INFO")
    monkeypatch.setattr(module, "FIRST_RETRY_S", 0.01)
    monkeypatch.setattr(noticing, "CHECK_MS", 20)
    (tmp_path / "docs").mkdir()
    engine, row = engine_that_watches(tmp_path), Watched("default", (tmp_path / "docs",))
    store, watched = engine.services.store, engine.services.watched
    manifest = new_manifest(engine.settings, engine.encoder, NO_EXTRA_ENCODERS)
    folder = tmp_path / "data/collections/default"
    folder.mkdir(parents=True)
    (folder / "manifest.json").write_text("{")
    watched.add(row)
    async with anyio.create_task_group() as group:
        group.start_soon(watch_registered, engine, watched)
        await until(partial(is_reported, "damaged"))
        assert "damaged" in folder_lines(watched)[0]
        assert "damaged" in watched.shown()[0]["problem"]
        await store.drop("default")
        await store.open("default", create=manifest)
        watched.add(row)
        await until(partial(is_reported, ""))
        await until(partial(is_logged, caplog, "default: 0 unchanged"))
        group.cancel_scope.cancel()
    assert folder_lines(watched) == [f"default: {tmp_path}/docs, **/*"]
    await engine.close()
