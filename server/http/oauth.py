"""Access tokens of an OAuth server: JWTs, checked with the public keys that it publishes."""

from collections.abc import Mapping
from typing import Any

import jwt
from anyio import CapacityLimiter, to_thread
from jwt import PyJWKClient
from mcp.server.auth.routes import build_resource_metadata_url, create_protected_resource_routes
from mcp.server.auth.settings import AuthSettings
from starlette.routing import Route

from ...core.errors import Unavailable
from ...settings.serving import OAuthSettings
from .bearer import Grant

ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")
"""All are asymmetric: with a symmetric one, the public key would be the secret."""

LEEWAY_S = 30  # by which clocks may differ

KEYS_TIMEOUT_S = 5.0

KEYS_KEPT_S = 300.0

RETRY_S = 5.0


class _PublishedKeys(PyJWKClient):
    """Fetches keys, and tells an odd answer of their server from a token that is signed with an unknown key."""

    def fetch_data(self) -> Any:
        """Return the published keys, of which at least one can check signatures.

        Raises:
            Unavailable: The server does not answer, or with something else.
        """
        try:
            data = super().fetch_data()
            self._check_cached()
        except (jwt.PyJWTError, ValueError, TypeError, OSError, RecursionError) as error:
            raise Unavailable(
                "The keys of the OAuth server cannot be fetched. Try again soon.", retry_after_s=RETRY_S
            ) from error
        return data

    def _check_cached(self) -> None:
        try:
            self.get_signing_keys()
        except jwt.PyJWTError:  # none has a name and is for signatures: without this, they would be kept
            if self.jwk_set_cache is not None:
                self.jwk_set_cache.put(None)
            raise


class OAuthTokens:
    """Checks issuer, audience, time and signature of access tokens."""

    def __init__(self, settings: OAuthSettings) -> None:
        self._settings = settings
        self._keys = _PublishedKeys(settings.jwks_url, lifespan=KEYS_KEPT_S, timeout=KEYS_TIMEOUT_S)
        self._threads = CapacityLimiter(4)  # of its own: searches must not wait for a slow OAuth server

    async def verify_token(self, token: str) -> Grant | None:
        """Return what a token grants; None if it is not a valid one of the issuer.

        Raises:
            Unavailable: The keys of the issuer cannot be fetched.
        """
        if token.count(".") != 2:  # of a JWT
            return None
        try:
            claims = await to_thread.run_sync(self._claims, token, limiter=self._threads)
        except jwt.PyJWTError:
            return None
        return self._grant(token, claims)

    def _claims(self, token: str) -> dict[str, Any]:
        settings = self._settings
        return jwt.decode(
            token,
            self._keys.get_signing_key_from_jwt(token),
            algorithms=list(ALGORITHMS),
            audience=settings.audience or settings.resource_url,
            issuer=settings.issuer,
            leeway=LEEWAY_S,
            options={"require": ["exp", "iss", "aud"]},
        )

    def _grant(self, token: str, claims: Mapping[str, Any]) -> Grant:
        settings, scopes = self._settings, _words(claims.get("scope", claims.get("scp")))
        claim = settings.collections_claim
        subject = str(claims.get("sub", ""))
        return Grant(
            token=token,
            client_id=str(claims.get("client_id") or claims.get("azp") or subject or "oauth"),
            subject=subject or None,
            scopes=sorted(scopes),
            claims={"iss": settings.issuer},
            may_read=not settings.read_scope or settings.read_scope in scopes,
            may_write=bool(settings.write_scope) and settings.write_scope in scopes,
            collections=_words(claims.get(claim)) if claim else None,
        )


class ProtectedResource:
    """What tells clients without a token which OAuth server issues them (RFC 9728)."""

    def __init__(self, settings: OAuthSettings) -> None:
        scopes = [scope for scope in (settings.read_scope, settings.write_scope) if scope]
        self._auth = AuthSettings.model_validate(
            {
                "issuer_url": settings.issuer,
                "resource_server_url": settings.resource_url,
                "required_scopes": scopes,
                "validate_token_resource": False,  # `OAuthTokens` checks the audience
            }
        )

    @property
    def metadata_url(self) -> str:
        """Return where the description is, as clients reach it."""
        return (
            ""
            if self._auth.resource_server_url is None
            else str(build_resource_metadata_url(self._auth.resource_server_url))
        )

    def routes(self) -> list[Route]:
        """Return the route of the description."""
        if self._auth.resource_server_url is None:
            return []
        return create_protected_resource_routes(
            resource_url=self._auth.resource_server_url,
            authorization_servers=[self._auth.issuer_url],
            scopes_supported=self._auth.required_scopes,
        )


def _words(claim: object) -> frozenset[str]:
    """Return the values of a claim that is a list, or a text with spaces between them."""
    if isinstance(claim, str):
        return frozenset(claim.split())
    return frozenset(map(str, claim)) if isinstance(claim, list) else frozenset()  # pyright: ignore[reportUnknownArgumentType]
