"""No secret of the settings gets out, whatever the services that it was sent to repeat in their answers."""

import json
import subprocess
from base64 import b64encode
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import quote

import pytest

from resift.server.cli.app import main
from resift.tests.server.processes import COMMAND, TIMEOUT_S, RawServer, environment
from resift.tests.standins.echo import EchoServer, echo_server

PASSWORD, KEY, QUERY_KEY, SHORT = "p@ss/wörd+1", "sk-never-to-be-seen-0123", "query-key-4567", "pw"

QUESTION = {"query": "why does the pump hum"}


def _forms(secret: str) -> set[str]:
    encoded = b64encode(secret.encode()).decode().rstrip("=")
    return {secret, quote(secret), quote(secret, safe=""), encoded, json.dumps(secret)[1:-1]}


def assert_nothing_gets_out(told: str) -> None:
    secrets = _forms(PASSWORD) | _forms(KEY) | _forms(QUERY_KEY) | _forms(f"me:{PASSWORD}") | _forms(f"you:{SHORT}")
    assert sorted(secret for secret in secrets if secret in told) == []
    assert "***" in told


def _settings(server: EchoServer, **more: str) -> dict[str, str]:
    rows = {
        "login": {"kind": "cohere", "model": "m", "url": f"http://me:{quote(PASSWORD, safe='')}@{server.host}"},
        "short": {"kind": "cohere", "model": "m", "url": f"http://you:{SHORT}@{server.host}"},
        "key": {"kind": "jina", "model": "m", "url": f"http://{server.host}/?api-key={QUERY_KEY}", "api_key": KEY},
    }
    return {
        "RESIFT_RERANKERS": json.dumps(rows),
        "OPENAI_BASE_URL": f"http://me:{quote(PASSWORD, safe='')}@{server.host}/v1",
        "OPENAI_API_KEY": KEY,
        "RESIFT_LLM__MODEL": "small",
        "RESIFT_LLM__RETRIES": "0",
        **more,
    }


def _stderr_of(folder: Path) -> str:
    return (folder / ".stderr").read_text(encoding="utf-8")


