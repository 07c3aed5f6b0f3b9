"""The network in torch: its score is the formula's, padding does not change it, no other model is taken."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from resift.core.errors import InvalidInput, ModelError
from resift.tests.training.tiny import WINDOW, sentences

torch: Any = pytest.importorskip("torch", reason="the extra [train] is not installed")
pytest.importorskip("sentence_transformers", reason="the extra [train] is not installed")

from resift.training.network import BEST_SCALE, MEAN_SCALE, InteractionHead, build_network, load_weights  # noqa: E402

pytestmark = pytest.mark.torch

Doubles = NDArray[np.float64]


@pytest.fixture(scope="module")
def network(base: Path) -> Any:
    """Return a network whose head does not stand at its start."""
    torch.manual_seed(3)
    built: Any = build_network(base, window=WINDOW)
    with torch.no_grad():
        for parameter in built[1].parameters():
            parameter.add_(torch.randn_like(parameter) * 0.5)
    return built


def scores(network: Any, pairs: list[tuple[str, str]], *, batch: int) -> Doubles:
    found = network.predict(pairs, batch_size=batch, activation_fn=torch.nn.Identity(), show_progress_bar=False)
    return found.reshape(-1)


def unit(rows: Doubles) -> Doubles:
    return rows / np.linalg.norm(rows, axis=-1, keepdims=True)


def by_hand(hidden: Doubles, types: NDArray[np.int64], head: dict[str, Doubles]) -> float:
    """Return the score that InteractionHead's docstring tells of, from states [tokens, hidden] of one pair."""
    query, passage = hidden[types == 0], hidden[types == 1]
    logits = query @ head["importance.weight"][0]
    weights = np.exp(logits - logits.max())
    best = (unit(query) @ unit(passage).T).max(axis=1)
    means = unit(query.mean(axis=0)) @ unit(passage.mean(axis=0))
    first, second = head["scales"]
    summary = hidden[0] @ head["summary.weight"][0] + head["summary.bias"][0]
    return float(first * (weights / weights.sum() * best).sum() + second * means + summary)


def test_score_is_the_formulas(network: Any) -> None:
    features = network.preprocess([("how do i clean a kettle", "the kettle boils water ; clean gently")])
    assert features["token_type_ids"].tolist() == [[0] * 8 + [1] * 8]  # [CLS] and 6 words and [SEP]; 7 and [SEP]
    with torch.no_grad():
        score = network(dict(features))["scores"].item()
        hidden = network[0].model(**features).last_hidden_state[0].double().numpy()
    head = {name: value.double().numpy() for name, value in network[1].state_dict().items()}
    assert score == pytest.approx(by_hand(hidden, features["token_type_ids"][0].numpy(), head), abs=1e-3)


def test_padding_does_not_change_a_score(network: Any) -> None:
    pairs = list(zip(sentences(24, seed=1), sentences(24, seed=2), strict=True))
    batched, alone = scores(network, pairs, batch=24), scores(network, pairs, batch=1)
    assert batched == pytest.approx(alone, abs=1e-3)
    assert np.ptp(alone) > 0.1


def test_untrained_head_is_maxsim_and_the_cosine_of_means(base: Path) -> None:
    network: Any = build_network(base, window=WINDOW)
    assert network[1].scales.tolist() == [BEST_SCALE, MEAN_SCALE]
    found, other = scores(network, [("kettle", "kettle"), ("kettle", "ladder bow . moths earth")], batch=1)
    assert BEST_SCALE + MEAN_SCALE > found > other


def test_some_layers_may_be_kept(base: Path) -> None:
    whole: Any = build_network(base, window=WINDOW)
    last = whole[0].model.encoder.layer[1].output.dense.weight
    kept: Any = build_network(base, window=WINDOW, layers=1)
    assert len(kept[0].model.encoder.layer) == kept[0].model.config.num_hidden_layers == 1
    assert kept[0].model.encoder.layer[0].output.dense.weight.equal(last)
    with pytest.raises(InvalidInput, match="--layers 3: the base has 2"):
        build_network(base, window=WINDOW, layers=3)


def test_saved_network_gives_the_same_scores(network: Any, base: Path, tmp_path: Path) -> None:
    pairs = list(zip(sentences(4, seed=3), sentences(4, seed=4), strict=True))
    network.save(str(tmp_path))
    other = build_network(base, window=WINDOW)
    assert scores(other, pairs, batch=1) != pytest.approx(scores(network, pairs, batch=1), abs=1e-3)
    load_weights(other, tmp_path)
    assert scores(other, pairs, batch=1) == pytest.approx(scores(network, pairs, batch=1), abs=1e-5)
    head = InteractionHead.load(str(tmp_path), subfolder="1_InteractionHead")
    assert head.scales.equal(network[1].scales)


def test_folder_without_a_model_is_refused(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "bert"}))
    with pytest.raises(ModelError, match=r"cannot be loaded.*--base"):
        build_network(tmp_path, window=WINDOW)
    assert capfd.readouterr() == ("", "")


def test_missing_pooler_is_not_reported(base: Path, capfd: pytest.CaptureFixture[str]) -> None:
    build_network(base, window=WINDOW)
    assert capfd.readouterr() == ("", "")
