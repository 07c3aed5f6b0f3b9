"""The plan of a `resift train` run: checked before mining, and stored so that only the same run is resumed."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from ..core.errors import InvalidInput
from ..evaluation.beir import splits
from ..models.bundled import MODEL_FILE, RERANKER_FOLDER, TOKENIZER_FILE, sha256_of
from ..models.pair.loading import CrossEncoderModel, find_cross_encoder
from ..models.pair.spec import SPEC_FILE
from .base_model import CONFIG_FILE, check_base_model
from .lists import UNLABELLED_SHARE
from .mined import write_atomically

BUNDLED_BASE = "bundled"

PLAN_FILE = "plan.json"

MAX_NAME_LENGTH = 100


@dataclass(frozen=True, slots=True)
class Recipe:
    """How to train: `steps` of `batch` lists each, with pairs cut to `window` tokens, fewer than in use, for speed.

    The development set is evaluated every `evaluate_every` steps. Training stops after `evaluations_without_gain`.
    """

    steps: int = 1500
    batch: int = 12
    window: int = 160
    learning_rate: float = 5e-5
    head_learning_rate: float = 1e-3
    evaluate_every: int = 200
    evaluations_without_gain: int = 4
    seed: int = 7


@dataclass(frozen=True, slots=True)
class TrainingPlan:
    """What to train on, and how.

    data: folders of judged questions with their weights in the mix; dev: folders used only to decide when to stop.
    base: the folder of the model to start from. window: tokens of a pair. layers: how many to keep; 0 keeps all.
    questions, unlabelled: the maximum per folder; unlabelled questions are cut from its documents.
    teacher: whose order to learn beside the labels: a reranker as in RESIFT_RERANKER, "bundled", or "" for retrieval.
    distilled: the share of lists that have only the teacher's order as target.
    """

    data: Mapping[Path, float]
    out: Path
    base: str
    dev: Sequence[Path] = ()
    split: str = "train"
    window: int = 256
    layers: int = 0
    questions: int = 6000
    unlabelled: int = 2000
    teacher: str = ""
    distilled: float = UNLABELLED_SHARE
    recipe: Recipe = field(default_factory=Recipe)

    @property
    def work(self) -> Path:
        """Return the folder that a run needs to resume after a kill."""
        return self.out / "work"

    @property
    def name(self) -> str:
        """Return the reranker's name: its folder's, with characters that names must not contain replaced."""
        return re.sub(r"[^\w.:/@+-]+", "-", self.out.resolve().name).strip("-")[:MAX_NAME_LENGTH] or "reranker"

    @property
    def finished(self) -> bool:
        """Return whether the reranker has been written, which ends with reranker.json."""
        return (self.out / SPEC_FILE).is_file()

    def options(self) -> dict[str, object]:
        """Return the options that affect the result, except folders, by their names on the command line."""
        recipe = self.recipe
        return {
            "--split": self.split,
            "--layers": self.layers,
            "--window": self.window,
            "--train-window": recipe.window,
            "--questions": self.questions,
            "--unlabelled": self.unlabelled,
            "--distil": self.distilled,
            **({"--teacher": self.teacher_model().name} if self.teacher else {}),
            "--rate": recipe.learning_rate,
            "--steps": recipe.steps,
            "--every": recipe.evaluate_every,
        }

    def mined(self, folder: Path) -> Path:
        """Return the file with the candidates of a folder's questions."""
        return self.work / f"{folder.resolve().name}-{self.split}.jsonl"

    def teacher_model(self) -> CrossEncoderModel:
        """Return the reranker that is the teacher; call it only if there is one."""
        return find_cross_encoder(str(RERANKER_FOLDER) if self.teacher == BUNDLED_BASE else self.teacher)

    def base_folder(self) -> Path:
        """Return the folder of the model to start from."""
        return RERANKER_FOLDER if self.base == BUNDLED_BASE else Path(self.base).expanduser()


def parse_mix(specs: Sequence[str]) -> dict[Path, float]:
    """Return folders and their weights from `FOLDER` or `FOLDER=WEIGHT`.

    Raises:
        InvalidInput: A weight is not a positive number, or a folder is given twice.
    """
    mix: dict[Path, float] = {}
    for spec in specs:
        name, _, given = spec.rpartition("=") if "=" in spec else (spec, "", "1")
        try:
            weight = float(given)
        except ValueError as error:
            raise InvalidInput(f"--data {spec!r}: {given!r} is not a number. Write FOLDER or FOLDER=WEIGHT.") from error
        if not 0 < weight < float("inf"):
            raise InvalidInput(f"--data {spec!r}: the weight must be greater than 0 and finite.")
        if Path(name) in mix:
            raise InvalidInput(f"--data {name} is given twice. Give it once, with the sum of the weights.")
        mix[Path(name)] = weight
    return mix


