"""Ingestion with documents that crash their parser or hang: the report says so, and everything else is searchable."""

from pathlib import Path

import pytest

from resift.api.requests import DocumentInput
from resift.api.resift import Resift
from resift.factories import engine as factory
from resift.ingest.parsers.protocols import RecordFields
from resift.ingest.processes.limits import Limits
from resift.ingest.processes.pool import ParserPool
from resift.settings.load import load_settings

FILES = {
    "crash.hostile": "crash",
    "hang.hostile": "hang",
    "fine.hostile": "fine words of a document of the plug-in",
    "wheel.md": "# Wheels\n\nA wheel spins on its axle.\n",
}


@pytest.mark.anyio
@pytest.mark.slow
async def test_hostile_files_and_texts_cost_only_themselves(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pool = ParserPool(2, limits=Limits(seconds=3))

    def open_parser_pool(_: RecordFields) -> ParserPool:
        return pool

    monkeypatch.setattr(factory, "open_parser_pool", open_parser_pool)
    folder = tmp_path / "documents"
    folder.mkdir()
    for name, text in FILES.items():
        (folder / name).write_text(text)
    texts: list[DocumentInput] = [
        {"id": "crashing", "text": "hostile crash"},
        {"id": "hanging", "text": "hostile hang"},
        {"id": "good", "text": "The brake squeals."},
    ]
    async with Resift(load_settings(data_dir=tmp_path / "data")) as resift:
        report = await resift.ingest(documents=texts, paths=[folder])
        assert report.added == 3
        reasons = {Path(failure.source).name: failure.reason for failure in report.failures}
        plugin = "It cannot be parsed: the plug-in 'hostile' of resift-hostile-parser 1.0"
        assert reasons["crash.hostile"].startswith(f"{plugin} crashed (SIGSEGV).")
        assert reasons["hang.hostile"].startswith(f"{plugin} took more than 3 s.")
        assert "crashed (SIGSEGV)" in reasons["crashing"]
        assert "took more than 3 s" in reasons["hanging"]
        assert len(reasons) == 4
        page = await resift.search("a wheel on its axle")
        assert page.hits[0].passage.title == "Wheels"
    assert pool.pids == []
