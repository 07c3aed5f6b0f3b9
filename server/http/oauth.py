"""Access tokens of an OAuth server: JWTs, checked with the public keys that it publishes."""

from collections.abc import Mapping
from typing import Any

import jwt
from anyio import CapacityLimiter, to_thread
from jwt import PyJWK
from mcp.server.auth.routes import build_resource_metadata_url, create_protected_resource_routes
from mcp.server.auth.settings import AuthSettings
from starlette.routing import Route

from ...settings.serving import OAuthSettings
from .bearer import Grant
from .published_keys import PublishedKeys

ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")
"""All are asymmetric: with a symmetric one, the public key would be the secret."""

LEEWAY_S = 30  # by which clocks may differ


class OAuthTokens:
    """Checks issuer, audience, time and signature of access tokens."""

    def __init__(self, settings: OAuthSettings, keys: PublishedKeys | None = None) -> None:
        self._settings = settings
        self._keys = PublishedKeys(settings.jwks_url) if keys is None else keys
        self._threads = CapacityLimiter(4)

    async def verify_token(self, token: str) -> Grant | None:
        """Return what a token grants; None if it is not a valid one of the issuer.

        Raises:
            Unavailable: The keys of the issuer cannot be fetched.
        """
        if token.count(".") != 2:  # of a JWT
            return None
        try:
            key = await self._keys.find(str(jwt.get_unverified_header(token).get("kid")))
            if key is None:
                return None
            claims = await to_thread.run_sync(self._claims, token, key, limiter=self._threads)
        except jwt.PyJWTError:
            return None
        return self._grant(token, claims)

    def _claims(self, token: str, key: PyJWK) -> dict[str, Any]:
        settings = self._settings
        return jwt.decode(
            token,
            key,
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
