"""The loss of a list: its value by hand, and which way it pulls."""

from math import exp, log
from pathlib import Path
from typing import Any

import pytest

from resift.tests.training.tiny import WINDOW, sentences

torch: Any = pytest.importorskip("torch", reason="the extra [train] is not installed")
pytest.importorskip("sentence_transformers", reason="the extra [train] is not installed")

from resift.training.loss import ANSWER_WEIGHT, FUSED_SCALE, MINI_BATCH, RELEVANCE, ResidualListwiseLoss  # noqa: E402
from resift.training.network import build_network  # noqa: E402

pytestmark = pytest.mark.torch


class Known(torch.nn.Module):
    """Scores passages by the number that they are."""

    device = torch.device("cpu")

    def __init__(self, scores: list[float]) -> None:
        torch.nn.Module.__init__(self)
        self.scores = torch.nn.Parameter(torch.tensor(scores))

    def preprocess(self, pairs: list[tuple[str, str]]) -> dict[str, Any]:
        return {"places": torch.tensor([int(passage) for _, passage in pairs])}

    def forward(self, features: dict[str, Any]) -> dict[str, Any]:
        return {"scores": self.scores[features["places"]][:, None]}


def loss_of(known: Known, *told: list[tuple[float, ...]], answers: bool = False) -> Any:
    """Return the loss of lists of targets, fused scores and answers, over passages "0", "1" and so on."""
    numbers = iter(range(len(known.scores)))
    lists = [[str(next(numbers)) for _ in each] for each in told]
    model: Any = known
    labels = [torch.tensor([(*each, *(-1.0,) * (3 - len(each))) for each in entries]) for entries in told]
    return ResidualListwiseLoss(model, answers=answers)([["?"] * len(told), lists], labels)


def cross_entropy(scores: list[float], targets: list[float]) -> float:
    total = sum(exp(score) for score in scores)
    return -sum(target * log(exp(score) / total) for score, target in zip(scores, targets, strict=True))


def test_value_is_the_mean_cross_entropy_alone_and_beside_retrieval() -> None:
    first, second = [0.5, -1.0, 2.0], [1.0, 0.0]
    fused, other = [0.9, 0.7, 0.1], [0.2, 0.3]
    targets, aims = [0.7, 0.2, 0.1], [1.0, 0.0]
    found = loss_of(
        Known([*first, *second]), list(zip(targets, fused, strict=True)), list(zip(aims, other, strict=True))
    )
    lists = ((first, fused, targets), (second, other, aims))
    expected = [
        cross_entropy(scores, aim)
        + cross_entropy([score + FUSED_SCALE * f for score, f in zip(scores, known, strict=True)], aim)
        for scores, known, aim in lists
    ]
    assert found.item() == pytest.approx(sum(expected) / 2 / len(lists), rel=1e-5)


def test_raising_a_positive_lowers_the_loss_and_raising_a_negative_raises_it() -> None:
    known = Known([0.0, 0.0, 0.0])
    loss_of(known, [(1.0, 0.5), (0.0, 0.5), (0.0, 0.1)]).backward()
    positive, near, far = known.scores.grad.tolist()
    assert positive < 0 < far < near


def test_known_answers_add_the_cross_entropy_of_each_passage() -> None:
    scores, told = [20.0, 16.0, 18.0], [(1.0, 0.5, 1.0), (0.0, 0.5, 0.0), (0.0, 0.1, -1.0)]
    slope, intercept = RELEVANCE
    right, wrong = (1 / (1 + exp(-(slope * score + intercept))) for score in scores[:2])  # the third is not known
    added = loss_of(Known(scores), told, answers=True) - loss_of(Known(scores), told)
    assert added.item() == pytest.approx(-ANSWER_WEIGHT * (log(right) + log(1 - wrong)) / 2, rel=1e-4)


def test_list_that_nothing_answers_lowers_all_its_scores() -> None:
    known = Known([20.0, 16.0])
    nothing = [(0.0, 0.5, 0.0), (0.0, 0.2, 0.0)]
    assert loss_of(known, nothing).item() == 0
    loss_of(known, nothing, answers=True).backward()
    assert min(known.scores.grad.tolist()) > 0


def test_pairs_are_told_apart_after_sorting_by_length(base: Path) -> None:
    network: Any = build_network(base, window=WINDOW)
    texts = sentences(MINI_BATCH + 8, seed=1)
    pairs: list[tuple[object, object]] = [("kettle", text) for text in texts]
    loss: Any = ResidualListwiseLoss(network)
    with torch.no_grad():
        alone = [loss._scores([pair]).item() for pair in pairs]
        assert loss._scores(pairs).tolist() == pytest.approx(alone, abs=1e-3)