def check_plan(plan: TrainingPlan) -> None:
    """Find problems before hours are spent on training.

    Raises:
        InvalidInput: A folder is missing, is not a judged set, or does not hold a model that can be trained.
        ModelError: The base is a damaged reranker in Resift's format, or the teacher cannot be loaded.
    """
    for option, folders in (("--data", plan.data), ("--dev", plan.dev)):
        for folder in folders:
            _check_set(option, folder, plan.split)
    names: dict[str, Path] = {}
    for folder in (*plan.data, *plan.dev):
        name = folder.resolve().name
        if name in names:
            raise InvalidInput(
                f"{names[name]} and {folder} have the same name or are the same folder. Rename one; a set must not be "
                "used both to learn from and to decide when to stop."
            )
        names[name] = folder
    options = {"--window": plan.window, "--layers": plan.layers}
    check_base_model(plan.base_folder(), options)
    if plan.teacher:
        plan.teacher_model().open()


def _check_set(option: str, folder: Path, split: str) -> None:
    missing = [name for name in ("corpus.jsonl", "queries.jsonl") if not (folder / name).is_file()]
    if missing:
        what = f"{folder} has no {' and no '.join(missing)}" if folder.is_dir() else f"there is no folder {folder}"
        raise InvalidInput(f"{option}: {what}. A judged set has corpus.jsonl, queries.jsonl and qrels/<split>.tsv.")
    if split not in (known := splits(folder)):
        raise InvalidInput(
            f"{option}: {folder} has no split {split!r}. Its splits: {', '.join(known) or 'none'}. "
            "Choose one that every folder has with --split."
        )


def start_or_resume(plan: TrainingPlan) -> None:
    """Store the plan, or compare it with the stored plan of the run to resume.

    Raises:
        InvalidInput: The folder holds another run, or a reranker without its run.
    """
    path, current = plan.work / PLAN_FILE, _describe(plan)
    leftover = " and ".join(str(each) for each in (plan.work, plan.out / SPEC_FILE) if each.exists())
    if path.is_file():
        before: dict[str, Any] = json.loads(path.read_bytes())
        # Compared as text, in which order counts: collections are numbered in the order of their folders.
        differ = [key for key, now in current.items() if json.dumps(before.get(key)) != json.dumps(now)]
        changes = [_change(key, before.get(key), current[key]) for key in differ]
        if changes:
            raise InvalidInput(
                f"{plan.out} was started with other data or options ({', '.join(changes)}). Choose another --out, "
                f"or delete {leftover} to start again."
            )
    elif plan.finished:
        raise InvalidInput(f"{plan.out} already holds a reranker. Choose another --out, or delete {leftover}.")
    else:
        plan.work.mkdir(parents=True, exist_ok=True)
        write_atomically(path, json.dumps(current, indent=2) + "\n")


def _change(key: str, before: object, now: object) -> str:
    return key if isinstance(now, dict) else f"{key} was {before}, is {now}"


def _describe(plan: TrainingPlan) -> dict[str, Any]:
    """Return everything that affects the result, by name; files by their checksums, so that folders may be moved."""
    options = {
        name: getattr(plan, name)
        for name in ("split", "window", "layers", "questions", "unlabelled", "teacher", "distilled")
    }
    data = {folder.resolve().name: [weight, _sum(folder, plan.split)] for folder, weight in plan.data.items()}
    dev = {folder.resolve().name: _sum(folder, plan.split) for folder in plan.dev}
    base = plan.base_folder()
    weights = [base / name for name in (MODEL_FILE, TOKENIZER_FILE, CONFIG_FILE, "model.safetensors")]
    sums = {path.name: sha256_of(path)[:12] for path in weights if path.is_file()}
    recipe = asdict(plan.recipe)
    recipe["training_window"] = recipe.pop("window")
    recipe["patience"] = recipe.pop("evaluations_without_gain")  # the key in plan.json since the first version
    return {"data": data, "dev": dev, "base": sums, **options, **recipe}


def _sum(folder: Path, split: str) -> str:
    files = (folder / "corpus.jsonl", folder / "queries.jsonl", folder / "qrels" / f"{split}.tsv")
    return " ".join(sha256_of(path)[:12] for path in files)
