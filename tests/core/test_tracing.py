"""Spans of a real search, as a program that traces gets them."""

import subprocess
import sys
from pathlib import Path

import pytest

import resift
from resift.core import tracing
from resift.core.errors import MissingExtra
from resift.core.extras import has_extra
from resift.core.tracing import export_spans
from resift.tests.server.processes import environment

PROGRAM = """
import asyncio
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from mcp import Client
from resift.factories.engine import build_engine
from resift.server.mcp.assembly import create_server
from resift.settings.load import load_settings

spans, provider = InMemorySpanExporter(), TracerProvider()
provider.add_span_processor(SimpleSpanProcessor(spans))
trace.set_tracer_provider(provider)

async def main():
    engine = build_engine(load_settings())
    async with Client(create_server(engine)) as client:
        document = {"id": "pump", "text": "The pump hums when the fuel filter is clogged."}
        await client.call_tool("ingest_documents", {"documents": [document]})
        spans.clear()
        await client.call_tool("search_and_rerank", {"query": "why does the pump hum"})
        while "tools/call search_and_rerank" not in [each.name for each in spans.get_finished_spans()]:
            await asyncio.sleep(0)  # a span may end after the reply has been sent
    await engine.close()
    names = {each.context.span_id: each.name for each in spans.get_finished_spans()}
    for each in spans.get_finished_spans():
        parent = names.get(each.parent.span_id, "") if each.parent else ""
        print(each.name, "<", parent, "<", dict(each.attributes))

asyncio.run(main())
"""


@pytest.mark.slow
@pytest.mark.skipif(not has_extra("otel"), reason="the extra otel is not installed")
def test_search_of_a_tool_has_a_span_per_stage_without_its_question(tmp_path: Path) -> None:
    ran = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        env=environment(tmp_path),
        cwd=Path(resift.__file__).parent.parent,
        capture_output=True,
        encoding="utf-8",
        timeout=120,
        check=True,
    )
    spans = {line.split(" < ")[0]: line.split(" < ")[1:] for line in ran.stdout.splitlines()}
    call = "tools/call search_and_rerank"
    assert spans["retrieve"][0] == spans["rerank rerank"][0] == call
    assert "'resift.returned': 1" in spans["rerank rerank"][1]
    assert "'resift.degraded': False" in spans["retrieve"][1]
    assert "hum" not in ran.stdout


def test_nothing_is_traced_or_imported_unless_the_program_does(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, tracing.API, raising=False)
    with tracing.traced("retrieve") as report:
        assert report is tracing._unchanged  # pyright: ignore[reportPrivateUsage]
    assert tracing.API not in sys.modules


def test_collector_without_the_extra_is_told_with_the_line_that_installs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(tracing.ENDPOINT, "http://127.0.0.1:4318")
    monkeypatch.setitem(sys.modules, "opentelemetry.sdk", None)
    with pytest.raises(MissingExtra, match=r"OTEL_EXPORTER_OTLP_ENDPOINT needs the extra 'otel'.*\[otel\]"):
        export_spans()
