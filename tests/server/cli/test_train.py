"""`resift train` from the command line: from judged questions to a reranker in use, through a kill."""

import json
import os
import shutil
import subprocess
import time
from dataclasses import dataclass, fields
from importlib.util import find_spec
from inspect import signature
from pathlib import Path
from typing import Any

import pytest

from resift.core import extras
from resift.core.extras import install_line
from resift.server.cli import train as train_cli
from resift.tests.server.in_process import Run
from resift.tests.server.processes import COMMAND, environment
from resift.tests.training.tiny import THINGS, WINDOW, write_base, write_set
from resift.training import planning

pytestmark = [pytest.mark.slow, pytest.mark.torch]

LIMIT_S = 240  # a run takes 10 s on an idle core
STEPS, EVERY = 24, 4
OPTIONS = ("--window", str(WINDOW), "--unlabelled", "6", "--every", str(EVERY))


@dataclass(frozen=True, slots=True)
class Trained:
    """A folder where a run was killed after its first checkpoint, and then run again to its end."""

    root: Path
    arguments: tuple[str, ...]
    at_the_kill: list[str]
    printed: str
    told: str

    @property
    def out(self) -> Path:
        return self.root / "my-reranker"

    @property
    def checkpoints(self) -> Path:
        return self.out / "work" / "checkpoints"


def own_environment(root: Path) -> dict[str, str]:
    # One thread: two would wait for each other wherever another program is at work.
    # No Qdrant server answers there: what training ingests goes into its own folder.
    own = {"OMP_NUM_THREADS": "1", "PATH": os.environ["PATH"], "QDRANT_URL": "http://127.0.0.1:9"}
    return environment(root) | own


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    root = tmp_path_factory.mktemp("trained")
    write_base(root / "tiny-bert")
    write_set(root / "things")
    arguments = ("train", "--data", "things=2", "--base", "tiny-bert", "--out", "my-reranker", *OPTIONS)
    arguments += ("--steps", str(STEPS))
    own = own_environment(root)
    first = root / "my-reranker" / "work" / "checkpoints" / f"checkpoint-{EVERY}" / "trainer_state.json"
    with (root / "stderr").open("wb") as errors:
        process = subprocess.Popen([*COMMAND, *arguments], cwd=root, env=own, stdout=errors, stderr=errors)
    give_up = time.monotonic() + LIMIT_S
    while not is_whole(first):
        assert process.poll() is None, (root / "stderr").read_text()
        assert time.monotonic() < give_up
        time.sleep(0.01)
    process.kill()
    process.wait()
    left = sorted(path.name for path in (root / "my-reranker").iterdir())
    state = json.loads(first.read_text())
    state["log_history"].append({"step": EVERY, "noted": "before the kill"})
    first.write_text(json.dumps(state))
    half = first.parents[1] / "checkpoint-999"  # as a kill may leave one
    half.mkdir()
    (half / "trainer_state.json").write_text('{"global_step":')
    again = subprocess.run(
        [*COMMAND, *arguments], cwd=root, env=own, capture_output=True, text=True, timeout=LIMIT_S, check=False
    )
    assert again.returncode == 0, again.stderr
    return Trained(root, arguments, at_the_kill=left, printed=again.stdout, told=again.stderr)


def is_whole(path: Path) -> bool:
    try:
        return bool(json.loads(path.read_text()))
    except (OSError, ValueError):
        return False


