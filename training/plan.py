"""What `resift train` was asked for: checked before anything is mined, and kept so that only the same run goes on."""

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
from .base import CONFIG_FILE, check_base
from .lists import UNLABELLED_SHARE
from .mined import write_whole

BUNDLED_BASE = "bundled"

PLAN_FILE = "plan.json"

LONGEST_NAME = 100


@dataclass(frozen=True, slots=True)
class Recipe:
    """How to train: `steps` of `batch` lists each, pairs cut to `window` tokens, fewer than are read in use, for speed.

    Every `evaluate_every` steps the development set is asked; after `patience` times without gain training stops.
    """

    steps: int = 1500
    batch: int = 12
    window: int = 160
    learning_rate: float = 5e-5
    head_learning_rate: float = 1e-3
    evaluate_every: int = 200
    retry: int = 4
    seed: int = 7


@dataclass(frozen=True, slots=True)
class TrainingPlan:
    """What to train on and how.

    data: folders of judged questions with their weights in the mix; dev: folders that only decide when to stop.
    base: folder of a BertModel to start from. window: tokens of a pair. layers: 0 keeps all of the base.
    questions, unlabelled: at most so many of each folder; the latter are cut from its documents.
    teacher: whose order is learnt beside the labels: a reranker as in RESIFT_RERANKER, "bundled", or "" for retrieval.
    distilled: share of lists that teach nothing else.
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
        """Return where a run keeps what it needs to go on after a kill."""
        return self.out / "work"

    @property
    def name(self) -> str:
        """Return what the reranker will be called: its folder's name, without what no name may have."""
        return re.sub(r"[^\w.:/@+-]+", "-", self.out.resolve().name).strip("-")[:LONGEST_NAME] or "reranker"

    @property
    def finished(self) -> bool:
        """Return whether the reranker is written: reranker.json is the last of its files."""
        return (self.out / SPEC_FILE).is_file()

    def options(self) -> dict[str, object]:
        """Return the command's options that decide what comes out, by their names there, folders left out."""
        recipe = self.recipe
        return {
            "--split": self.split,
            "--layers": self.layers,
            "--window": self.window,
            "--train-window": recipe.window,
            "--questions": self.questions,
            "--unlabelled": self.unlabelled,
            "--distil": self.distilled,
            **({"--teacher": self.taught_by().name} if self.teacher else {}),
            "--rate": recipe.learning_rate,
            "--steps": recipe.steps,
            "--every": recipe.evaluate_every,
        }

    def mined(self, folder: Path) -> Path:
        """Return where the candidates of a folder's questions are kept."""
        return self.work / f"{folder.resolve().name}-{self.split}.jsonl"

    def taught_by(self) -> CrossEncoderModel:
        """Return the reranker whose order is learnt, where there is a teacher."""
        return find_cross_encoder(str(RERANKER_FOLDER) if self.teacher == BUNDLED_BASE else self.teacher)

    def base_folder(self) -> Path:
        """Return the folder of the model to start from."""
        return RERANKER_FOLDER if self.base == BUNDLED_BASE else Path(self.base).expanduser()


def parse_mix(specs: Sequence[str]) -> dict[Path, float]:
    """Return folders and their weights from `FOLDER` or `FOLDER=WEIGHT`.

    Raises:
        InvalidInput: a weight is no positive number, or a folder is named twice.
    """
    mix: dict[Path, float] = {}
    for spec in specs:
        name, _, given = spec.rpartition("=") if "=" in spec else (spec, "", "1")
        try:
            weight = float(given)
        except ValueError as error:
            raise InvalidInput(f"--data {spec!r}: {given!r} is no number. Write FOLDER or FOLDER=WEIGHT.") from error
        if not 0 < weight < float("inf"):
            raise InvalidInput(f"--data {spec!r}: the weight must be greater than 0 and finite.")
        if Path(name) in mix:
            raise InvalidInput(f"--data {name} is given twice. Give it once, with the sum of the weights.")
        mix[Path(name)] = weight
    return mix


def check(plan: TrainingPlan) -> None:
    """Refuse what could not be trained, before hours are spent on it.

    Raises:
        InvalidInput: a folder is missing, holds no judged set, or is no model that can be trained.
        ModelError: the base is a reranker of Resift's own that is damaged, or the teacher cannot be loaded.
    """
    for option, folders in (("--data", plan.data), ("--dev", plan.dev)):
        for folder in folders:
            _check_set(option, folder, plan.split)
    names: dict[str, Path] = {}
    for folder in (*plan.data, *plan.dev):
        name = folder.resolve().name
        if name in names:
            raise InvalidInput(
                f"{names[name]} and {folder} have one name, or are one. Rename one; what decides must not be learnt."
            )
        names[name] = folder
    options = {"--window": plan.window, "--layers": plan.layers}
    check_base(plan.base_folder(), options)
    if plan.teacher:
        plan.taught_by().open()


def _check_set(option: str, folder: Path, split: str) -> None:
    missing = [name for name in ("corpus.jsonl", "queries.jsonl") if not (folder / name).is_file()]
    if missing:
        what = f"{folder} has no {' and no '.join(missing)}" if folder.is_dir() else f"there is no folder {folder}"
        raise InvalidInput(f"{option}: {what}. A judged set has corpus.jsonl, queries.jsonl and qrels/<split>.tsv.")
    if split not in (known := splits(folder)):
        raise InvalidInput(
            f"{option}: {folder} has no split {split!r}. Splits there: {', '.join(known) or 'none'}. "
            "Choose one that every folder has with --split."
        )


def begin(plan: TrainingPlan) -> None:
    """Keep the plan, or compare it with the one that the folder was begun with.

    Raises:
        InvalidInput: the folder holds another run, or a reranker of which no run is left.
    """
    path, current = plan.work / PLAN_FILE, _described(plan)
    leftover = " and ".join(str(each) for each in (plan.work, plan.out / SPEC_FILE) if each.exists())
    if path.is_file():
        before: dict[str, Any] = json.loads(path.read_bytes())
        # As text, in which order counts: collections are named by their folder's place.
        differ = [key for key, now in current.items() if json.dumps(before.get(key)) != json.dumps(now)]
        changes = [_change(key, before.get(key), current[key]) for key in differ]
        if changes:
            raise InvalidInput(
                f"{plan.out} was begun with other data or options ({', '.join(changes)}). Choose another --out, "
                f"or delete {leftover} to begin anew."
            )
    elif plan.finished:
        raise InvalidInput(f"{plan.out} already holds a reranker. Choose another --out, or delete {leftover}.")
    else:
        plan.work.mkdir(parents=True, exist_ok=True)
        write_whole(path, json.dumps(current, indent=2) + "\n")


def _change(key: str, before: object, now: object) -> str:
    return key if isinstance(now, dict) else f"{key} was {before}, is {now}"


def _described(plan: TrainingPlan) -> dict[str, Any]:
    """Return everything that decides what comes out, by name; files by their sums, so that folders may move."""
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
    return {"data": data, "dev": dev, "base": sums, **options, **recipe}


def _sum(folder: Path, split: str) -> str:
    files = (folder / "corpus.jsonl", folder / "queries.jsonl", folder / "qrels" / f"{split}.tsv")
    return " ".join(sha256_of(path)[:12] for path in files)
