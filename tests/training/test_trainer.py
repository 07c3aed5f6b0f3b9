"""Which checkpoint a killed run goes on from, and what the development set measures."""

from pathlib import Path
from typing import Any

import pytest

from resift.tests.training.tiny import WINDOW
from resift.training.mined import Candidate, MinedQuestion

pytest.importorskip("torch", reason="the extra [train] is not installed")
pytest.importorskip("sentence_transformers", reason="the extra [train] is not installed")

from resift.training.development import DEPTH, DevelopmentSet, score_all
from resift.training.network import build_network
from resift.training.trainer import last_checkpoint

pytestmark = pytest.mark.torch


def write_checkpoint(folder: Path, step: int, state: str | None) -> Path:
    checkpoint = folder / f"checkpoint-{step}"
    checkpoint.mkdir(parents=True)
    (checkpoint / "model.safetensors").touch()
    if state is not None:
        (checkpoint / "trainer_state.json").write_text(state)
    return checkpoint


def test_checkpoint_that_a_kill_cut_off_is_passed_over(tmp_path: Path) -> None:
    assert last_checkpoint(tmp_path / "none") is None
    write_checkpoint(tmp_path, 800, "{}")
    whole = write_checkpoint(tmp_path, 1000, '{"global_step": 1000}')
    halves = [write_checkpoint(tmp_path, 1200, '{"global_st'), write_checkpoint(tmp_path, 1400, None)]
    assert last_checkpoint(tmp_path) == whole
    assert not any(half.exists() for half in halves)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["checkpoint-1000", "checkpoint-800"]


def test_development_set_measures_network_retrieval_and_both(base: Path) -> None:
    texts = ["ladder care", "kettle care", *["glacier history"] * (DEPTH - 2)]
    grades = [0, 1, *[-1] * (DEPTH - 2)]
    fused = [1 - place / 100 for place in range(DEPTH)]
    asked = MinedQuestion("kettle care", [Candidate(*each) for each in zip(texts, fused, grades, strict=True)])
    too_deep = MinedQuestion("kettle", [*asked.candidates[:1] * DEPTH, Candidate("kettle", 0.0, 1)])
    network: Any = build_network(base, window=WINDOW)
    found = DevelopmentSet([asked, too_deep])(network)  # the latter cannot be answered from the first candidates
    assert found["retrieval_ndcg@10"] == pytest.approx(0.6309, abs=1e-4)
    assert found["alone_ndcg@10"] == 1
    assert found["ndcg@10"] == 1
    scores = score_all(network, [asked, too_deep])
    assert [len(each) for each in scores] == [DEPTH, DEPTH]
    assert scores[0].argmax() == 1
