"""`resift eval` from the command line: a judged folder, a list of questions, and the start of such a list."""

import json
import re
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from statistics import fmean
from typing import Any

import pytest

from resift.core import extras
from resift.core.extras import install_line
from resift.server.cli.evaluate import settings_for
from resift.settings.load import load_settings
from resift.store.manifest import Tuning, read_manifest, write_manifest
from resift.tests.evaluation.conftest import NOTES, QUESTIONS, write_set
from resift.tests.server.in_process import Run
from resift.tests.standins.chat import Seen, chat_stand_in, query_of


def relevant_last(body: dict[str, Any], seen: Seen) -> bool:
    """Return whether a passage answers the query, by the judgements."""
    grades = next(grades for text, grades in QUESTIONS.values() if text == query_of(body))
    return grades.get(seen.title.lower(), 0) > 0


NO_SERVER = "http://127.0.0.1:9"

QUICK = ("--depth", "8", "--depths", "2,4,8", "--reranker", "maxsim")


@pytest.fixture
def run(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run a command in a folder of its own, without a language model."""
    for name in ("OPENAI_BASE_URL", "OPENAI_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    return run


@pytest.fixture
def notes(tmp_path: Path) -> Path:
    folder = tmp_path / "notes"
    folder.mkdir()
    for name, text in NOTES.items():
        (folder / f"{name}.md").write_text(text)
    return folder


@pytest.mark.slow
def test_judged_folder_is_evaluated_beside_the_users_data(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RESIFT_RERANK__WEIGHT", "0.9")
    monkeypatch.setenv("QDRANT_URL", NO_SERVER)
    folder = write_set(tmp_path / "my bicycles", "dev")
    code, out, err = run("eval", str(folder), "--store", str(tmp_path / "store"), *QUICK)
    assert (code, err) == (0, "")
    assert "6 queries (dev) over 8 documents of collection eval-my-bicycles; reranker maxsim" in out
    for expected in ("nDCG@10", "R@8 before reranking", "+ blend", "too few to decide", "can gain up to"):
        assert expected in out, expected
    assert re.search(r"(Helped|Hurt) most by \+ blend.*which parts wear out\? +│ \d\.\d{3} -> ", out, re.DOTALL)
    written = tmp_path / "eval-my-bicycles"
    names = ["report.html", "report.json", "sweep.png"]
    assert sorted(path.name for path in written.iterdir()) == [".resiftignore", *names]
    assert not (tmp_path / "data").exists()
    code, out, _ = run(
        "eval", str(folder), "--store", str(tmp_path / "store"), "--out", "second", "--queries", "2", *QUICK
    )
    assert code == 0
    assert "2 queries" in out
    assert json.loads((tmp_path / "second" / "report.json").read_text())["queries"] == 2


@pytest.mark.slow
def test_language_model_is_a_system_of_its_own_with_its_cost(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = write_set(tmp_path / "bicycles", "test")
    with chat_stand_in() as server:
        server.rule = relevant_last
        server.phrasings = lambda query: ["oil the chain", "bleed the brakes"]
        monkeypatch.setenv("OPENAI_BASE_URL", server.url)
        monkeypatch.setenv("RESIFT_LLM__MODEL", "small")
        monkeypatch.setenv("RESIFT_LLM__WIDE_MARGIN", "0")
        monkeypatch.setenv("RESIFT_LLM__REPHRASE", "2")
        monkeypatch.setenv("RESIFT_LLM__REPHRASE_S", "60")
        code, out, err = run("eval", str(folder), "--store", str(tmp_path / "store"), *QUICK)
    assert (code, err) == (0, "")
    cost = "+ LLM: 6 language model calls for 6 queries, 600 input tokens, 120 output tokens."
    assert cost in out
    assert cost in (tmp_path / "eval-bicycles" / "report.html").read_text()
    report = json.loads((tmp_path / "eval-bicycles" / "report.json").read_text())
    rows = {row["name"]: row for row in report["systems"]}
    assert rows["+ LLM"]["usage"] == {"calls": 6, "tokens_in": 600, "tokens_out": 120}
    assert rows["+ blend"]["usage"]["calls"] == 0
    first_places = [len(NOTES) - len(grades) + 1 for _, grades in QUESTIONS.values()]
    reciprocal_rank = fmean(1 / place for place in first_places)
    assert rows["+ LLM"]["measures"]["RR@10"] == pytest.approx(reciprocal_rank), "the rule puts what answers last"
    assert re.search(rf"│ \+ LLM +│ +\d\.\d{{4}} │ +{reciprocal_rank:.4f} │", out)
    assert rows["+ rephrase"]["usage"] == {"calls": 6, "tokens_in": 600, "tokens_out": 120}
    assert rows["+ rephrase"]["measures"] != rows["+ blend"]["measures"]
    compared = [(each["system"], each["against"]) for each in report["comparisons"]]
    assert compared[-2:] == [("+ LLM", "hybrid"), ("+ rephrase", "+ blend")]
    assert "Differences from hybrid, without intervals: these need 20 questions" in out
    assert "Differences from + blend, without intervals: these need 20 questions" in out


@pytest.mark.slow
def test_second_search_is_a_row_of_its_own_if_the_settings_ask_for_it(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = write_set(tmp_path / "bicycles", "test")
    monkeypatch.setenv("RESIFT_RERANK__FEEDBACK", "1")
    options = ("--store", str(tmp_path / "store"), "--queries", "1", "--depths", "2")
    code, out, _ = run("eval", str(folder), *options)
    assert code == 0
    assert re.search(r"│ \+ feedback +│ +\d\.\d{4} ", out)
    report = json.loads((tmp_path / "eval-bicycles" / "report.json").read_text())
    last = report["comparisons"][-1]
    assert (last["system"], last["against"]) == ("+ feedback", "+ blend")
    _, out, _ = run("eval", str(folder), *options, "--out", "fixed", "--depth", "8")
    assert "+ blend" in out
    assert "+ feedback" not in out, "searches with a depth search once"


def test_own_questions_go_from_a_file_to_fill_in_to_a_report(run: Run, tmp_path: Path, notes: Path) -> None:
    assert run("ingest", str(notes), "-c", "bike")[0] == 0
    code, out, _ = run("eval", "--make", "mine.jsonl", "-c", "bike", "--queries", "3")
    assert code == 0
    assert "mine.jsonl: 3 passages of bike, 0 questions." in out
    assert "No language model is configured (RESIFT_LLM__MODEL" in out
    path = tmp_path / "mine.jsonl"
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert all(line["query"] == "" and line["text"] and len(line["relevant"]) == 1 for line in lines)

    code, _, err = run("eval", "mine.jsonl", "-c", "bike")
    assert code == 1
    assert "mine.jsonl holds no questions yet" in err
    assert "was not overwritten" in run("eval", "--make", "mine.jsonl", "-c", "bike")[2]

    filled = [json.dumps({**line, "query": " ".join(line["text"].split()[:6])}) for line in lines[:2]]
    path.write_text("\n".join([*filled, json.dumps(lines[2]), '{"query": "who won the cup", "relevant": []}']))
    code, out, _ = run("eval", "mine.jsonl", "-c", "bike", "--depths", "2,50,200", "--reranker", "maxsim")
    assert code == 0
    assert "2 queries over 8 documents of collection bike" in out
    assert "1 line without a question was left out." in out
    assert "1 line without a relevant document was left out." in out
    assert "2 questions are too few to decide" in " ".join(out.split())
    assert "recommended" not in out
    report = json.loads((tmp_path / "eval-mine" / "report.json").read_text())
    assert (report["subject"]["split"], report["unwritten"]) == ("", 1)
    assert [each["depth"] for each in report["sweep"]["depths"]] == [2], "the collection holds 8 documents"
    assert "1 line without a question was left out." in (tmp_path / "eval-mine" / "report.html").read_text()

    code, _, err = run("eval", "mine.jsonl", "-c", "bikes", *QUICK)
    assert code == 1
    assert "Did you mean 'bike'?" in err


def test_configured_model_drafts_the_questions(
    run: Run, tmp_path: Path, notes: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert run("ingest", str(notes))[0] == 0
    with chat_stand_in() as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.url)
        monkeypatch.setenv("RESIFT_LLM__MODEL", "small")
        code, out, err = run("eval", "mine.jsonl", "--make", "--queries", "2")
    assert (code, err) == (0, "")
    assert "mine.jsonl: 2 passages of default, 2 questions." in out
    assert "Check the drafts" in out
    drafts = [json.loads(line) for line in (tmp_path / "mine.jsonl").read_text().splitlines()]
    assert [draft["query"] for draft in drafts] == ["What hums?", "What hums?"]
    assert {asked["messages"][-1]["content"] for asked in server.asked} == {draft["text"] for draft in drafts}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("two", "-c", "bike"), "--collection 'bike' has no effect: the folder two is evaluated on its own documents"),
        (("mine.jsonl", "--store", "s"), "--store is for a folder in BEIR form, but the questions in mine.jsonl"),
        (("mine.jsonl", "--split", "dev"), "--split is for a folder in BEIR form"),
        (("new.jsonl", "--make", "--store", "s"), "--store is for a folder in BEIR form"),
        (("new.jsonl", "--make", "--reranker", "none"), "--reranker has no effect with --make"),
        (("new.jsonl", "--make", "--depths", "abc"), "--depths has no effect with --make"),
        (("new.jsonl", "--make", "--out", "s"), "--out has no effect with --make"),
        (("nothing.jsonl", "--store", "s"), "There is no file or folder nothing.jsonl."),
        (("two", "--split", "dev", "--store", "s", "--out", "mine.jsonl"), "mine.jsonl cannot be written: "),
        (
            ("two", "--split", "dev", "--store", "s", "--out", "mine.jsonl/out"),
            "or choose another output folder (--out",
        ),
        (("mine.jsonl/new.jsonl", "--make"), "mine.jsonl cannot be written: "),
        (("nothing.jsonl",), "no file or folder nothing.jsonl. Check the path, or let the command `resift eval --make"),
        (("two",), "has the splits dev, train, and none is called test. Choose one: `split` in Python, --split"),
        (("two", "--split", "dve"), "Splits in that folder: dev, train."),
        (("two", "--split", "dev", "--depths", "10,0"), "--depths '10,0' is not a list of numbers from 1 to 200"),
        (
            ("two", "--split", "dev", "--reranker", "none", "--store", "s"),
            "Reranking is turned off, so there is nothing to compare. Name a reranker",
        ),
        (("two", "--split", "dev", "--reranker", "maxsum", "--store", "s"), "Did you mean 'maxsim'?"),
    ],
)
def test_request_that_cannot_be_met_says_what_to_do(
    run: Run, tmp_path: Path, arguments: tuple[str, ...], message: str
) -> None:
    write_set(tmp_path / "two", "dev", "train")
    (tmp_path / "mine.jsonl").write_text('{"query": "why?", "relevant": ["a"]}')
    code, _, err = run("eval", *arguments)
    assert code == 1
    assert message in err
    assert "Traceback" not in err
    assert not (tmp_path / "s" / "collections").exists(), "something was ingested"


@pytest.mark.slow
def test_tables_are_shown_even_when_the_reports_cannot_be_written(run: Run, tmp_path: Path) -> None:
    folder = write_set(tmp_path / "bicycles", "test")
    (tmp_path / "out" / "report.html").mkdir(parents=True)
    code, out, err = run("eval", str(folder), "--store", "s", "--out", "out", *QUICK)
    assert code == 1
    assert "+ blend" in out
    assert "Wrote report.html" not in out
    assert "resift: out cannot be written: Is a directory. Make it writable, or choose another output folder" in err


@pytest.mark.slow
def test_tuned_depth_is_evaluated_unless_another_is_asked_for(run: Run, tmp_path: Path, notes: Path) -> None:
    assert run("ingest", str(notes), "-c", "bike")[0] == 0
    path = tmp_path / "data" / "collections" / "bike" / "manifest.json"
    model = "maxsim:all-MiniLM-L6-v2-int8"
    tuning = Tuning({"fused": 0.5, "rerank": 0.5}, 3, calibration=None, questions=20, gain=0.1, created="2026-01-01")
    write_manifest(path, replace(read_manifest(path), tuning={model: tuning}))
    shown = json.loads(run("collections", "bike", "--json")[1])
    assert shown["tuning"][model]["depth"] == 3
    assert json.loads(run("collections", "--json")[1])["tuning"] == {}

    (tmp_path / "lost.jsonl").write_text('{"query": "renew the chain", "relevant": ["notes/gone.md"]}')
    assert "'bike' has no document 'notes/gone.md'" in run("eval", "lost.jsonl", "-c", "bike")[2]
    assert not (tmp_path / "eval-lost").exists()
    found = run("search", "renew the chain", "-c", "bike", "-n", "1", "--json").json["hits"]
    chain = Path(found[0]["document_id"]).relative_to(tmp_path).as_posix()
    (tmp_path / "mine.jsonl").write_text(json.dumps({"query": "renew the chain", "relevant": [chain]}))
    options = ("-c", "bike", "--depths", "2,4", "--reranker", "maxsim")
    assert f"reranker {model}, depth 3." in run("eval", "mine.jsonl", *options)[1]
    assert json.loads((tmp_path / "eval-mine" / "report.json").read_text())["target"]["depth"] == 3
    assert f"reranker {model}, depth 4." in run("eval", "mine.jsonl", *options, "--depth", "4")[1]


def test_missing_extra_is_told_before_anything_is_read(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def find(name: str) -> object:
        return None if name == "matplotlib" else find_spec(name)

    monkeypatch.setattr(extras, "find_spec", find)
    code, _, err = run("eval", "nothing.jsonl")
    assert code == 1
    assert f"matplotlib is not installed. Run `{install_line('eval')}`" in err


def test_folders_are_kept_in_the_cache_and_lists_asked_of_the_users_data(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("RESIFT_DATA_DIR", str(tmp_path / "data"))
    assert settings_for(tmp_path, None).data_dir not in {tmp_path / "data", load_settings().data_dir}
    assert settings_for(tmp_path, tmp_path / "store").data_dir == tmp_path / "store"
    assert settings_for(tmp_path / "mine.jsonl", None).data_dir == tmp_path / "data"


def test_folders_are_indexed_apart_from_the_qdrant_server_that_lists_are_asked_of(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("QDRANT_URL", NO_SERVER)
    assert settings_for(tmp_path, tmp_path / "store").qdrant_url == ""
    assert settings_for(tmp_path / "mine.jsonl", None).qdrant_url == NO_SERVER


def test_endpoint_is_known_by_its_usual_names(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file = tmp_path / "settings.env"
    file.write_text("OPENAI_API_KEY=sesame\nOPENAI_BASE_URL=http://127.0.0.1:1/v1\nRESIFT_LLM__TIMEOUT_S=5\n")
    monkeypatch.setenv("RESIFT_ENV_FILE", str(file))
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:2/v1")
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    settings = load_settings()
    assert settings.openai_base_url == "http://127.0.0.1:2/v1"
    assert settings.openai_api_key.get_secret_value() == "sesame"
    assert "sesame" not in repr(settings)
    assert (settings.llm.model, settings.llm.timeout_s) == ("", 5.0)
