"""Verdict models are fitted to graded lists and written where the reranker reads them."""

import json
import shutil
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from resift.benchmarks.verdicts import main
from resift.models.bundled import RERANKER_FOLDER
from resift.models.pair.loading import find_cross_encoder
from resift.tests.pipeline.one_sentence import (
    HOUSE,
    HOUSE_ANSWERED,
    HOUSE_UNANSWERED,
    OFFICE,
    OFFICE_ANSWERED,
    OFFICE_UNANSWERED,
)

pytestmark = pytest.mark.slow


def lists(pool: str, texts: Mapping[str, str], answered: Mapping[str, str], unanswered: Sequence[str]) -> list[Any]:
    return [
        {
            "q": question,
            "pool": pool,
            "passages": list(texts),
            "grades": [3 if key == answered.get(question) else 0 for key in texts],
        }
        for question in (*answered, *unanswered)
    ]


@pytest.fixture
def graded(tmp_path: Path) -> Path:
    rows = {
        "lists.jsonl": [
            *lists("office", OFFICE, OFFICE_ANSWERED, OFFICE_UNANSWERED),
            *lists("house", HOUSE, HOUSE_ANSWERED, HOUSE_UNANSWERED),
        ],
        "corpus.jsonl": [{"_id": key, "text": text} for key, text in (OFFICE | HOUSE).items()],
    }
    for name, entries in rows.items():
        (tmp_path / name).write_text("".join(f"{json.dumps(entry)}\n" for entry in entries), encoding="utf-8")
    return tmp_path


def test_graded_lists_become_verdict_models_of_the_reranker(
    graded: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
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
