"""Who is let in, and what they may do: tokens of the settings."""

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.responses import JSONResponse

from resift.server.http.authentication import AccessRules, Authentication
from resift.server.http.bearer import StaticTokens, digest, new_token
from resift.settings.serving import TokenRow
from resift.tests.server.http.application import (
    MCP,
    OTHER,
    READER,
    URL,
    WRITER,
    ask,
    bearer,
    call,
    client_of,
    client_with_documents,
    engine_of,
    rows,
)

pytestmark = pytest.mark.anyio

TOKENS: dict[str, Any] = {"tokens": rows(READER, WRITER, OTHER)}
LIST = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}


async def test_request_without_a_token_is_refused_and_told_how_to_send_one(tmp_path: Path) -> None:
    async with client_of(engine_of(tmp_path, http=TOKENS)) as client:
        response = await client.post("/mcp", json=LIST, headers=MCP)
        assert response.status_code == 401
        assert response.headers["www-authenticate"] == 'Bearer realm="resift"'
        assert "Authorization: Bearer TOKEN" in response.json()["error"]["message"]
        assert (await client.get("/anything")).status_code == 401


@pytest.mark.parametrize(
    "header",
    ["Bearer wrong", "bearer ", "Basic cmVhZGVyOng=", f"Bearer {READER.row.sha256}"],
    ids=["unknown", "empty", "of another kind", "its hash"],
)
async def test_wrong_token_is_refused(tmp_path: Path, header: str) -> None:
    async with client_of(engine_of(tmp_path, http=TOKENS)) as client:
        response = await client.post("/mcp", json=LIST, headers={**MCP, "Authorization": header})
        assert response.status_code == 401
        assert response.headers["www-authenticate"].startswith('Bearer realm="resift"')


async def test_token_is_accepted_until_it_expires(tmp_path: Path) -> None:
    fresh, stale = new_token("fresh", write=False), new_token("stale", write=False)
    dated = [{**rows(fresh)[0], "expires": "9000-12-31"}, {**rows(stale)[0], "expires": "2020-12-31"}]
    async with client_of(engine_of(tmp_path, http={"tokens": dated})) as client:
        assert "result" in await ask(client, "tools/list", None, **bearer(fresh))
        response = await client.post("/mcp", json=LIST, headers={**MCP, **bearer(stale)})
        assert response.status_code == 401
        assert 'error="invalid_token"' in response.headers["www-authenticate"]
        assert response.json()["error"]["message"] == "The token has expired. Ask for a new one."


@pytest.mark.parametrize(
    ("moment", "status"),
    [(datetime(2026, 7, 1, 23, 59, 59, tzinfo=UTC), 200), (datetime(2026, 7, 2, tzinfo=UTC), 401)],
    ids=["its last second", "the next day"],
)
async def test_token_is_accepted_to_the_end_of_its_last_day(moment: datetime, status: int) -> None:
    token = new_token("ci", write=False, expires=date(2026, 7, 1))
    rules = AccessRules(verifiers=[StaticTokens([token.row])])
    app = Authentication(JSONResponse({}), rules, clock=moment.timestamp)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=URL) as client:
        assert (await client.get("/mcp", headers=bearer(token))).status_code == status


async def test_tools_work_on_behalf_of_the_holder_of_the_token(ingested: Path, tmp_path: Path) -> None:
    async with client_with_documents(ingested, tmp_path, http=TOKENS) as client:
        question = {"query": "worn brake pads"}
        assert not (await call(client, "hybrid_search", question, **bearer(READER)))["isError"]
        refused = await call(client, "hybrid_search", question, **bearer(OTHER))
        assert refused["isError"]
        assert "may not use the collection 'default'. It may use: other." in refused["content"][0]["text"]
        seen = [
            (await call(client, "list_collections", {}, **bearer(token)))["structuredContent"]["collections"]
            for token in (READER, OTHER)
        ]
        assert [len(each) for each in seen] == [1, 0]


async def test_without_tokens_everybody_on_this_machine_is_let_in(ingested: Path, tmp_path: Path) -> None:
    async with client_with_documents(ingested, tmp_path) as client:
        found = await call(client, "hybrid_search", {"query": "worn brake pads"})
        assert found["structuredContent"]["hits"][0]["document_id"] == "brakes"


async def test_callers_over_http_read_no_files_unless_roots_are_set(tmp_path: Path) -> None:
    (tmp_path / "notes.md").write_text("# Notes\n\nThe pump hums.\n")
    path = str(tmp_path / "notes.md")
    async with client_of(engine_of(tmp_path / "a", http=TOKENS)) as client:
        refused = await call(client, "ingest_documents", {"paths": [path]}, **bearer(WRITER))
        assert refused["isError"]
        assert "outside the folders Resift may read" in refused["content"][0]["text"]
    async with client_of(engine_of(tmp_path / "b", http=TOKENS, ingest_roots=str(tmp_path))) as client:
        report = await call(client, "ingest_documents", {"paths": ["notes.md"]}, **bearer(WRITER))
        assert report["structuredContent"]["added"] == 1


async def test_settings_keep_only_the_hash_of_a_token() -> None:
    made = new_token("ci", write=True, collections=["docs"])
    assert made.token not in made.row.model_dump_json()
    assert made.row == TokenRow(name="ci", sha256=digest(made.token), write=True, collections=("docs",))
    shouted = TokenRow.model_validate({**made.row.model_dump(), "sha256": made.row.sha256.upper()})
    grant = await StaticTokens([shouted]).verify_token(made.token)
    assert grant is not None
    assert (grant.client_id, grant.may_write, grant.collections) == ("ci", True, frozenset({"docs"}))
