"""Find out who sends a request, and set what they may do while it is served."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from mcp.server.auth.middleware.auth_context import AuthContextMiddleware
from mcp.server.auth.middleware.bearer_auth import AuthenticatedUser
from starlette.datastructures import Headers
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from ...api.caller import CALLER, Caller
from ...api.hidden_paths import NOTHING_HIDDEN, HiddenPaths
from ...core.errors import Unavailable
from .bearer import Grant, Verifier
from .refusals import refusal, try_later

CALLER_KEY = "resift.caller"
"""Where a request's scope has its caller, for the log and the metrics, which are outside."""

OPEN_PREFIX = "/.well-known/"
"""Below it, clients without a token read where to get one."""

SCHEME = "bearer "


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessRules:
    """Who is let in, and what all of them may do."""

    verifiers: Sequence[Verifier] = ()
    """Without any, everybody is let in."""
    roots: tuple[Path, ...] = ()
    """The folders whose files callers may ingest."""
    may_write: bool = True
    hidden: HiddenPaths = NOTHING_HIDDEN
    """Where the files of the server lie that messages may speak of."""
    public: frozenset[str] = frozenset()
    """Paths that need no token."""
    metadata_url: str = ""
    """Where clients read which OAuth server issues tokens."""


class Authentication:
    """A middleware that serves requests with a valid token, on behalf of its holder."""

    def __init__(self, app: ASGIApp, rules: AccessRules, *, clock: Callable[[], float] = time.time) -> None:
        self._app = app
        self._app_for_holder = AuthContextMiddleware(app)  # the SDK binds what it hands to clients to their token
        self._rules = rules
        self._clock = clock

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve or refuse a request."""
        is_open = scope["type"] != "http" or scope["path"] in self._rules.public
        if is_open or scope["path"].startswith(OPEN_PREFIX):
            await self._app(scope, receive, send)
            return
        caller = await self._caller(scope)
        if not isinstance(caller, Caller):
            await caller(scope, receive, send)
            return
        scope[CALLER_KEY] = caller
        token = CALLER.set(caller)
        try:
            await self._app_for_holder(scope, receive, send)
        finally:
            CALLER.reset(token)

    async def _caller(self, scope: Scope) -> Caller | JSONResponse:
        """Return who sends a request, or why it is refused."""
        if not self._rules.verifiers:
            return Caller(roots=self._rules.roots, may_write=self._rules.may_write, hidden=self._rules.hidden)
        header = Headers(scope=scope).get("authorization", "")
        if not header.lower().startswith(SCHEME):
            return self._challenge("This server needs a token. Send it in the header `Authorization: Bearer TOKEN`.")
        try:
            grant = await self._grant(header[len(SCHEME) :].strip())
        except Unavailable as error:
            return try_later(503, str(error), after_s=error.retry_after_s)
        if grant is None:
            return self._challenge("The token is not known to this server, or no longer valid.", error="invalid_token")
        return self._holder(grant, scope)

    def _holder(self, grant: Grant, scope: Scope) -> Caller | JSONResponse:
        """Return the holder of a token, or why they are refused."""
        if grant.expires_at is not None and grant.expires_at <= self._clock():
            return self._challenge("The token has expired. Ask for a new one.", error="invalid_token")
        if not grant.may_read:
            message = "The token lacks the scope that this server needs. Ask its issuer for it."
            return self._challenge(message, error="insufficient_scope", status=403)
        scope["user"] = AuthenticatedUser(grant)
        return Caller(
            name=grant.subject or grant.client_id,
            roots=self._rules.roots,
            collections=grant.collections,
            may_write=grant.may_write and self._rules.may_write,
            token_row=grant.row,
            hidden=self._rules.hidden,
        )

    async def _grant(self, token: str) -> Grant | None:
        for verifier in self._rules.verifiers:
            if (grant := await verifier.verify_token(token)) is not None:
                return grant
        return None

    def _challenge(self, message: str, *, error: str = "", status: int = 401) -> JSONResponse:
        """Return a refusal that tells clients how to authenticate (RFC 6750 and RFC 9728)."""
        parts = ['realm="resift"']
        if error:
            parts += [f'error="{error}"', f'error_description="{message}"']
        if self._rules.metadata_url:
            parts.append(f'resource_metadata="{self._rules.metadata_url}"')
        return refusal(status, message, headers={"WWW-Authenticate": f"Bearer {', '.join(parts)}"})
