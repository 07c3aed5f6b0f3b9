"""The language model from the command line: an instruction, both orders, and no secret on the screen."""

import json
from pathlib import Path
from typing import Any

import pytest

from resift.tests.evaluation.conftest import write_set
from resift.tests.server.in_process import Run
from resift.tests.standins.chat import Seen, by_words, chat_stand_in, query_of, refusal

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


@pytest.mark.slow
def test_reply_of_a_language_model_that_cannot_be_read_is_told_and_ends_nothing(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    quick = ("--depth", "8", "--depths", "2,4,8", "--reranker", "maxsim")
    folder = write_set(tmp_path / "bicycles", "test")
    with chat_stand_in() as server:

        def refused_of_lamps(body: dict[str, Any], seen: Seen) -> Any:
            server.around = "I cannot help with that." if "lamp" in query_of(body) else "{}"
            return by_words(body, seen)

        server.rule = refused_of_lamps
        monkeypatch.setenv("OPENAI_BASE_URL", server.url)
        monkeypatch.setenv("RESIFT_LLM__MODEL", "small")
        monkeypatch.setenv("RESIFT_LLM__WIDE_MARGIN", "0")
        code, out, err = run("eval", str(folder), "--store", str(tmp_path / "store"), *quick)
        assert (code, err) == (0, "")
        told = "+ LLM: a stage failed for 1 of 6 queries: q2. They count in the order that a search gives then"
        assert told in out
        assert "no reply contained an order" in out
        page = tmp_path / "eval-bicycles" / "report.html"
        assert told in page.read_text()
        (written,) = json.loads(page.with_name("report.json").read_text())["fallbacks"]
        assert (written["systems"], written["queries"]) == (["+ LLM"], ["q2"])

        server.rule, server.reply = None, "I cannot help with that."
        code, _, err = run("eval", str(folder), "--store", str(tmp_path / "store"), "--out", "never", *quick)
    assert code == 1
    assert "no reply contained an order" in err
    assert not (tmp_path / "never").exists()
