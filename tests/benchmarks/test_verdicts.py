"""Verdict models are fitted to graded lists and written where the reranker reads them."""

import json
import shutil
import sys
from math import log
from pathlib import Path

import numpy as np
import pytest

from resift.benchmarks.verdicts import area, by_length, by_pool, first_hits, main, present_table, reliability_table
from resift.core.values import Logistic
from resift.core.verdict import VerdictModel
from resift.evaluation.tuning.verdict_samples import Origin, Outcome, VerdictSample
from resift.models.bundled import RERANKER_FOLDER
from resift.models.pair.loading import find_cross_encoder
from resift.tests.benchmarks.graded_folder import write_graded
from resift.tests.benchmarks.test_graded import rows


def sample(score: float, outcome: Outcome, *, pool: str = "docs", origin: Origin = "asked") -> VerdictSample:
    return VerdictSample(pool, outcome, evidence={"score": score, "words": log(80)}, origin=origin)


def graded(**moved: float) -> list[VerdictSample]:
    """Return samples of pools whose first hits are right above a score of 4, with all scores of a pool moved."""
    return [
        sample(score + more, "right" if score > 4 else "wrong", pool=pool)
        for pool, more in moved.items()
        for score in range(9)
    ]


def test_relevance_is_fitted_to_first_hits_as_if_every_fourth_question_had_no_answer() -> None:
    samples = [
        *(sample(float(score), "right") for score in range(5, 11)),
        sample(3.0, "wrong"),
        sample(1.0, "unanswered"),
        *(sample(score / 10, "unanswered", origin="answers removed") for score in range(10)),
        sample(0.0, "unanswered", pool="docs", origin="another pool"),
    ]
    scores, relevant = first_hits(samples, by_pool)["docs"]
    assert len(scores) == 9, "seven answered questions, one without an answer, and one whose answers were removed"
    assert relevant.tolist() == [1.0] * 6 + [0.0] * 3
    assert by_length(samples[0]) == "60-120 words"


def test_reliability_is_shown_for_groups_that_were_held_out() -> None:
    found = rows(reliability_table(first_hits(graded(docs=0.0, code=2.0), by_pool), Logistic(1.0, 0.0)))
    assert [each.split(" / ")[1] for each in found["0.8-1.0"]] == ["0.67 (6)", "1.00 (2)"], (
        "fitted to docs, it trusts code too much, and the other way round too little"
    )


def test_loss_of_what_is_fitted_stands_beside_that_of_what_is_in_use() -> None:
    alike = [*graded(docs=0.0, code=0.0), sample(6.0, "wrong"), sample(6.0, "wrong", pool="code")]
    found = rows(reliability_table(first_hits(alike, by_pool), Logistic(1.0, 0.0)))
    assert all(float(one) < float(other) for one, other in zip(found["loss"], found["loss as it is"], strict=True))


def test_verdicts_as_they_are_come_from_the_first_model_whose_evidence_is_known() -> None:
    models = [
        VerdictModel({"cosine": 9.0}, -5.0, good=0.5, weak=0.1),
        VerdictModel({"score": 1.0}, -4.0, good=0.7, weak=0.1),
    ]
    samples = [sample(5.0, "right"), sample(4.0, "right"), sample(0.0, "right"), sample(5.0, "wrong", pool="code")]
    assert rows(present_table(samples, models)) == {
        "code": ["-", "1.00 / 0.00 (1)", "-", "-", "-"],
        "docs": ["0.33 / 0.33 (3)", "-", "-", "-", "-"],
        "all": ["0.33 / 0.33 (3)", "1.00 / 0.00 (1)", "-", "-", "-"],
    }


def test_area_is_the_share_of_pairs_in_order() -> None:
    assert area(np.array([1.0, 0.5]), np.array([0.5, 0.0])) == 0.875
    assert area(np.array([]), np.array([0.5])) is None


@pytest.mark.slow
def test_graded_lists_become_verdict_models_of_the_reranker(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = write_graded(tmp_path)
    reranker = shutil.copytree(RERANKER_FOLDER, tmp_path / "reranker")
    before = (reranker / "reranker.json").read_text(encoding="utf-8")
    places = ["--reranker", str(reranker), "--store", str(tmp_path / "store"), "--samples", str(tmp_path / "s.json")]
    monkeypatch.setattr(sys, "argv", ["verdicts", str(folder), *places])
    main()
    shown = capsys.readouterr().out
    assert "Verdicts on pools held out" in shown
    assert "Verdicts as they are" in shown
    assert (reranker / "reranker.json").read_text(encoding="utf-8") == before, "it writes only if it is told to"
    samples = json.loads((tmp_path / "s.json").read_text(encoding="utf-8"))
    kinds = {(each["outcome"], each["origin"]) for each in samples}
    assert {("right", "asked"), ("unanswered", "asked"), ("unanswered", "answers removed")} <= kinds
    assert sum(each["origin"] == "another pool" for each in samples) == 24
    monkeypatch.setattr(sys, "argv", ["verdicts", str(folder), *places, "--write"])
    main()
    written, bundled = find_cross_encoder(str(reranker)), find_cross_encoder(str(RERANKER_FOLDER))
    models = written.verdicts
    assert [set(each.weights) <= {"score", "lead", "cosine"} for each in models] == [True, True]
    assert models != bundled.verdicts
    assert written.calibration != bundled.calibration
    assert "Relevance of first hits" in capsys.readouterr().out
    monkeypatch.setattr(sys, "argv", ["verdicts", str(folder), *places, "--pools", "elsewhere"])
    with pytest.raises(SystemExit):
        main()
    assert "s.json has no elsewhere" in capsys.readouterr().err