@pytest.fixture
def run(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run a command in a folder of its own."""
    monkeypatch.chdir(tmp_path)
    return run


def last_state(trained: Trained) -> dict[str, Any]:
    last = max(trained.checkpoints.glob("checkpoint-*"), key=lambda path: int(path.name.rpartition("-")[2]))
    return json.loads((last / "trainer_state.json").read_text())


def test_killed_run_goes_on_from_its_checkpoint(trained: Trained) -> None:
    assert trained.at_the_kill == ["work"]
    state = last_state(trained)
    assert {"step": EVERY, "noted": "before the kill"} in state["log_history"]
    assert state["global_step"] > EVERY
    steps = [entry["step"] for entry in state["log_history"] if "eval_ndcg@10" in entry]
    assert steps == list(range(EVERY, state["global_step"] + 1, EVERY))
    assert (trained.checkpoints / "best.txt").read_text() == Path(state["best_model_checkpoint"]).name


def test_outcome_is_printed_and_nothing_else(trained: Trained) -> None:
    for expected in ("6 development questions", "reranker alone", "Kendall's tau", "feed-forward per row"):
        assert expected in trained.printed, expected
    assert "loss" not in trained.printed
    assert trained.printed.splitlines()[-1] == f"To use it, set RESIFT_RERANKER={trained.out}"
    assert "eval_ndcg@10" in trained.told  # progress
    for noise in ("Warning", "MISSING", "UNEXPECTED", "Loading weights", "Writing model shards"):
        assert noise not in trained.told, noise


def test_trained_reranker_is_used_by_a_search(trained: Trained, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RESIFT_RERANKER", str(trained.out))
    monkeypatch.chdir(trained.root)
    Path("notes").mkdir()
    for thing, what in THINGS.items():
        Path("notes", f"{thing}.md").write_text(f"# {thing}\n\nThe {thing} {what}.\n")
    assert run("ingest", "notes")[0] == 0
    code, out, _ = run("search", "how do I clean a violin", "--json", "--limit", "3")
    assert code == 0
    answer = json.loads(out)
    assert ("rerank", "my-reranker") in [(stage["name"], stage["model"]) for stage in answer["stages"]]
    assert answer["degraded"] is False
    assert all("rerank" in hit["scores"] for hit in answer["hits"])


def test_trained_reranker_can_be_trained_further(trained: Trained) -> None:
    write_set(trained.root / "judges")
    arguments = ("--base", "my-reranker", "--teacher", "my-reranker", "--out", "further", "--dev", "judges", *OPTIONS)
    done = subprocess.run(
        [*COMMAND, "train", "--data", "things", *arguments, "--steps", "2"],
        cwd=trained.root,
        env=own_environment(trained.root),
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "24 development questions" in done.stdout
    card = (trained.root / "further" / "README.md").read_text()
    assert "| base | my-reranker, 2 layers |" in card
    assert "mixed with 70%\nof the order of the reranker my-reranker" in card
    assert "decided when to stop: judges." in card
    assert "| things | 1 | 24 | not stated |" in card


def test_training_starts_from_the_bundled_reranker_by_default(
    trained: Trained, run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    bundled = tmp_path / "reranker"
    shutil.copytree(trained.out, bundled, ignore=shutil.ignore_patterns("work"))
    monkeypatch.setattr(planning, "RERANKER_FOLDER", bundled)
    write_set(tmp_path / "things")
    code, _, err = run("train", "--data", "things", "--out", "out", *OPTIONS, "--steps", "2", "--train-window", "40")
    assert code == 0, err
    card = (tmp_path / "out" / "README.md").read_text()
    assert "| base | my-reranker, 2 layers |" in card
    assert "trained on the first 40 tokens of a pair" in card


def test_defaults_of_the_command_are_those_of_plan_and_recipe() -> None:
    defaults = {name: each.default for name, each in signature(train_cli.train).parameters.items()}
    ours = {each.name: each.default for each in fields(planning.TrainingPlan)}
    recipe = planning.Recipe()
    for name in ("split", "window", "layers", "questions", "unlabelled"):
        assert defaults[name] == ours[name], name
    assert (defaults["distil"], defaults["teacher"]) == (ours["distilled"], ours["teacher"])
    assert (defaults["steps"], defaults["every"]) == (recipe.steps, recipe.evaluate_every)
    assert (defaults["rate"], defaults["train_window"]) == (recipe.learning_rate, recipe.window)


def test_finished_run_is_not_repeated(trained: Trained, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(trained.root)
    before = {
        path: path.stat().st_mtime_ns for path in trained.out.rglob("*") if path.is_file() and path.name != "lock"
    }
    code, out, _ = run(*trained.arguments)
    assert code == 0
    assert "my-reranker is finished: nothing was trained again." in out
    assert all(path.stat().st_mtime_ns == changed for path, changed in before.items())


def test_run_killed_after_training_is_only_exported(
    trained: Trained, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(trained.root)
    spec = trained.out / "reranker.json"
    before = spec.read_text()
    checkpoints = sorted(trained.checkpoints.iterdir())
    spec.unlink()
    code, out, _ = run(*trained.arguments)
    assert code == 0
    assert "Kendall's tau" in out
    assert spec.read_text() == before
    assert sorted(trained.checkpoints.iterdir()) == checkpoints


def test_other_options_do_not_go_on_with_the_run(trained: Trained, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(trained.root)
    code, _, err = run(*trained.arguments[:-1], "99")
    assert code == 1
    assert f"was started with other data or options (steps was {STEPS}, is 99). Choose another --out" in err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--data", "things=lots"), "'lots' is not a number. Write FOLDER or FOLDER=WEIGHT."),
        (("--data", "things=-1"), "greater than 0"),
        (("--data", "nowhere"), "--data: there is no folder nowhere."),
        (("--data", "things", "--dev", "nowhere"), "--dev: there is no folder nowhere."),
        (("--data", "things", "--split", "test"), "no split 'test'. Its splits: train."),
        (("--data", "things", "--base", "nowhere"), "config.json cannot be read"),
        (
            ("--data", "strange"),
            "strange: the split 'train' has no judgements of questions in queries.jsonl. Leave the folder out.",
        ),
    ],
)
def test_what_cannot_be_trained_on_is_told_before_anything_is_mined(
    run: Run, tmp_path: Path, arguments: tuple[str, ...], message: str
) -> None:
    write_set(tmp_path / "things")
    (write_set(tmp_path / "strange") / "qrels" / "train.tsv").write_text("query-id\tcorpus-id\tscore\nnobody\tx\t1\n")
    (tmp_path / "base").mkdir()
    (tmp_path / "base" / "config.json").write_text('{"model_type": "bert"}')
    base = () if "--base" in arguments else ("--base", "base")
    code, _, err = run("train", "--out", "out", *base, *arguments)
    assert code == 1
    assert message in err.replace("\n", "")
    assert not list(tmp_path.glob("out/work/*.jsonl"))


def test_set_without_a_relevant_document_decides_nothing(run: Run, tmp_path: Path) -> None:
    write_base(tmp_path / "base")
    rows = "".join(f"{thing}-care\t{thing}-price\t0\n" for thing in THINGS)
    (write_set(tmp_path / "things") / "qrels" / "train.tsv").write_text(f"query-id\tcorpus-id\tscore\n{rows}")
    code, _, err = run("train", "--data", "things", "--base", "base", "--out", "out", *OPTIONS)
    assert code == 1
    assert "so nothing can decide when to stop. Add judged questions, or give a folder with --dev." in err
    assert not (tmp_path / "out" / "work" / "checkpoints").exists()


def test_second_run_in_the_same_folder_is_refused(run: Run, tmp_path: Path) -> None:
    from filelock import FileLock

    write_set(tmp_path / "things")
    (tmp_path / "base").mkdir()
    (tmp_path / "base" / "config.json").write_text('{"model_type": "bert"}')
    (tmp_path / "out" / "work").mkdir(parents=True)
    with FileLock(tmp_path / "out" / "work" / "lock"):
        code, _, err = run("train", "--data", "things", "--base", "base", "--out", "out")
    assert code == 1
    assert "Another `resift train` is running in" in err


def test_missing_extra_is_told_with_how_to_install_it(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def find_all_but_torch(name: str) -> object:
        return None if name == "torch" else find_spec(name)

    monkeypatch.setattr(extras, "find_spec", find_all_but_torch)
    code, _, err = run("train", "--data", "things", "--out", "out")
    assert code == 1
    assert f"torch is not installed. Run `{install_line('train')}`" in err
