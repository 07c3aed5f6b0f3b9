"""Which options of `resift tune` and `resift train` go together, and what `--dry-run` leaves as it is."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import anyio
import pytest

from resift.core.errors import InvalidInput
from resift.core.values import Logistic
from resift.evaluation.measures import Difference
from resift.evaluation.tuning.ranking_fit import CalibrationFit, RankingFit, RankingSettings
from resift.evaluation.tuning.tuner import Tuner
from resift.factories.engine import build_engine
from resift.server.cli.tune import STORED, save_gain
from resift.settings.load import load_settings
from resift.store.manifest import MANIFEST, Tuning, read_manifest
from resift.tests.server.in_process import Run

TUNING = Tuning({"fused": 0.5, "rerank": 0.5}, 9, calibration=None, questions=20, gain=0.1, created="2026-01-01")


@pytest.fixture
def manifest(tmp_path: Path, run: Run) -> Path:
    """Return the manifest of an empty collection "notes" with a tuning."""

    async def create() -> None:
        engine = build_engine(load_settings())
        made = await engine.services.ingestor.embedder.sized(engine.services.pipeline.manifest)
        await engine.services.store.open("notes", create=replace(made, tuning={"maxsim": TUNING}))
        await engine.close()

    anyio.run(create)
    return tmp_path / "data" / "collections" / "notes" / MANIFEST


def test_dry_run_of_a_reset_removes_nothing(run: Run, manifest: Path) -> None:
    reset = ("tune", "--reset", "-c", "notes")
    code, out, _ = run(*reset, "--dry-run")
    assert code == 0
    assert out.splitlines() == [
        "notes: has a tuning for maxsim, to be removed.",
        "Nothing was written: this was a dry run.",
    ]
    assert read_manifest(manifest).tuning == {"maxsim": TUNING}
    assert run(*reset).out == "notes: removed the tuning for maxsim.\n"
    assert run(*reset).out == "notes: nothing was tuned.\n"


def test_command_that_removes_a_tuning_names_its_collection() -> None:
    assert STORED.format("docs").endswith("To remove it, run: resift tune --reset -c docs")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--reset", "--force"], "--force has no effect with --reset: it is for --data or --feedback. Leave it out."),
        (["--reset", "--reranker", "default"], "--reranker has no effect with --reset"),
        (["--memory", "--questions", "300"], "--questions has no effect with --memory"),
        (["--memory", "--split", "dev"], "--split has no effect with --memory: it is for --data. Leave it out."),
        (["--feedback", "--split", "dev"], "--split has no effect with --feedback"),
        (["--feedback", "--verdicts"], "--verdicts has no effect with --feedback"),
        (["--data", "mine.jsonl", "--position-bias", "0"], "--position-bias has no effect with --data"),
        (["--data", "mine.jsonl", "--split", "dev"], "--split is for a folder in BEIR form. Leave it out."),
    ],
)
def test_option_without_effect_is_refused(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("mine.jsonl").touch()
    refused = run("tune", *arguments)
    assert refused.code == 2
    assert message in " ".join(refused.err.replace("\u2502", " ").split())


@pytest.mark.parametrize(
    ("given", "option"),
    [
        (("--layers", "2"), "--layers"),
        (("--base", "x"), "--base"),
        (("--teacher", "nowhere"), "--teacher"),
        (("--train-window", "64"), "--train-window"),
        (("--freeze", "0"), "--freeze"),
    ],
)
def test_option_without_effect_on_an_average_is_refused(run: Run, given: tuple[str, ...], option: str) -> None:
    refused = run("train", "--average", "a", "--average", "b", "--dev", "c", "--out", "out", *given)
    assert refused.code == 1
    assert f"{option} has no effect with --average. Leave it out." in refused.err


def test_calibration_alone_is_stored_if_the_gain_of_the_weights_may_be_chance(
    manifest: Path, run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    before, after = (RankingSettings({"fused": share, "rerank": 1 - share}, 50, ndcg=0.5) for share in (0.5, 0.3))
    fit = RankingFit(
        60,
        before,
        after=after,
        gain=Difference(0.0, -0.01, high=0.01, questions=60),
        relevance=None,
        relevance_alone=CalibrationFit(Logistic(2.0, -1.0), 1.462, loss_after=0.621),
    )

    async def save(fit: RankingFit) -> None:
        engine = build_engine(load_settings())
        tuner = await Tuner.open(engine.services.pipeline, "notes", "maxsim")
        try:
            await save_gain(tuner, fit, force=False, now=datetime(2026, 1, 1, tzinfo=UTC))
        finally:
            await engine.close()

    with pytest.raises(InvalidInput, match="the gain may be chance"):
        anyio.run(save, replace(fit, relevance_alone=None))
    assert read_manifest(manifest).tuning == {"maxsim": TUNING}
    anyio.run(save, fit)
    assert "(log loss 1.462 to 0.621 on questions held out), and is written alone." in capsys.readouterr().out
    (stored,) = (each for name, each in read_manifest(manifest).tuning.items() if name != "maxsim")
    assert (stored.weights, stored.calibration, stored.questions) == ({}, Logistic(2.0, -1.0), 60)
    assert "relevance alone, 60 questions" in run("collections", "notes").out
