"""The HTTP application: MCP, the plain API, health, readiness and metrics, behind one chain of checks."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

from fastapi import FastAPI
from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
from mcp.server.transport_security import TransportSecuritySettings
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from ... import __version__
from ...api.hidden_paths import HiddenPaths
from ...api.resift import Resift
from ...factories.engine import Engine
from ...settings.load import Settings
from ..mcp.assembly import create_server
from .admission import Admission, Load
from .authentication import AccessRules, Authentication
from .bearer import StaticTokens, Verifier
from .health import HEALTH_PATH, METRICS_PATH, READY_PATH, Probes
from .metrics import Metrics
from .oauth import OAuthTokens, ProtectedResource
from .origins import LOOPBACK_ORIGINS, HostAndOriginCheck
from .plain.departures import Departures
from .plain.router import add_plain_api
from .rate_limits import RateLimit
from .recording import Recorder
from .refusals import MCP_PATH, refusal

IMMEDIATE = frozenset({HEALTH_PATH, READY_PATH, METRICS_PATH})
"""Paths that answer even when the server is busy."""

PACKAGE = Path(__file__).parents[2]
"""The folder of Resift itself, with the bundled models."""

READING = frozenset({"/v1/search", "/v1/documents/read", "/v1/rerank", "/v2/rerank", "/rerank", "/v1/embeddings"})
"""Paths whose POST changes nothing."""

PUBLIC = frozenset({HEALTH_PATH})
"""Paths that need neither a token nor a known host, and tell nothing."""


def create_app(engine: Engine) -> FastAPI:
    """Return the application over an engine. It neither starts nor closes the engine."""
    settings = engine.settings
    sessions, metrics = _sessions(engine), Metrics()
    engine.services.pipeline.observers.append(metrics.observe)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncGenerator[None]:
        async with sessions.run():
            yield

    app = FastAPI(
        title="Resift",
        version=__version__,
        lifespan=lifespan,
        docs_url=None,  # its page loads scripts from elsewhere
        redoc_url=None,
        openapi_url="/openapi.json",
        middleware=_middleware(settings, metrics),
    )
    plain = add_plain_api(app, Resift(engine=engine))
    own = [
        Route(MCP_PATH, endpoint=_McpEndpoint(sessions)),
        *Probes(engine, metrics).routes(),
        *(ProtectedResource(settings.oauth).routes() if settings.oauth.issuer else []),
    ]
    app.router.routes += own
    app.state.routes = [*plain, *own]
    return app


def _middleware(settings: Settings, metrics: Metrics) -> list[Middleware]:
    """Return the checks, outermost first."""
    http = settings.http
    load = Load(http, show=metrics.show_load)
    hosts, origins = [*http.allowed_hosts, http.host], http.allowed_origins
    return [
        Middleware(Recorder, metrics=metrics),
        Middleware(
            CORSMiddleware,
            allow_origins=origins,
            allow_origin_regex=LOOPBACK_ORIGINS,
            allow_methods=["GET", "POST", "DELETE"],
            allow_headers=["*"],
            expose_headers=["Retry-After", "WWW-Authenticate", "Location"],
            max_age=600,
        ),
        Middleware(HostAndOriginCheck, hosts=hosts, origins=origins, public=PUBLIC),
        Middleware(Authentication, _rules(settings)),
        Middleware(RateLimit, per_minute=http.requests_per_minute),
        Middleware(Admission, load=load, http=http, immediate=IMMEDIATE),
        Middleware(Departures, prefix="/v1/", reading=READING),
    ]


def _rules(settings: Settings) -> AccessRules:
    verifiers: list[Verifier] = []
    if settings.http.tokens:
        verifiers.append(StaticTokens(settings.http.tokens))
    if settings.oauth.issuer:
        verifiers.append(OAuthTokens(settings.oauth))
    return AccessRules(
        verifiers=verifiers,
        roots=settings.ingest_roots,
        may_write=not settings.read_only,
        hidden=HiddenPaths({settings.data_dir: "RESIFT_DATA_DIR", PACKAGE: "resift"}),
        public=PUBLIC,
        metadata_url=ProtectedResource(settings.oauth).metadata_url if settings.oauth.issuer else "",
    )


def _sessions(engine: Engine) -> StreamableHTTPSessionManager:
    """Return what serves MCP. Each request stands alone, so that any worker can answer it."""
    return StreamableHTTPSessionManager(
        app=create_server(engine)._lowlevel_server,  # pyright: ignore[reportPrivateUsage]
        stateless=True,
        max_request_body_size=engine.settings.http.max_body_bytes,
        security_settings=TransportSecuritySettings(enable_dns_rebinding_protection=False),  # checked for all paths
    )


class _McpEndpoint:
    """The ASGI endpoint of MCP. It takes posts only: without sessions, there is nothing to listen for or to delete."""

    def __init__(self, sessions: StreamableHTTPSessionManager) -> None:
        self._sessions = sessions

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["method"] == "POST":
            await self._sessions.handle_request(scope, receive, send)
            return
        answer = refusal(405, "MCP is served by POST: each request stands alone.", headers={"Allow": "POST"})
        await answer(scope, receive, send)
