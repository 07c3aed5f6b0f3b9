"""The measures of systems on judged sets, and how each compares with hybrid search query by query."""

import json
import sys
from pathlib import Path

import pytest

from resift.benchmarks.quality import BY_DEFAULT, HYBRID, Answered, gain_table, load_set, main, measure_table
from resift.tests.benchmarks.test_graded import rows
from resift.tests.pipeline.one_sentence import OFFICE, OFFICE_ANSWERED


def answered(*ndcg: float) -> Answered:
    by_key = {str(key): value for key, value in enumerate(ndcg)}
    return Answered({"nDCG@10": by_key, "RR@10": by_key, "R@50": by_key, "R@100": by_key}, read=24.5)


def written(folder: Path) -> Path:
    (folder / "qrels").mkdir(parents=True)
    entries = {
        "corpus.jsonl": [{"_id": key, "text": text} for key, text in OFFICE.items()],
        "queries.jsonl": [{"_id": f"q-{key}", "text": query} for query, key in OFFICE_ANSWERED.items()],
    }
    for name, each in entries.items():
        (folder / name).write_text("".join(f"{json.dumps(entry)}\n" for entry in each), encoding="utf-8")
    judged = "".join(f"q-{key}\t{key}\t1\n" for key in OFFICE_ANSWERED.values())
    (folder / "qrels" / "dev.tsv").write_text(f"query-id\tcorpus-id\tscore\n{judged}", encoding="utf-8")
    return folder


def test_gain_over_hybrid_says_who_is_helped_and_hurt_on_each_set() -> None:
    results = {
        "first": {HYBRID: answered(0.5, 0.5, 0.5), BY_DEFAULT: answered(0.7, 0.5, 0.6)},
        "second": {HYBRID: answered(0.2, 0.4), BY_DEFAULT: answered(0.2, 0.3)},
    }
    found = rows(gain_table(results, BY_DEFAULT))
    assert found["first"][:4] == ["3", "0.5000", "0.6000", "+0.1000"]
    assert found["first"][-3:] == ["2", "0", "24.5"]
    assert found["second"][3] == "-0.0500"
    assert found["mean"] == ["", "0.4000", "0.4250", "+0.0250", "", "2", "1", ""]
    assert len(measure_table(results).rows) == 4


def test_set_may_name_its_split(tmp_path: Path) -> None:
    folder = written(tmp_path / "office")
    assert load_set(f"{folder}:dev", "test", 0).split == "dev"
    assert len(load_set(str(folder), "dev", 3).queries) == 3


@pytest.mark.slow
def test_sets_are_asked_by_hybrid_and_by_the_default_search(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = written(tmp_path / "office")
    places = ["--store", str(tmp_path / "store"), "--scores", str(tmp_path / "scores.db")]
    monkeypatch.setattr(sys, "argv", ["quality", f"{folder}:dev", "--brief", "--queries", "3", *places])
    monkeypatch.setenv("COLUMNS", "150")
    main()
    shown = capsys.readouterr().out
    assert f"nDCG@10 of {BY_DEFAULT} against hybrid" in shown
    assert "hybrid + maxsim" not in shown, "--brief asks no other system"
