"""The mean of rerankers: its weights, its members, and which have none."""

import shutil
from pathlib import Path
from typing import Any

import pytest

from resift.core.errors import InvalidInput
from resift.models.bundled import RERANKER_FOLDER
from resift.tests.training.tiny import WINDOW

torch: Any = pytest.importorskip("torch", reason="the extra [train] is not installed")
pytest.importorskip("sentence_transformers", reason="the extra [train] is not installed")

from resift.training.averaging import average, find_weights, parse_average  # noqa: E402
from resift.training.network import build_network, freeze, load_weights  # noqa: E402

pytestmark = pytest.mark.torch


def weights_of(network: Any) -> dict[str, Any]:
    """Return the weights that a reranker uses, by name."""
    return {name: tensor.clone() for name, tensor in network.state_dict().items() if ".pooler." not in name}


@pytest.fixture(scope="module")
def checkpoints(base: Path, tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Return checkpoints of the tiny model after two different trainings, as the trainer saves them."""
    folders: list[Path] = []
    for seed in (1, 2):
        torch.manual_seed(seed)
        network: Any = build_network(base, window=WINDOW)
        with torch.no_grad():
            for parameter in network.parameters():
                if parameter.requires_grad:
                    parameter.add_(torch.randn_like(parameter) * 0.1)
        folder = tmp_path_factory.mktemp("run") / f"run-{seed}" / "work" / "checkpoints" / "checkpoint-40"
        network.save_pretrained(str(folder))
        folders.append(folder)
    return folders


def test_weights_are_the_weighted_mean(base: Path, checkpoints: list[Path], tmp_path: Path) -> None:
    members: list[dict[str, Any]] = []
    for checkpoint in checkpoints:
        network: Any = build_network(base, window=WINDOW)
        load_weights(network, checkpoint)
        members.append(weights_of(network))
    out = average(dict(zip(checkpoints, (0.25, 0.75), strict=True)), tmp_path / "mean")
    mean = weights_of(build_network(out, window=WINDOW))
    assert mean.keys() == members[0].keys()
    for name, tensor in mean.items():
        expected = 0.25 * members[0][name] + 0.75 * members[1][name]
        assert torch.allclose(tensor, expected, atol=1e-6), name
    assert not torch.allclose(members[0]["1.scales"], members[1]["1.scales"])


def test_best_checkpoint_stands_for_a_run(checkpoints: list[Path], tmp_path: Path) -> None:
    run = shutil.copytree(checkpoints[0].parents[2], tmp_path / "run")
    with pytest.raises(InvalidInput, match="holds no weights"):
        find_weights(run)  # still in training
    (run / "work" / "checkpoints" / "best.txt").write_text("checkpoint-40")
    assert find_weights(run) == run / "work" / "checkpoints" / "checkpoint-40"
    assert find_weights(checkpoints[0]) == checkpoints[0]
    assert find_weights(RERANKER_FOLDER) == RERANKER_FOLDER


def test_reranker_of_another_base_or_shape_is_refused(base: Path, checkpoints: list[Path], tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="have different layers"):
        average({checkpoints[0]: 0.5, RERANKER_FOLDER: 0.5}, tmp_path / "mean")
    other: Any = build_network(base, window=WINDOW)
    with torch.no_grad():
        other[0].model.embeddings.word_embeddings.weight.mul_(1.5)
    other.save_pretrained(str(tmp_path / "other"))
    with pytest.raises(InvalidInput, match="did not start from the same base: their word vectors differ by 50%"):
        average({checkpoints[0]: 0.5, tmp_path / "other": 0.5}, tmp_path / "mean")


def test_shares_sum_to_one_and_bundled_is_a_member() -> None:
    assert parse_average(["a=1", "b", "bundled=2"]) == {Path("a"): 0.25, Path("b"): 0.25, RERANKER_FOLDER: 0.5}
    assert parse_average([]) == {}
    with pytest.raises(InvalidInput, match="--average a is given twice"):
        parse_average(["a", "a=2"])
    with pytest.raises(InvalidInput, match="--average 'a=0': the weight must be greater than 0"):
        parse_average(["a=0"])


def test_frozen_layers_stay_and_the_others_learn(base: Path) -> None:
    network: Any = build_network(base, window=WINDOW)
    freeze(network, 1)
    learned = {name for name, parameter in network.named_parameters() if parameter.requires_grad}
    assert learned
    assert not any("embeddings" in name or "layer.0." in name for name in learned)
    assert any("layer.1." in name for name in learned)
    assert "1.scales" in learned
