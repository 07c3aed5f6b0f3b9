"""What the server did, as Prometheus reads it: counts and times, and nothing of questions or documents."""

import os

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

from ...pipeline.page import Page

SHARED_FOLDER = "PROMETHEUS_MULTIPROC_DIR"
"""The variable in which the client library finds the folder through which several workers add up their metrics."""

BUCKETS_S = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)


class Metrics:
    """The metrics of one application."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._requests = Counter(
            "resift_http_requests",
            "Requests by route and status. 429: over the limit of a token; 503: the queue was full.",
            ["route", "status"],
            registry=self._registry,
        )
        self._scores = Counter(
            "resift_reranked_passages",
            "Passages that were scored, by whether the score was kept from an earlier search.",
            ["cached"],
            registry=self._registry,
        )
        self._answers = Counter(
            "resift_answers",
            "Answers to searches and rerankings. Degraded: a stage failed, and the order is that of the one before.",
            ["degraded"],
            registry=self._registry,
        )
        about = "From the head of a request to the end of its answer."
        self._request_seconds = self._times("resift_http_request_seconds", about, label="route")
        self._stage_seconds = self._times("resift_stage_seconds", "Stages of searches and rerankings.", label="stage")
        self._active = self._load("resift_http_requests_active", "Requests that are worked on.")
        self._queued = self._load("resift_http_requests_queued", "Requests that wait for their turn or their body.")

    def _times(self, name: str, text: str, *, label: str) -> Histogram:
        return Histogram(name, text, [label], buckets=BUCKETS_S, registry=self._registry)

    def _load(self, name: str, text: str) -> Gauge:
        return Gauge(name, text, registry=self._registry, multiprocess_mode="livesum")

    def observe(self, page: Page) -> None:
        """Count an answer and its stages."""
        self._answers.labels(_word(page.degraded)).inc()
        for stage in page.stages:
            self._stage_seconds.labels(stage.name).observe(stage.milliseconds / 1000)
            if stage.kind == "score":
                self._scores.labels("true").inc(stage.cached)
                self._scores.labels("false").inc(stage.returned - stage.cached)

    def count_request(self, *, route: str, status: int, seconds: float) -> None:
        """Count a request that has been answered."""
        self._requests.labels(route, status).inc()
        self._request_seconds.labels(route).observe(seconds)

    def show_load(self, active: int, queued: int) -> None:
        """Show how many requests are worked on, and how many wait."""
        self._active.set(active)
        self._queued.set(queued)

    def text(self) -> bytes:
        """Return the metrics in the text format of Prometheus, those of all workers together."""
        if SHARED_FOLDER not in os.environ:
            return generate_latest(self._registry)
        summed = CollectorRegistry()
        MultiProcessCollector(summed)
        return generate_latest(summed)


def _word(value: bool) -> str:
    return "true" if value else "false"
