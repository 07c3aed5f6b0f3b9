"""`resift train` on graded lists with pools held out in turn, and `resift train --average`."""

import json
from pathlib import Path
from typing import Any

import pytest

from resift.models.pair.loading import find_cross_encoder
from resift.tests.server.in_process import Run
from resift.tests.training.tiny import WINDOW, write_base, write_graded, write_set

pytestmark = [pytest.mark.slow, pytest.mark.torch]

LEARNING = ("--base", "tiny-bert", "--unlabelled", "4", "--steps", "4", "--every", "2", "--batch", "3", "--freeze", "1")

ANSWERED = {"outdoors": 4, "home": 6}  # questions of a pool


def plan_of(folder: Path) -> dict[str, Any]:
    return json.loads((folder / "work" / "plan.json").read_text())


def test_pools_are_held_out_in_turn_and_the_runs_are_averaged(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    torch: Any = pytest.importorskip("torch", reason="the extra [train] is not installed")
    torch.set_num_threads(1)
    monkeypatch.chdir(tmp_path)
    write_base(tmp_path / "tiny-bert")
    write_graded(tmp_path / "graded")
    write_set(tmp_path / "things")
    window = ("--window", str(WINDOW))

    for name, held_out, learned_from in (("a", "outdoors", "home"), ("b", "home", "outdoors")):
        data = ("--data", "graded=3", "--data", "things", "--dev", f"graded:{held_out}")
        code, out, err = run("train", *data, *LEARNING, *window, "--out", name)
        assert code == 0, err
        assert f"{ANSWERED[held_out]} development questions" in out
        assert list(plan_of(tmp_path / name)["data"]) == [f"graded:{learned_from}", "things"]
        card = (tmp_path / name / "README.md").read_text()
        assert f"when to stop: graded:{held_out}." in card
        assert f"| graded:{learned_from} | 3 |" in card
        assert "graded: graded by a person who read them." in card
        assert "--freeze 1" in card
        assert "--batch 3" in card
        assert (tmp_path / name / "work" / "checkpoints" / "checkpoint-4" / "relevance.json").is_file()

    averaging = ("--average", "a", "--average", "b=2", "--dev", "graded", *window, "--out", "mean")
    code, out, err = run("train", *averaging)
    assert code == 0, err
    assert "10 development questions" in out
    card = (tmp_path / "mean" / "README.md").read_text()
    assert "| base | mean of 2 rerankers, 2 layers |" in card
    assert "| b | 0.667 | graded:outdoors=3, things=1 | graded:home |" in card
    assert len(find_cross_encoder(str(tmp_path / "mean")).open().score("kettle care", ["kettle", "loom"])) == 2
    assert run("train", *averaging).out.startswith(f"{tmp_path / 'mean'} is finished")
    code, _, err = run("train", *averaging[2:])
    assert code == 1
    assert "was started with other data or options (average)" in err
    code, _, err = run("train", "--average", "tiny-bert", "--dev", "things", *window, "--out", "other")
    assert code == 1
    assert "tiny-bert holds no weights" in err.replace("\n", "")
