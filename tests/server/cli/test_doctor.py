"""`resift doctor`: what was set, and every configured model tried once, without a secret on the screen."""

import json
from pathlib import Path

import pytest

from resift.settings.load import load_settings
from resift.settings.table import HIDDEN, shown
from resift.tests.models.rerankers import write_own
from resift.tests.server.in_process import Run
from resift.tests.standins.chat import chat_stand_in, completion, refusal
from resift.tests.standins.http import Answer
from resift.tests.standins.rerank import rerank_stand_in

KEY, PASSWORD = "sk-never-to-be-seen", "hunter2"


def test_every_row_and_the_language_model_are_asked_once(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = write_own(tmp_path / "own")
    with rerank_stand_in() as reranks, chat_stand_in() as chat:
        chat.always = completion("Yes, something is.")
        login = reranks.root.replace("://", f"://user:{PASSWORD}@")
        rows = {
            "near": {"kind": "cross-encoder", "model": str(own)},
            "far": {"kind": "cohere", "model": "rerank-v3.5", "url": login, "api_key": KEY},
            "careful": {"stages": ["near:50", "far:20"]},
        }
        monkeypatch.setenv("RESIFT_RERANKERS", json.dumps(rows))
        monkeypatch.setenv("OPENAI_BASE_URL", chat.url.replace("://", f"://user:{PASSWORD}@"))
        monkeypatch.setenv("OPENAI_API_KEY", KEY)
        monkeypatch.setenv("RESIFT_LLM__MODEL", "small")
        monkeypatch.setenv("RESIFT_LLM__RETRIES", "0")
        healthy = run("doctor")
        assert (len(reranks.asked), len(chat.asked)) == (1, 1)
        chat.always = refusal(401, f"Incorrect API key provided: {KEY}")
        reranks.always = Answer({"message": f"no such key: {KEY}"}, 401)
        (own / "model.onnx").unlink()
        ill = run("doctor")
    assert healthy.code == 0, healthy.out
    assert "✓ reranker 'near': tiny-overlap gave 3 to a passage" in healthy.out
    assert "✓ reranker 'far': cohere:rerank-v3.5 gave 0.333 to a passage" in healthy.out
    assert "✓ language model: small answered: 100 tokens in, 20 out" in healthy.out
    assert "'careful'" not in healthy.out
    assert ill.code == 1
    assert f"✗ reranker 'near': The file {own / 'model.onnx'} of the model 'tiny-overlap' is missing" in ill.out
    assert "✗ reranker 'far': http://127.0.0.1:" in ill.out
    assert "✗ language model: small at 127.0.0.1:" in ill.out
    assert "refused the request with status 401" in ill.out
    assert "✓ MCP server" in ill.out
    for secret in (KEY, PASSWORD):
        assert secret not in f"{healthy.out}{healthy.err}{ill.out}{ill.err}"


def test_model_without_an_endpoint_is_told_and_only_what_was_set_is_listed(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("OPENAI_BASE_URL", "OPENAI_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("RESIFT_LLM__MODEL", "small")
    ill = run("doctor")
    assert ill.code == 1
    assert "✗ language model: RESIFT_LLM__MODEL = 'small' has no endpoint. Set OPENAI_BASE_URL or" in ill.out
    table = ill.out.partition("✓")[0]
    assert "docs/settings.md lists every one" in table
    listed = [line.split()[1] for line in table.splitlines() if line.startswith("│")]
    assert listed == ["RESIFT_ENV_FILE", "RESIFT_DATA_DIR", "RESIFT_MIN_FREE_MB", "RESIFT_LLM__MODEL"]


def test_secrets_are_hidden_wherever_they_stand(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QDRANT_API_KEY", KEY)
    monkeypatch.setenv("OPENAI_BASE_URL", f"http://user:{PASSWORD}@host/v1")
    row = {"kind": "tei", "url": f"http://user:{PASSWORD}@host", "api_key": KEY}
    settings = load_settings(rerankers={"far": row})
    names = ("QDRANT_API_KEY", "OPENAI_BASE_URL", "RESIFT_RERANKERS", "RESIFT_THREADS")
    assert [shown(settings, name) for name in names] == [HIDDEN, f"http://{HIDDEN}@host/v1", "far", "0"]
