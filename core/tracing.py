"""Spans of OpenTelemetry around the stages of a search, for programs that trace; nothing for others."""

import os
import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager
from importlib import import_module
from typing import Any, TypeAlias

from .extras import require_extra
from .values import Ranking

Report: TypeAlias = Callable[[Ranking], Ranking]
"""Notes on the span what a ranking says about its last stage, and returns it."""

API = "opentelemetry.trace"

ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT"
"""The variable of OpenTelemetry that names the collector; its other variables hold as well."""


@contextmanager
def traced(name: str) -> Generator[Report]:
    """Trace what is done inside as one span. It holds names, counts and times, and nothing of questions or texts."""
    api: Any = sys.modules.get(API)  # a program that traces has imported it, so that others need not
    if api is None:
        yield _unchanged
        return
    with api.get_tracer("resift").start_as_current_span(name) as span:

        def report(ranking: Ranking) -> Ranking:
            if ranking.stages:
                last = ranking.stages[-1]
                span.set_attribute("resift.model", last.model)
                span.set_attribute("resift.received", last.received)
                span.set_attribute("resift.returned", last.returned)
            span.set_attribute("resift.degraded", ranking.degraded)
            return ranking

        yield report


def _unchanged(ranking: Ranking) -> Ranking:
    return ranking


def export_spans() -> None:
    """Send all spans of this process to the collector that the environment names, if it names one.

    Raises:
        MissingExtra: It does, and the extra `otel` is not installed.
    """
    if not os.environ.get(ENDPOINT):
        return
    require_extra("otel", ENDPOINT)
    api, sdk, exporting, otlp, resources = (
        import_module(name)
        for name in (
            API,
            "opentelemetry.sdk.trace",
            "opentelemetry.sdk.trace.export",
            "opentelemetry.exporter.otlp.proto.http.trace_exporter",
            "opentelemetry.sdk.resources",
        )
    )
    os.environ.setdefault("OTEL_SERVICE_NAME", "resift")
    provider: Any = sdk.TracerProvider(resource=resources.Resource.create())
    provider.add_span_processor(exporting.BatchSpanProcessor(otlp.OTLPSpanExporter()))
    api.set_tracer_provider(provider)  # when the process ends, it sends what is left
