"""From the network to the files that Resift runs, and back to weights to train on."""

import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from resift.core.errors import InvalidInput, ModelError
from resift.models.pair.loading import find_cross_encoder
from resift.models.pair.spec import verify_reranker
from resift.models.session import Session, open_session
from resift.tests.models.rerankers import write_own
from resift.tests.training.tiny import WINDOW, sentences, write_set
from resift.training.card import ModelCard, VariantQuality
from resift.training.mined import Candidate, MinedQuestion
from resift.training.origin import TrainingSet
from resift.training.sets import LabelledSet

torch: Any = pytest.importorskip("torch", reason="the extra [train] is not installed")
pytest.importorskip("sentence_transformers", reason="the extra [train] is not installed")

from resift.training.comparison import mean_tau  # noqa: E402
from resift.training.development import score_all  # noqa: E402
from resift.training.export import EXACT, SHIPPED, Exported, check_variants, export, network_parts  # noqa: E402
from resift.training.graph.bert import build_reranker, linear_layers  # noqa: E402
from resift.training.graph.dequantize import unpack  # noqa: E402
from resift.training.graph.linear import EVERY_LAYER, Exact, Int8  # noqa: E402
from resift.training.network import build_network  # noqa: E402
from resift.training.planning import Recipe, TrainingPlan, check_plan  # noqa: E402
from resift.training.reranker import describe_run, write_description  # noqa: E402

pytestmark = pytest.mark.torch

GOOD = VariantQuality(tau=0.98, ndcg=0.7, size_bytes=1, milliseconds=1.0)


def asked(count: int) -> list[MinedQuestion]:
    """Return questions of ten random passages, the best of which repeats the question."""
    questions: list[MinedQuestion] = []
    for seed, query in enumerate(sentences(count, seed=0), start=1):
        texts = [f"{query} .", *sentences(9, seed=seed)]
        fused = [1 - place / 10 for place in range(10)]
        grades = [1, *[0] * 9]
        questions.append(MinedQuestion(query, [Candidate(*each) for each in zip(texts, fused, grades, strict=True)]))
    return questions


QUESTIONS = asked(12)

Trained = tuple[TrainingPlan, Exported, ModelCard]


@pytest.fixture(scope="module")
def network(base: Path) -> Any:
    torch.manual_seed(5)
    built: Any = build_network(base, window=WINDOW)
    with torch.no_grad():
        built[1].importance.weight.normal_(std=0.3)
        built[1].summary.weight.normal_(std=0.1)
        built[1].summary.bias.fill_(0.7)
    return built


@pytest.fixture(scope="module")
def trained(network: Any, base: Path, tmp_path_factory: pytest.TempPathFactory) -> Trained:
    """Export the network as `resift train` would; return what came of it."""
    root = tmp_path_factory.mktemp("trained")
    data = write_set(root / "things")
    recipe = Recipe(steps=90, learning_rate=2e-5, window=48)
    plan = TrainingPlan(
        data={LabelledSet(data): 2.0},
        out=root / "my-reranker",
        base=str(base),
        window=WINDOW,
        distilled=0.1,
        recipe=recipe,
    )
    exported = export(network, QUESTIONS, plan.out)
    sets = [TrainingSet(LabelledSet(data), 2.0, questions=18, grades={})]
    return plan, exported, write_description(plan, describe_run(plan, sets, step=50), QUESTIONS, exported)


def run(session: Session, network: Any) -> np.ndarray:
    """Return an ONNX model's score of every pair."""
    found: list[np.ndarray] = []
    for question in QUESTIONS:
        for candidate in question.candidates:
            features = network.preprocess([(question.query, candidate.text)])
            feed = {name: features[name].numpy() for name in ("input_ids", "token_type_ids")}
            found.append(session.run(["score"], feed)[0])
    return np.concatenate(found)


def exact_scores(network: Any) -> np.ndarray:
    """Return torch's score of every pair, in 32 bits."""
    pairs = [(question.query, each.text) for question in QUESTIONS for each in question.candidates]
    found = network.predict(pairs, batch_size=1, activation_fn=torch.nn.Identity(), show_progress_bar=False)
    return found.reshape(-1)