def _run(folder: Path, settings: Mapping[str, str], *arguments: str) -> tuple[int, str]:
    done = subprocess.run(
        [*COMMAND, *arguments],
        env={**environment(folder), **settings},
        cwd=folder,
        capture_output=True,
        encoding="utf-8",
        timeout=2 * TIMEOUT_S,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


@pytest.mark.slow
@pytest.mark.parametrize("status", [400, 401, 503])
def test_endpoints_of_rerankers_and_language_models_repeat_secrets_in_vain(tmp_path: Path, status: int) -> None:
    texts = {"pump.md": "# Pump\n\nThe pump hums.\n", "lamp.md": "# Lamp\n\nThe lamp hums as well.\n"}
    for name, text in texts.items():  # a model is not asked to order a single passage
        (tmp_path / name).write_text(text, encoding="utf-8")
    with echo_server(status) as echo:
        settings = _settings(echo)
        server = RawServer(tmp_path, {**settings, "RESIFT_LOG_LEVEL": "DEBUG"}, "--in-process")
        server.call("ingest_documents", {"paths": [*texts]})
        for name in ("login", "short", "key", "llm"):
            found = server.structured("search_and_rerank", {**QUESTION, "reranker": name})
            assert found["degraded"], found
            assert "***" in str(found["notes"]) or status == 503
        server.call("rerank_with_llm", {**QUESTION, "passages": ["a", "b"]})
        assert server.end() == 0
        assert KEY in echo.heard
        assert PASSWORD in echo.heard
        code, told = _run(tmp_path, settings, "doctor")
        assert code == 1
        _, searched = _run(tmp_path, settings, "search", "why does it hum", "--reranker", "login")
    assert_nothing_gets_out("".join(server.lines) + _stderr_of(tmp_path))
    assert_nothing_gets_out(told)
    assert_nothing_gets_out(searched)


@pytest.mark.slow
def test_endpoint_of_an_encoder_repeats_secrets_in_vain(tmp_path: Path) -> None:
    with echo_server() as echo:
        settings = _settings(echo, RESIFT_ENCODER__KIND="openai", RESIFT_ENCODER__MODEL="embed")
        server = RawServer(tmp_path, {**settings, "RESIFT_LOG_LEVEL": "DEBUG"}, "--in-process")
        failed = server.call("ingest_documents", {"documents": [{"text": "The pump hums."}]})
        assert "401" in str(failed)
        assert server.end() == 0
        _, told = _run(tmp_path, settings, "doctor")
    assert_nothing_gets_out("".join(server.lines) + _stderr_of(tmp_path))
    assert_nothing_gets_out(told)


@pytest.mark.slow
@pytest.mark.parametrize("status", [401, 400, 500])
def test_qdrant_server_repeats_its_key_in_vain(tmp_path: Path, status: int) -> None:
    with echo_server(status) as echo:
        settings = {
            "QDRANT_URL": f"http://{echo.host}",
            "QDRANT_API_KEY": KEY,
            "RESIFT_QDRANT__PREFER_GRPC": "false",
        }
        server = RawServer(tmp_path, {**settings, "RESIFT_LOG_LEVEL": "DEBUG"}, "--in-process")
        for name, arguments in (("list_collections", {}), ("hybrid_search", QUESTION)):
            assert server.call(name, dict(arguments))["isError"]
        assert server.end() == 0
        assert KEY in echo.heard
        _, told = _run(tmp_path, settings, "doctor")
        _, searched = _run(tmp_path, settings, "search", "why does it hum")
    assert_nothing_gets_out("".join(server.lines) + _stderr_of(tmp_path))
    assert_nothing_gets_out(told)
    assert_nothing_gets_out(searched)


def test_traceback_of_a_defect_shows_no_secret(tmp_path: Path) -> None:
    program = (
        "from resift.core.masking import SECRETS\n"
        "from resift.server.output import mask_streams\n"
        f"SECRETS.add({KEY!r})\n"
        "mask_streams()\n"
        f"print('sent', {KEY!r}, end='')\n"
        f"raise RuntimeError('Bearer {KEY}')\n"
    )
    done = subprocess.run([COMMAND[0], "-c", program], capture_output=True, encoding="utf-8", check=False, cwd=tmp_path)
    assert KEY not in done.stdout + done.stderr
    assert done.stdout == "sent ***"
    assert "RuntimeError: ***" in done.stderr


def test_secret_that_is_written_in_pieces_is_masked(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    import sys

    from resift.core.masking import SECRETS
    from resift.server.output import mask_streams

    SECRETS.add(KEY)
    monkeypatch.setattr(sys, "stdout", sys.stdout)
    monkeypatch.setattr(sys, "stderr", sys.stderr)
    mask_streams()
    mask_streams()
    print("key", KEY[:9], sep=" ", end="")  # noqa: T201
    print(KEY[9:])  # noqa: T201
    print("no end", end="", flush=True)  # noqa: T201
    assert capsys.readouterr().out == "key ***\nno end"


def test_short_secret_that_is_a_word_of_a_document_is_printed(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    import sys

    from resift.core.masking import SECRETS
    from resift.server.output import mask_streams

    SECRETS.add("xylograph")
    monkeypatch.setattr(sys, "stdout", sys.stdout)
    monkeypatch.setattr(sys, "stderr", sys.stderr)
    mask_streams()
    print("the xylograph hums")  # noqa: T201
    print("the key is xylograph", file=sys.stderr)  # noqa: T201
    told = capsys.readouterr()
    assert (told.out, told.err) == ("the xylograph hums\n", "the key is ***\n")


def test_login_in_a_setting_that_is_refused_is_masked(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    import sys

    monkeypatch.setenv("RESIFT_DATA_DIR", f"http://me:{KEY}@host")
    monkeypatch.setenv("RESIFT_THREADS", f"http://me:{KEY}@host")
    monkeypatch.setattr(sys, "argv", ["resift", "collections"])
    with pytest.raises(SystemExit):
        main()
    told = capsys.readouterr()
    assert KEY not in told.out + told.err
    assert "RESIFT_THREADS" in told.err
