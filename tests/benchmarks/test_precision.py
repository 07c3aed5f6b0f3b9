"""An 8-bit reranker is compared with fp32 weights on graded lists."""

import sys
from pathlib import Path

import pytest

from resift.tests.benchmarks.graded_folder import write_graded

pytestmark = [pytest.mark.slow, pytest.mark.torch]
pytest.importorskip("sentence_transformers", reason="the extra [train] is not installed")

from resift.benchmarks.graded.precision import main  # noqa: E402
from resift.benchmarks.rerank import processor  # noqa: E402
from resift.models.bundled import RERANKER_FOLDER  # noqa: E402
from resift.training.graph.dequantize import unpack  # noqa: E402


def test_weights_unpacked_from_8_bits_order_lists_as_the_reranker_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    weights = unpack(RERANKER_FOLDER, tmp_path / "weights")
    places = [str(write_graded(tmp_path)), "--fp32", str(weights), "--questions", "3"]
    monkeypatch.setattr(sys, "argv", ["precision", *places])
    monkeypatch.setenv("COLUMNS", "200")
    main()
    shown = capsys.readouterr().out
    assert processor() in " ".join(shown.split()), "the processor decides, and is named"
    pool, lists, tau, *measures = (each.strip() for each in shown.splitlines()[-2].strip("│").split("│"))
    assert (pool, lists) == ("all", "6")
    assert 0.6 < float(tau) <= 1.0
    assert measures[4] == measures[5] == "1.0000", "both put the only answer first"
