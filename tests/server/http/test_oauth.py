"""Access tokens of an OAuth server: a real one of this machine publishes the keys, which are made here."""

import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

from resift.core.errors import InvalidInput, Unavailable
from resift.server.http.oauth import OAuthTokens
from resift.settings.load import load_settings
from resift.settings.serving import OAuthSettings
from resift.tests.server.http.application import MCP, READER, ask, bearer, client_of, engine_of, rows

pytestmark = pytest.mark.anyio

ISSUER, URL = "https://login.example.com", "https://search.example.com/mcp"
LIST = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}
RSA_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
EC_KEY = ec.generate_private_key(ec.SECP256R1())
FOREIGN_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
KEYS: dict[str, Any] = {
    "keys": [
        {**json.loads(RSAAlgorithm.to_jwk(RSA_KEY.public_key())), "kid": "rsa", "use": "sig"},
        {**json.loads(ECAlgorithm.to_jwk(EC_KEY.public_key())), "kid": "ec", "use": "sig"},
    ]
}
READ_AND_WRITE = "resift:read resift:write"


ODD = {
    "html": b"<html>Sign in</html>",
    "no keys": b'{"keys": []}',
    "keys without names": json.dumps({"keys": [{**KEYS["keys"][0], "kid": None}]}).encode(),
    "keys of another kind": b'{"keys": [{"kty": "oct", "k": 5, "kid": "rsa"}]}',
    "an error": b'{"error": "maintenance"}',
    "a list": b"[]",
    "bytes": b"\xff\xfe\x00",
    "deep JSON": b"[" * 100_000,
}
"""What a server may answer with status 200 instead of keys."""


