"""Errors as the plain API answers them: the right status, one body, and nothing that only the server should know."""

from pathlib import Path

import httpx
import pytest

from resift.core import errors
from resift.core.errors import Hint, ResiftError
from resift.server.http.application import create_app
from resift.server.http.plain.failures import HINTS, MAX_MESSAGE_CHARACTERS, Problem, problem, status_of
from resift.server.http.plain.router import ERRORS
from resift.tests.server.http.application import URL, client_of, engine_of

pytestmark = pytest.mark.anyio

JSON = {"Content-Type": "application/json"}
KINDS = [each for each in vars(errors).values() if isinstance(each, type) and issubclass(each, ResiftError)]


@pytest.mark.parametrize("kind", KINDS)
def test_every_error_has_a_documented_status(kind: type[ResiftError]) -> None:
    assert status_of(kind("x")) in ERRORS


def test_errors_that_the_caller_can_mend_are_told_from_those_of_the_server() -> None:
    expected = {
        errors.InvalidFilter: 422,
        errors.ContextTooLong: 422,
        errors.NotFound: 404,
        errors.Forbidden: 403,
        errors.PathRefused: 403,
        errors.IncompatibleCollection: 409,
        errors.StoreBusy: 503,
        errors.StoreUnavailable: 503,
        errors.ModelUnavailable: 503,
        errors.ModelError: 500,
        errors.Refused: 500,
    }
    assert {kind: status_of(kind("x")) for kind in expected} == expected


def test_every_hint_is_worded_for_http() -> None:
    assert HINTS.keys() == set(Hint)
    for hint, text in HINTS.items():
        filled = text.format(collection="c", command="pip install resift", job="a1b2")
        assert filled.endswith("."), hint
        assert not any(tool in filled for tool in ("list_collections", "ingest_documents", "delete_documents")), hint


@pytest.mark.parametrize(
    ("content", "headers", "status", "part"),
    [
        (b"{", JSON, 400, "not JSON"),
        (b"", JSON, 400, "The body is empty"),
        (b"[]", JSON, 400, "not an object"),
        (b'"query"', JSON, 400, "not an object"),
        (b'{"query": NaN}', JSON, 400, "not JSON"),
        (b'{"query": "\\ud800"}', JSON, 400, "not JSON"),
        (b'{"query": "\xff"}', JSON, 400, "not JSON"),
        (b'{"filter": ' + b"[" * 5000, JSON, 400, "not JSON"),
        (b'{"limit": ' + b"9" * 9000 + b"}", JSON, 400, "not JSON"),
        (b'{"query": "x"}', {}, 415, "Content-Type: application/json"),
        (b"query=x", {"Content-Type": "application/x-www-form-urlencoded"}, 415, "x-www-form-urlencoded"),
    ],
)
async def test_body_that_is_not_a_json_object_is_refused(
    client: httpx.AsyncClient, content: bytes, headers: dict[str, str], status: int, part: str
) -> None:
    for path in ("/v1/search", "/v1/rerank", "/v1/embeddings", "/rerank", "/v1/documents"):
        response = await client.post(path, content=content, headers=headers)
        assert response.status_code == status, response.text
        assert part in Problem.model_validate_json(response.content, extra="forbid").message


async def test_kinds_of_json_are_taken(client: httpx.AsyncClient) -> None:
    for kind in ("application/json; charset=utf-8", "Application/JSON", "application/vnd.api+json"):
        headers = {"Content-Type": kind}
        response = await client.post("/v1/search", content=b'{"query": "brake pads"}', headers=headers)
        assert response.status_code == 200, response.text


async def test_method_that_is_not_taken_is_answered_with_the_one_that_is(client: httpx.AsyncClient) -> None:
    for method, path, instead in (("GET", "/v1/search", "POST"), ("POST", "/v1/models", "GET")):
        message = Problem.model_validate_json((await client.request(method, path)).content, extra="forbid").message
        assert message.startswith(f"{path} does not accept {method}. Use {instead}.")


async def test_paths_and_methods_that_do_not_exist_say_where_to_look(client: httpx.AsyncClient) -> None:
    for method, path, status in (("GET", "/v1/searches", 404), ("GET", "/v1/search", 405), ("POST", "/v1/models", 405)):
        response = await client.request(method, path)
        assert response.status_code == status
        assert "GET /openapi.json" in Problem.model_validate_json(response.content, extra="forbid").message


@pytest.mark.parametrize("path", ["/docs", "/redoc", "/docs/oauth2-redirect"])
async def test_no_page_loads_scripts_from_the_internet(client: httpx.AsyncClient, path: str) -> None:
    assert (await client.get(path)).status_code == 404


async def test_hints_name_paths_of_the_api(client: httpx.AsyncClient) -> None:
    missing = await client.post("/v1/search", json={"query": "x", "collection": "nothing"})
    assert (missing.status_code, missing.json()["error"]["type"]) == (404, "not_found")
    assert "GET /v1/collections lists them" in missing.json()["message"]


async def test_store_under_maintenance_is_a_busy_service(tmp_path: Path) -> None:
    engine = engine_of(tmp_path)
    engine.gate._wait_s = 0.0  # pyright: ignore[reportPrivateUsage]
    async with client_of(engine) as client, engine.gate.exclusive("resift backup"):
        response = await client.get("/v1/collections")
    assert response.status_code == 503
    assert "`resift backup`" in response.json()["message"]


async def test_defect_is_told_without_its_traceback(tmp_path: Path) -> None:
    engine = engine_of(tmp_path)
    app = create_app(engine)

    @app.get("/broken")
    def broken() -> None:  # pyright: ignore[reportUnusedFunction]
        raise ZeroDivisionError("a secret of the server")

    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url=URL) as client:
        response = await client.get("/broken")
    assert response.status_code == 500
    assert "secret" not in response.text
    assert "Traceback" not in response.text
    assert "log" in Problem.model_validate_json(response.content, extra="forbid").message
    await engine.close()


def test_long_messages_keep_their_end_and_broken_text_can_be_sent() -> None:
    body = problem(422, "x" * 9_000 + "\ud800 Do this next.").body
    message = Problem.model_validate_json(bytes(body)).message
    assert len(message) <= MAX_MESSAGE_CHARACTERS
    assert message.endswith("Do this next.")
