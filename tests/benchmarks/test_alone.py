"""Verdicts on passages that have no other beside them: which are asked for, and what is counted."""

import json
import sys
from pathlib import Path
from random import Random

import pytest

from resift.benchmarks.graded.alone import drawn, main, table_of
from resift.evaluation.graded import GradedQuestion
from resift.tests.benchmarks.graded_folder import write_graded


def test_few_passages_of_grade_0_and_all_others_are_asked_for() -> None:
    grades = {**{f"wrong{number}": 0 for number in range(9)}, "near": 1, "part": 2, "best": 3}
    found = drawn(GradedQuestion("q", grades), Random(1))
    assert len(found.pop("grade 0")) == 3
    assert found == {"grade 1": ["near"], "grade 2": ["part"], "grade 3": ["best"]}


def test_shares_are_those_of_one_way() -> None:
    samples = [{"way": "filter", "kind": "grade 3", "verdict": verdict} for verdict in ("good", "good", "weak", "none")]
    table = table_of([*samples, {"way": "rerank", "kind": "grade 3", "verdict": "none"}], "filter")
    assert [next(iter(column.cells)) for column in table.columns] == ["grade 3", "4", "0.50", "0.25", "0.25"]


@pytest.mark.slow
def test_lone_passages_of_graded_lists_are_filtered_and_reranked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    written = tmp_path / "samples.json"
    places = ["--store", str(tmp_path / "store"), "--scores", str(tmp_path / "scores"), "--json", str(written)]
    monkeypatch.setattr(sys, "argv", ["alone", str(write_graded(tmp_path)), *places])
    main()
    shown = capsys.readouterr().out
    assert "Alone, by filter" in shown
    assert "Alone, by rerank" in shown
    samples = json.loads(written.read_text(encoding="utf-8"))
    assert {each["kind"] for each in samples} == {"grade 3", "grade 0", "of another pool"}
    right = [each["verdict"] for each in samples if each["kind"] == "grade 3"]
    assert right.count("none") < len(right) / 4
