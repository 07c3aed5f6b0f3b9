"""Bearer tokens from the settings: made, hashed and looked up."""

import hashlib
import hmac
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Protocol

from mcp.server.auth.provider import AccessToken

from ...core.masking import SECRETS
from ...settings.serving import TokenRow

PREFIX = "resift_"
"""Of every token that `resift token` makes, so that scanners find one that was committed by mistake."""

RANDOM_BYTES = 32


class Grant(AccessToken):
    """A token that was accepted, and what its holder may do."""

    may_read: bool = True
    may_write: bool = False
    collections: frozenset[str] | None = None
    """The collections that it is for; None: all."""
    row: str = ""
    """The name of its row in the settings; "" for tokens of others."""


class Verifier(Protocol):
    """Knows tokens. It is a `TokenVerifier` of the SDK's."""

    async def verify_token(self, token: str) -> Grant | None:
        """Return what a token grants; None if it is not one of this verifier's."""
        ...


@dataclass(frozen=True, slots=True)
class NewToken:
    """A token, which is shown once, and its row for the settings."""

    token: str
    row: TokenRow


def new_token(name: str, *, write: bool, collections: Sequence[str] = (), expires: date | None = None) -> NewToken:
    """Return a random token."""
    token = PREFIX + secrets.token_urlsafe(RANDOM_BYTES)
    row = TokenRow(
        name=name, sha256=digest(token), write=write, collections=tuple(collections) or None, expires=expires
    )
    return NewToken(token, row)


def digest(token: str) -> str:
    """Return what the settings keep of a token. A random one of 256 bits needs neither salt nor a slow hash."""
    return hashlib.sha256(token.encode("utf-8", "surrogateescape")).hexdigest()


class StaticTokens:
    """Looks tokens up in the settings."""

    def __init__(self, rows: Sequence[TokenRow]) -> None:
        self._rows = tuple(rows)
        self._masked: set[str] = set()

    async def verify_token(self, token: str) -> Grant | None:
        """Return what a token grants, expired or not; None if it is unknown. The time does not depend on the token."""
        sent = digest(token)
        found = [row for row in self._rows if hmac.compare_digest(row.sha256, sent)]
        if not found:
            return None
        self._mask(found[0], token)
        return _grant(found[0], token)

    def _mask(self, row: TokenRow, token: str) -> None:
        """Mask a known token in all output from now on: until it is used, only its hash is known here."""
        if row.sha256 not in self._masked:
            self._masked.add(row.sha256)
            SECRETS.add(token)


def _grant(row: TokenRow, token: str) -> Grant:
    return Grant(
        token=token,
        client_id=row.name,
        row=row.name,
        scopes=[],
        expires_at=int(row.ends.timestamp()) if row.ends else None,
        may_write=row.write,
        collections=None if row.collections is None else frozenset(row.collections),
    )
