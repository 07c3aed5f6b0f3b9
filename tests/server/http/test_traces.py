"""Spans of requests over HTTP: they belong to the trace of the client that sends one."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

import resift
from resift.core import tracing
from resift.core.errors import MissingExtra
from resift.core.extras import has_extra
from resift.server.http.workers import create
from resift.tests.server.processes import environment

TRACE = "0af7651916cd43dd8448eb211c80319c"
PROGRAM = """
import asyncio, json, sys
import httpx
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from resift.factories.engine import build_engine
from resift.settings.load import load_settings
from resift.tests.server.http.application import MCP
from resift.tests.server.http.wire import served

spans, provider = InMemorySpanExporter(), TracerProvider()
provider.add_span_processor(SimpleSpanProcessor(spans))
trace.set_tracer_provider(provider)
rerank = "rerank rerank", "/v1/rerank", {"query": "hum", "documents": ["the pump hums"]}
listed = {"name": "list_collections", "arguments": {}}
called = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": listed}
tool = "tools/call list_collections", "/mcp", called
theirs = {**MCP, "traceparent": sys.argv[1]}

async def traces(outermost):
    found = {}
    while outermost not in found:  # a span may end after the response has been sent
        await asyncio.sleep(0)
        found = {each.name: f"{each.context.trace_id:032x}" for each in spans.get_finished_spans()}
    return found

async def main():
    engine = build_engine(load_settings())
    async with served(engine) as url, httpx.AsyncClient(base_url=url, timeout=60) as client:
        for name, path, body in (rerank, tool):
            for headers in (theirs, {**MCP, "traceparent": "of no form"}, MCP):
                spans.clear()
                (await client.post(path, json=body, headers=headers)).raise_for_status()
                print(json.dumps(await traces(name)))
    await engine.close()

asyncio.run(main())
"""


@pytest.mark.slow
@pytest.mark.skipif(not has_extra("otel"), reason="the extra otel is not installed")
def test_spans_of_a_request_belong_to_the_trace_that_its_client_names(tmp_path: Path) -> None:
    ran = subprocess.run(
        [sys.executable, "-c", PROGRAM, f"00-{TRACE}-b7ad6b7169203331-01"],
        env=environment(tmp_path),
        cwd=Path(resift.__file__).parent.parent,
        capture_output=True,
        encoding="utf-8",
        timeout=120,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    found = [json.loads(line) for line in ran.stdout.splitlines()]
    for requests, name in ((found[:3], "rerank rerank"), (found[3:], "tools/call list_collections")):
        assert [set(spans.values()) == {spans[name]} for spans in requests] == [True] * 3, "a request has one trace"
        theirs, broken, without = [spans[name] for spans in requests]
        assert theirs == TRACE
        assert len({theirs, broken, without}) == 3, "without a trace of the client's, each request has its own"


def test_workers_tell_that_a_collector_needs_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(tracing.ENDPOINT, "http://127.0.0.1:4318")
    monkeypatch.setitem(sys.modules, "opentelemetry.sdk", None)
    with pytest.raises(MissingExtra, match="OTEL_EXPORTER_OTLP_ENDPOINT needs the extra 'otel'"):
        create()
