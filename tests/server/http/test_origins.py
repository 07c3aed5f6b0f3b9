"""Requests that a page on the internet can send from a user's browser are refused."""

from pathlib import Path
from typing import Any

import pytest

from resift.core.errors import InvalidInput
from resift.settings.load import load_settings
from resift.settings.serving import HttpSettings
from resift.tests.server.http.application import MCP, client_of, engine_of

pytestmark = pytest.mark.anyio

LIST = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}
KNOWN = {"allowed_hosts": ["search.example.com"], "allowed_origins": ["https://app.example.com"]}


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("localhost:8848", 200),
        ("127.0.0.1:8848", 200),
        ("[::1]:8848", 200),
        ("10.0.0.7:8848", 200),
        ("SEARCH.example.com", 200),
        ("evil.example.com", 421),
        ("localhost.evil.example.com:8848", 421),
        ("evil.example.com@localhost", 421),
        ("localhost@evil.example.com", 421),
        ("[::1", 421),
        ("", 421),
    ],
)
async def test_only_known_hosts_are_served(tmp_path: Path, host: str, status: int) -> None:
    async with client_of(engine_of(tmp_path, http=KNOWN)) as client:
        response = await client.post("/mcp", json=LIST, headers={**MCP, "Host": host})
        assert response.status_code == status
        assert status == 200 or "RESIFT_HTTP__ALLOWED_HOSTS" in response.json()["error"]["message"]


@pytest.mark.parametrize(
    ("origin", "status"),
    [
        ("http://localhost:3000", 200),
        ("https://app.example.com", 200),
        ("https://evil.example.com", 403),
        ("https://app.example.com.evil.example.com", 403),
        ("http://app.example.com", 403),
        ("null", 403),
        ("http://[::1", 403),
    ],
)
async def test_only_known_pages_are_served(tmp_path: Path, origin: str, status: int) -> None:
    async with client_of(engine_of(tmp_path, http=KNOWN)) as client:
        response = await client.post("/mcp", json=LIST, headers={**MCP, "Origin": origin})
        assert response.status_code == status
        assert status == 200 or "RESIFT_HTTP__ALLOWED_ORIGINS" in response.json()["error"]["message"]


async def test_refusal_names_the_host_as_the_setting_takes_it(tmp_path: Path) -> None:
    sent = {**MCP, "Host": "Search.example.com:8443"}
    async with client_of(engine_of(tmp_path / "without")) as client:
        message = (await client.post("/mcp", json=LIST, headers=sent)).json()["error"]["message"]
        assert "not known as 'search.example.com'. If it is, add the name" in message
    for name in ("search.example.com", "search.example.com:8443"):
        async with client_of(engine_of(tmp_path / name[-4:], http={"allowed_hosts": [name]})) as client:
            assert (await client.post("/mcp", json=LIST, headers=sent)).status_code == 200


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ({"allowed_hosts": ["Search.example.com:8443", "[::1]:80"]}, ("search.example.com", "::1")),
        ({"allowed_origins": ["https://App.example.com:443/"]}, ("https://app.example.com",)),
        ({"allowed_origins": ["http://app.example.com:3000"]}, ("http://app.example.com:3000",)),
        ({"allowed_origins": ["vscode-webview://1a2b"]}, ("vscode-webview://1a2b",)),
    ],
)
def test_names_and_origins_are_kept_as_they_are_compared(given: dict[str, Any], kept: tuple[str, ...]) -> None:
    [name] = given
    assert getattr(HttpSettings(**given), name) == kept


@pytest.mark.parametrize("name", ["https://search.example.com", "*", "*.example.com", "", "a b", "a/b", "x@y", "a:b"])
def test_what_can_be_no_host_is_refused_with_an_example(tmp_path: Path, name: str) -> None:
    with pytest.raises(InvalidInput, match=r"ALLOWED_HOSTS.* is not the name of a host; .*\"search\.example\.com\""):
        load_settings(data_dir=tmp_path, http={"allowed_hosts": [name]})


@pytest.mark.parametrize(
    "origin", ["*", "app.example.com", "localhost:3000", "https://*.example.com", "https://a/b", "null", "", "https://"]
)
def test_what_can_be_no_origin_is_refused_with_an_example(tmp_path: Path, origin: str) -> None:
    with pytest.raises(InvalidInput, match=r"ALLOWED_ORIGINS.* is not an origin; .*\"https://app\.example\.com\""):
        load_settings(data_dir=tmp_path, http={"allowed_origins": [origin]})


async def test_health_is_told_to_everybody_and_tells_nothing(tmp_path: Path) -> None:
    async with client_of(engine_of(tmp_path)) as client:
        response = await client.get("/health", headers={"Host": "probe", "Origin": "https://evil.example.com"})
        assert (response.status_code, response.json()) == (200, {"status": "ok"})


async def test_mcp_is_posted_to_only(tmp_path: Path) -> None:
    async with client_of(engine_of(tmp_path)) as client:
        response = await client.get("/mcp", headers=MCP)
        assert (response.status_code, response.headers["allow"]) == (405, "POST")


async def test_browser_is_told_which_pages_may_use_the_server(tmp_path: Path) -> None:
    asked = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization"}
    written = {"allowed_origins": ["https://App.example.com/"]}
    async with client_of(engine_of(tmp_path, http=written)) as client:
        for origin in ("https://app.example.com", "http://localhost:3000", "http://[::1]:3000"):
            allowed = await client.options("/mcp", headers={"Origin": origin, **asked})
            assert (allowed.status_code, allowed.headers["access-control-allow-origin"]) == (200, origin)
            answer = await client.get("/v1/models", headers={"Origin": origin})
            assert (answer.status_code, answer.headers["access-control-allow-origin"]) == (200, origin)
        close = await client.options("/mcp", headers={"Origin": "http://localhost.evil.example.com", **asked})
        assert close.status_code == 400
        foreign = await client.options("/mcp", headers={"Origin": "https://evil.example.com", **asked})
        assert foreign.status_code == 400
        assert "access-control-allow-origin" not in foreign.headers