def test_fp32_graph_scores_as_torch_and_int8_nearly_so(network: Any) -> None:
    weights, head, shape = network_parts(network)
    expected = exact_scores(network)
    exact = build_reranker(weights, head, shape, Exact()).SerializeToString()
    assert run(open_session(exact), network) == pytest.approx(expected, abs=1e-4)
    small = build_reranker(weights, head, shape, Int8({}, EVERY_LAYER)).SerializeToString()
    assert np.abs(run(open_session(small), network) - expected).max() < 0.1 * np.ptp(expected)
    assert len(linear_layers(weights, shape)) == 8


def test_export_scores_alike_with_the_kernels_of_all_processors(network: Any, trained: Trained) -> None:
    plan, *_ = trained
    assert verify_reranker(plan.out).fits_int16
    exact, fast = (run(open_session(plan.out / "model.onnx", fits_int16=fits), network) for fits in (False, True))
    assert (exact == fast).all()


def test_export_is_what_the_loader_expects(network: Any, trained: Trained) -> None:
    plan, exported, card = trained
    spec = verify_reranker(plan.out)
    assert (spec.name, spec.window, spec.query_tokens) == ("my-reranker", WINDOW, WINDOW // 2)
    model = find_cross_encoder(str(plan.out))
    scorer = model.open()
    for question, expected in zip(QUESTIONS, exported.scores, strict=True):
        found = scorer.score(question.query, [each.text for each in question.candidates])
        assert [score.value for score in found] == pytest.approx(expected.tolist(), abs=1e-4)
    assert model.calibration == card.calibration
    assert exported.variants[EXACT].tau == 1
    assert exported.variants[SHIPPED].size_bytes < exported.variants[EXACT].size_bytes / 2
    in_torch = score_all(network, QUESTIONS)
    assert mean_tau(in_torch, exported.scores) > 0.9


def test_card_tells_what_was_measured(trained: Trained) -> None:
    plan, exported, card = trained
    text = (plan.out / "README.md").read_text(encoding="utf-8")
    assert text == card.text()
    assert "# my-reranker\n" in text
    assert "tiny-bert, 2 layers" in text
    assert "600 lists of 8 passages" in text
    assert "mixed with 20%\n" in text
    assert f"| window | {WINDOW} tokens; trained on the first 48 tokens of a pair |" in text
    assert "They chose step 50 of a run" in text
    for option in ("--train-window 48", "--distil 0.1", "--rate 2e-05", "--steps 90"):
        assert option in text
    assert "| things | 2 | 18 | not stated |" in text
    assert f"| **{SHIPPED}** | {exported.variants[SHIPPED].tau:.3f} |" in text
    assert f"| hybrid | {card.quality['hybrid']:.4f} |" in text
    assert "{" not in text


def test_licence_of_a_set_is_taken_from_its_source(tmp_path: Path) -> None:
    (tmp_path / "SOURCE.md").write_text("# Set\n\n- Licence: CC BY 4.0\n- Origin: here\n")
    assert (
        TrainingSet(LabelledSet(tmp_path), 1.0, questions=5, grades={}).row()
        == f"| {tmp_path.name} | 1 | 5 | CC BY 4.0 |"
    )


def test_unpacked_reranker_scores_as_before(network: Any, trained: Trained, tmp_path: Path) -> None:
    plan, _, _ = trained
    again: Any = build_network(unpack(plan.out, tmp_path / "base"), window=WINDOW)
    packed = run(open_session(plan.out / "model.onnx"), network)
    unpacked = exact_scores(again)
    assert np.abs(unpacked - packed).max() < 0.05 * np.ptp(packed)
    config = again[0].model.config
    assert (config.num_attention_heads, config.num_hidden_layers) == (2, 2)
    assert config.layer_norm_eps == pytest.approx(1e-12)


def test_foreign_model_is_not_unpacked(trained: Trained, tmp_path: Path) -> None:
    foreign = write_own(tmp_path / "foreign")
    with pytest.raises(ModelError, match="has no 'words'; only rerankers made by `resift train` can be a base"):
        unpack(foreign, tmp_path / "base")
    damaged = shutil.copytree(trained[0].out, tmp_path / "damaged")
    (damaged / "model.onnx").write_bytes(b"no model")
    with pytest.raises(ModelError, match="cannot be read"):
        unpack(damaged, tmp_path / "base")
    assert not (tmp_path / "base").exists()


def test_base_of_our_own_form_is_checked_before_anything_is_mined(trained: Trained, tmp_path: Path) -> None:
    again = replace(trained[0], base=str(trained[0].out), out=tmp_path / "out")
    check_plan(again)
    with pytest.raises(InvalidInput, match=r"--layers 8 is more than --base .* has: 2"):
        check_plan(replace(again, layers=8))
    with pytest.raises(InvalidInput, match=f"--window {WINDOW + 1} is more than --base .* has: {WINDOW}"):
        check_plan(replace(again, window=WINDOW + 1))
    with pytest.raises(ModelError, match="can be a base"):
        check_plan(replace(again, base=str(write_own(tmp_path / "foreign"))))
    damaged = shutil.copytree(trained[0].out, tmp_path / "damaged")
    (damaged / "model.onnx").write_bytes(b"no model")
    with pytest.raises(ModelError, match=r"model\.onnx .* is damaged"):
        check_plan(replace(again, base=str(damaged)))


def test_card_calls_a_base_of_our_own_form_by_its_name(trained: Trained, tmp_path: Path) -> None:
    plan, exported, _ = trained
    base = shutil.copytree(plan.out, tmp_path / "reranker")
    out = shutil.copytree(plan.out, tmp_path / "further")
    again = replace(plan, base=str(base), out=out)
    card = write_description(again, describe_run(again, [], step=1), QUESTIONS, exported)
    assert "| base | my-reranker, 2 layers |" in card.text()


@pytest.mark.parametrize(
    ("shipped", "questions", "accepted"),
    [
        (GOOD, 100, True),
        (replace(GOOD, tau=0.92), 100, False),
        (replace(GOOD, ndcg=0.695), 100, True),
        (replace(GOOD, ndcg=0.685), 100, False),
        (replace(GOOD, ndcg=0.685), 10, True),
    ],
)
def test_int8_that_ranks_otherwise_is_refused(shipped: VariantQuality, questions: int, accepted: bool) -> None:
    variants = {EXACT: replace(GOOD, tau=1.0), SHIPPED: shipped}
    if accepted:
        check_variants(variants, questions=questions)
    else:
        with pytest.raises(ModelError, match=r"In int8 .*nDCG@10 0\.\d+ instead of 0\.7000"):
            check_variants(variants, questions=questions)


@pytest.mark.parametrize(
    ("one", "other", "tau"),
    [
        ([1, 2, 3, 4], [1, 2, 3, 4], 1.0),
        ([1, 2, 3, 4], [4, 3, 2, 1], -1.0),
        ([1, 2, 3], [1, 3, 2], 1 / 3),
        ([1, 2, 2], [1, 2, 3], 2 / 6**0.5),
        ([1, 1], [2, 2], 1.0),
        ([1, 1], [1, 2], 0.0),
    ],
)
def test_kendalls_tau_is_tau_b(one: Sequence[float], other: Sequence[float], tau: float) -> None:
    assert mean_tau([np.array(one, np.float32)], [np.array(other, np.float32)]) == pytest.approx(tau)


def test_reranker_that_learnt_nothing_is_refused(trained: Trained, tmp_path: Path) -> None:
    plan, exported, _ = trained
    out = shutil.copytree(plan.out, tmp_path / "out")
    (out / "reranker.json").unlink()
    # What scores high is wrong, what scores low is right.
    unanswered = MinedQuestion("a?", [Candidate("a", 0.9, 0), Candidate("b", 0.8, 0)])
    answered = MinedQuestion("b?", [Candidate("a", 0.9, 1), Candidate("b", 0.8, 0)])
    useless = replace(exported, scores=[np.array([10, 9], np.float32), np.array([1, 0.9], np.float32)])
    with pytest.raises(ModelError, match="Training had no effect"):
        write_description(replace(plan, out=out), describe_run(plan, [], step=1), [unanswered, answered], useless)
    assert not (out / "reranker.json").exists()