class _Publisher(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        body = ODD.get(unquote(self.path).strip("/"), json.dumps(KEYS).encode())
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Keep quiet."""


@pytest.fixture(scope="module")
def jwks_url() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Publisher)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/keys"
    server.shutdown()
    thread.join()
    server.server_close()


def token(*, key: Any = RSA_KEY, kid: str = "rsa", algorithm: str = "RS256", **claims: Any) -> dict[str, str]:
    """Return the header with a token; a claim that is None is left out."""
    usual = {"iss": ISSUER, "aud": URL, "sub": "ann", "exp": int(time.time()) + 600, "scope": READ_AND_WRITE}
    given = {name: value for name, value in {**usual, **claims}.items() if value is not None}
    return {"Authorization": f"Bearer {jwt.encode(given, key, algorithm=algorithm, headers={'kid': kid})}"}


def oauth(jwks_url: str, **more: str) -> dict[str, str]:
    return {"issuer": ISSUER, "jwks_url": jwks_url, "resource_url": URL, **more}


async def _status(client: Any, headers: dict[str, str]) -> int:
    return (await client.post("/mcp", json=LIST, headers={**MCP, **headers})).status_code


async def test_tokens_of_the_issuer_are_accepted_beside_those_of_the_settings(tmp_path: Path, jwks_url: str) -> None:
    engine = engine_of(tmp_path, oauth=oauth(jwks_url), http={"tokens": rows(READER)})
    async with client_of(engine) as client:
        assert await _status(client, token()) == 200
        assert await _status(client, token(key=EC_KEY, kid="ec", algorithm="ES256")) == 200
        assert await _status(client, token(aud=["other", URL], scope=None, scp=["resift:read"])) == 200
        assert await _status(client, bearer(READER)) == 200


@pytest.mark.parametrize(
    "claims",
    [
        {"exp": 1_700_000_000},
        {"exp": None},
        {"iss": "https://evil.example.com"},
        {"iss": None},
        {"aud": "https://other.example.com/mcp"},
        {"aud": None},
        {"nbf": 4_000_000_000},
        {"key": FOREIGN_KEY},
        {"kid": "unknown"},
        {"key": "a-secret-that-everybody-knows-it-is-the-public-key", "algorithm": "HS256"},
    ],
    ids=[
        "expired",
        "without expiry",
        "of another issuer",
        "without issuer",
        "for another audience",
        "without audience",
        "not yet valid",
        "signed by another key",
        "of an unknown key",
        "signed by the public key",
    ],
)
async def test_other_tokens_are_refused(tmp_path: Path, jwks_url: str, claims: dict[str, Any]) -> None:
    async with client_of(engine_of(tmp_path, oauth=oauth(jwks_url))) as client:
        response = await client.post("/mcp", json=LIST, headers={**MCP, **token(**claims)})
        assert response.status_code == 401
        assert 'error="invalid_token"' in response.headers["www-authenticate"]


@pytest.mark.parametrize("sent", ["none", "a.b.c", "..", "eyJhbGciOiJub25lIn0.e30.", "ä.ö.ü"])
async def test_what_is_no_token_is_refused(tmp_path: Path, jwks_url: str, sent: str) -> None:
    async with client_of(engine_of(tmp_path, oauth=oauth(jwks_url))) as client:
        headers = {**MCP, "Authorization": f"Bearer {sent}"}
        encoded = [(name.encode(), value.encode("latin-1")) for name, value in headers.items()]
        response = await client.post("/mcp", json=LIST, headers=encoded)
        assert response.status_code == 401


async def test_token_without_the_scope_is_told_so(tmp_path: Path, jwks_url: str) -> None:
    async with client_of(engine_of(tmp_path, oauth=oauth(jwks_url))) as client:
        response = await client.post("/mcp", json=LIST, headers={**MCP, **token(scope="profile")})
        assert response.status_code == 403
        assert 'error="insufficient_scope"' in response.headers["www-authenticate"]


async def test_scope_and_claim_decide_what_may_be_done(tmp_path: Path, jwks_url: str) -> None:
    engine = engine_of(tmp_path, oauth=oauth(jwks_url, collections_claim="folders"))
    async with client_of(engine) as client:
        reader = token(scope="resift:read", folders=["docs"])
        names = [each["name"] for each in (await ask(client, "tools/list", None, **reader))["result"]["tools"]]
        assert "hybrid_search" in names
        assert "delete_documents" not in names
        question = {"query": "pump", "collection": "default"}
        refused = await client.post("/v1/search", json=question, headers=reader)
        assert (refused.status_code, refused.json()["error"]["type"]) == (403, "forbidden")
        assert (await client.post("/v1/search", json=question, headers=token())).status_code == 403
        document = {"collection": "docs", "documents": [{"id": "pump", "text": "The pump hums."}]}
        assert (await client.post("/v1/documents", json=document, headers=reader)).status_code == 403
        writer = token(folders="docs more")
        assert (await client.post("/v1/documents", json=document, headers=writer)).status_code == 200


async def test_client_without_a_token_finds_the_issuer(tmp_path: Path, jwks_url: str) -> None:
    engine = engine_of(tmp_path, oauth=oauth(jwks_url), http={"allowed_hosts": ["search.example.com"]})
    async with client_of(engine) as client:
        refused = await client.post("/mcp", json=LIST, headers=MCP)
        metadata_url = "https://search.example.com/.well-known/oauth-protected-resource/mcp"
        assert refused.headers["www-authenticate"] == f'Bearer realm="resift", resource_metadata="{metadata_url}"'
        described = await client.get(metadata_url)
        assert described.json()["resource"] == URL
        assert described.json()["authorization_servers"] == [ISSUER]
        assert described.json()["scopes_supported"] == ["resift:read", "resift:write"]


async def test_issuer_that_does_not_answer_is_not_the_fault_of_the_token(tmp_path: Path) -> None:
    async with client_of(engine_of(tmp_path, oauth=oauth("http://127.0.0.1:9/keys"))) as client:
        response = await client.post("/mcp", json=LIST, headers={**MCP, **token()})
        assert (response.status_code, response.headers["retry-after"]) == (503, "5")
        assert (await client.post("/mcp", json=LIST, headers={**MCP, **bearer(READER)})).status_code == 401


@pytest.mark.parametrize("odd", ODD)
async def test_odd_answer_of_the_key_server_is_not_the_fault_of_the_token(jwks_url: str, odd: str) -> None:
    tokens = OAuthTokens(OAuthSettings(**oauth(jwks_url.replace("/keys", f"/{quote(odd)}"))))
    for _ in range(2):
        with pytest.raises(Unavailable, match=r"keys of the OAuth server cannot be fetched\. Try again soon\."):
            await tokens.verify_token(token()["Authorization"].removeprefix("Bearer "))


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"jwks_url": ""}, "an issuer also needs jwks_url and resource_url"),
        ({"jwks_url": "http://login.example.com/keys"}, "must begin with https://"),
    ],
)
def test_incomplete_settings_are_refused(tmp_path: Path, more: dict[str, str], message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        load_settings(data_dir=tmp_path, oauth={**oauth("https://login.example.com/keys"), **more})
