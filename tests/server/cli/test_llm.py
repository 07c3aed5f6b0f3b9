"""The language model from the command line: an instruction, both orders, and no secret on the screen."""

from pathlib import Path

import pytest

from resift.tests.server.in_process import Run
from resift.tests.standins.chat import by_words, chat_stand_in, refusal

KEY = "sk-never-to-be-seen"


def test_instruction_reaches_the_model_and_its_order_the_terminal(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("lamp", "pump", "drum"):
        (tmp_path / f"{name}.md").write_text(f"# {name.title()}\n\nThe {name} hums when its bearing is worn.\n")
    monkeypatch.setenv("RESIFT_INGEST_ROOTS", str(tmp_path))
    assert run("ingest", str(tmp_path)).code == 0
    with chat_stand_in() as server:
        server.rule = by_words
        monkeypatch.setenv("OPENAI_BASE_URL", server.url)
        monkeypatch.setenv("OPENAI_API_KEY", KEY)
        monkeypatch.setenv("RESIFT_LLM__MODEL", "small")
        monkeypatch.setenv("RESIFT_LLM__RETRIES", "0")
        asked = ("search", "drum hums", "--reranker", "llm", "--instruction", "only rotating parts")
        found = run(*asked, "--json").json
        explained = run(*asked, "--explain")
        server.always = refusal(401, f"Incorrect API key provided: {KEY}")
        failed = run(*asked, "--explain")
    assert found["hits"][0]["title"] == "Drum"
    assert found["hits"][0]["ranks"]["llm"] == 1
    assert "Instruction, if any, which goes before the rest: only rotating parts" in str(server.asked[0])
    assert "1 call, 100 tokens in, 20 out" in explained.out
    header = next(line for line in explained.out.splitlines() if "before" in line)
    columns = [cell.strip() for cell in header.strip("┃").split("┃")]
    assert columns == ["before", "fused", "after", "rerank", "blend", "llm", "relevance", "move"]
    assert "1.000 │" in explained.out
    assert failed.code == 0
    assert "status 401" in failed.out
    assert KEY not in found.__repr__() + explained.out + explained.err + failed.out + failed.err


def test_phrasings_of_the_model_are_explained(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "pump.md").write_text("# Pump\n\nThe pump hums when its bearing is worn.\n")
    monkeypatch.setenv("RESIFT_INGEST_ROOTS", str(tmp_path))
    assert run("ingest", str(tmp_path)).code == 0
    with chat_stand_in() as server:
        server.phrasings = lambda query: [f"{query} quietly", "faulty bearing"]
        monkeypatch.setenv("OPENAI_BASE_URL", server.url)
        monkeypatch.setenv("RESIFT_LLM__MODEL", "small")
        monkeypatch.setenv("RESIFT_LLM__REPHRASE", "2")
        monkeypatch.setenv("RESIFT_LLM__REPHRASE_S", "60")
        explained = run("search", "it hums", "--explain")
        own = run("search", "it hums", "--also", "noise", "--explain")
    line = next(line for line in explained.out.splitlines() if line.startswith("rephrase"))
    assert "1 in, 2 out  small" in line
    assert '"it hums quietly", "faulty bearing"; 1 call, 100 tokens in, 20 out' in " ".join(explained.out.split())
    assert "rephrase" not in own.out
    assert len(server.asked) == 1


def test_language_model_without_an_endpoint_is_told_what_to_set(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RESIFT_LLM__MODEL", "small")
    failed = run("search", "pump", "--reranker", "llm")
    assert failed.code == 1
    assert (
        "Unknown reranker 'llm'. Set RESIFT_LLM__MODEL, and OPENAI_API_KEY or OPENAI_BASE_URL. Known: default"
        in failed.err
    )
