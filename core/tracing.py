"""Spans of OpenTelemetry around the stages of a search, for programs that trace; nothing for others."""

import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Any, TypeAlias

from .values import Ranking

Report: TypeAlias = Callable[[Ranking], Ranking]
"""Notes on the span what a ranking says about its last stage, and returns it."""

API = "opentelemetry.trace"


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
