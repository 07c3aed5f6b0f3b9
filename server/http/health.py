"""What programs ask a server that watch over it: whether it lives, whether it can work, and what it did."""

import anyio
from prometheus_client import CONTENT_TYPE_LATEST
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from ...api.caller import CALLER
from ...core.errors import ResiftError
from ...factories.engine import Engine
from ...store.collection import Store
from ...store.qdrant.store import QdrantStore
from .metrics import Metrics
from .refusals import refusal, try_later

HEALTH_PATH, READY_PATH, METRICS_PATH = "/health", "/ready", "/metrics"

TIMEOUT_S = 10.0

RETRY_S = 1.0


class Probes:
    """The answers for load balancers and monitoring."""

    def __init__(self, engine: Engine, metrics: Metrics) -> None:
        self._engine = engine
        self._metrics = metrics

    def routes(self) -> list[Route]:
        """Return the routes of all of them."""
        return [
            Route(HEALTH_PATH, endpoint=self.health, methods=["GET"]),
            Route(READY_PATH, endpoint=self.ready, methods=["GET"]),
            Route(METRICS_PATH, endpoint=self.metrics, methods=["GET"]),
        ]

    async def health(self, _: Request) -> JSONResponse:
        """Answer that the process lives. Everybody may ask, so nothing else is told."""
        return JSONResponse({"status": "ok"})

    async def ready(self, _: Request) -> JSONResponse:
        """Answer whether a search would be answered: the models are loaded, and the store can be read."""
        if holder := self._engine.gate.holder:
            return try_later(503, f"The collections are being maintained by `{holder}`.", after_s=RETRY_S)
        try:
            with anyio.fail_after(TIMEOUT_S):
                if not self._engine.warmed.is_set():
                    await self._engine.warm()
                async with self._engine.gate.shared():
                    await _check(self._engine.services.store)
        except TimeoutError:
            return try_later(503, f"The store did not answer within {TIMEOUT_S:.0f} s.", after_s=RETRY_S)
        except ResiftError as error:
            return try_later(503, f"A search would fail now: {error}", after_s=RETRY_S)
        return JSONResponse({"status": "ready"})

    async def metrics(self, _: Request) -> Response:
        """Answer with the metrics, which count the requests of all."""
        if CALLER.get().collections is not None:
            return refusal(403, "The metrics count the requests of all, and this token is for some collections only.")
        return Response(self._metrics.text(), media_type=CONTENT_TYPE_LATEST)


async def _check(store: Store) -> None:
    """Check that a search could read the store; a collection that cannot be read does not keep it from others."""
    if isinstance(store, QdrantStore):
        await store.connection.check()
    else:
        await store.names()
