"""Verdict models are fitted to graded lists and written where the reranker reads them."""

import json
import shutil
import sys
from pathlib import Path

import pytest

from resift.benchmarks.verdicts import main
from resift.models.bundled import RERANKER_FOLDER
from resift.models.pair.loading import find_cross_encoder
from resift.tests.benchmarks.graded_folder import write_graded

pytestmark = pytest.mark.slow


def test_graded_lists_become_verdict_models_of_the_reranker(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    graded = write_graded(tmp_path)
    reranker = shutil.copytree(RERANKER_FOLDER, tmp_path / "reranker")
    before = (reranker / "reranker.json").read_text(encoding="utf-8")
    places = ["--reranker", str(reranker), "--store", str(tmp_path / "store"), "--samples", str(tmp_path / "s.json")]
    monkeypatch.setattr(sys, "argv", ["verdicts", str(graded), *places])
    main()
    shown = capsys.readouterr().out
    assert "Verdicts on pools held out" in shown
    assert (reranker / "reranker.json").read_text(encoding="utf-8") == before, "it writes only if it is told to"
    samples = json.loads((tmp_path / "s.json").read_text(encoding="utf-8"))
    kinds = {(each["outcome"], each["origin"]) for each in samples}
    assert {("right", "asked"), ("unanswered", "asked"), ("unanswered", "answers removed")} <= kinds
    assert sum(each["origin"] == "another pool" for each in samples) == 24
    monkeypatch.setattr(sys, "argv", ["verdicts", str(graded), *places, "--write"])
    main()
    models = find_cross_encoder(str(reranker)).verdicts
    assert [set(each.weights) <= {"score", "lead", "cosine"} for each in models] == [True, True]
    assert models != find_cross_encoder(str(RERANKER_FOLDER)).verdicts
