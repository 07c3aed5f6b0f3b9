"""The plan of a `resift train` run: checked before mining, and stored so that only the same run is resumed."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from ..core.errors import InvalidInput
from ..models.bundled import MODEL_FILE, RERANKER_FOLDER, TOKENIZER_FILE, sha256_of
from ..models.pair.loading import CrossEncoderModel, find_cross_encoder
from ..models.pair.spec import SPEC_FILE
from .averaging import find_weights, trained_on
from .base_model import BUNDLED_BASE, CONFIG_FILE, WEIGHTS_FILE, check_base_model
from .lists.drawing import UNLABELLED_SHARE
from .mined import write_atomically
from .sets import LabelledSet, Mix, check_distinct, check_sets

PLAN_FILE = "plan.json"

RETRIEVAL_FILE = "retrieval.json"

CARD_FILE = "README.md"

WRITTEN_FILES = (SPEC_FILE, MODEL_FILE, TOKENIZER_FILE, CARD_FILE)
"""What a run writes into its folder, beside `work`."""

MAX_NAME_LENGTH = 100


@dataclass(frozen=True, slots=True)
class Recipe:
    """How to train: `steps` of `batch` lists each, with pairs cut to `window` tokens, fewer than in use, for speed.

    The development set is evaluated every `evaluate_every` steps. Training stops after `evaluations_without_gain`.
    The lowest `frozen_layers` layers stay as they are; with any, so do the embeddings.
    """

    steps: int = 1500
    batch: int = 12
    window: int = 160
    learning_rate: float = 5e-5
    head_learning_rate: float = 1e-3
    evaluate_every: int = 200
    evaluations_without_gain: int = 4
    seed: int = 7
    frozen_layers: int = 0


@dataclass(frozen=True, slots=True)
class TrainingPlan:
    """What to train on, and how.

    data: sets with their weights in the mix; dev: sets used only to decide when to stop.
    average: folders of rerankers with their weights in a mean that takes the place of training, instead of `data`.
    base: the folder of the model to start from. window: tokens of a pair. layers: how many to keep; 0 keeps all.
    questions, unlabelled: the maximum per folder; unlabelled questions are cut from its documents.
    teacher: whose order to learn beside the labels: a reranker as in RESIFT_RERANKER, "bundled", or "" for retrieval.
    distilled: the share of lists that have only the teacher's order as target.
    """

    data: Mix
    out: Path
    base: str
    dev: Sequence[LabelledSet] = ()
    average: Mapping[Path, float] = field(default_factory=dict[Path, float])
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
            **({"--freeze": recipe.frozen_layers} if recipe.frozen_layers else {}),
            "--rate": recipe.learning_rate,
            "--batch": recipe.batch,
            "--steps": recipe.steps,
            "--every": recipe.evaluate_every,
        }

    def mined(self, labelled: LabelledSet) -> Path:
        """Return the file with the candidates of a set's questions."""
        return self.work / f"{labelled.folder.resolve().name}-{labelled.pool or labelled.split or self.split}.jsonl"

    def teacher_model(self) -> CrossEncoderModel:
        """Return the reranker that is the teacher; call it only if there is one."""
        return find_cross_encoder(str(RERANKER_FOLDER) if self.teacher == BUNDLED_BASE else self.teacher)

    def base_folder(self) -> Path:
        """Return the folder of the model to start from."""
        return RERANKER_FOLDER if self.base == BUNDLED_BASE else Path(self.base).expanduser()


def check_plan(plan: TrainingPlan) -> None:
    """Find problems before hours are spent on training.

    Raises:
        InvalidInput: A folder is missing, is not a judged set, or does not hold a model to train or to average.
        ModelError: The base is a damaged reranker in Resift's format, or the teacher cannot be loaded.
    """
    if bool(plan.data) == bool(plan.average):
        raise InvalidInput("Give --data to train a reranker, or --average to average some that exist.")
    if plan.average and not plan.dev:
        raise InvalidInput("--average needs --dev: questions to measure and to calibrate the result with.")
    check_sets("--data", list(plan.data), plan.split)
    check_sets("--dev", plan.dev, plan.split)
    check_distinct([*plan.data, *plan.dev])
    _check_files(plan)
    for folder in plan.average:
        check_base_model(find_weights(folder), {"--window": plan.window}, given="--average")
    if plan.data:
        wanted = {"--window": plan.window, "--layers": plan.layers, "--freeze": plan.recipe.frozen_layers}
        check_base_model(plan.base_folder(), wanted)
        if plan.layers and plan.recipe.frozen_layers > plan.layers:
            raise InvalidInput(
                f"--freeze {plan.recipe.frozen_layers} is more than --layers {plan.layers}, which are kept. Lower it."
            )
    if plan.teacher:
        plan.teacher_model().open()


def _check_files(plan: TrainingPlan) -> None:
    """Check that the questions of each set go to a file of their own."""
    files: dict[Path, LabelledSet] = {}
    for each in (*plan.data, *plan.dev):
        other = files.setdefault(plan.mined(each), each)
        if other is not each:
            raise InvalidInput(
                f"What is mined of {other} and of {each} would go to one file, {plan.mined(each).name}. Rename one of "
                "the folders."
            )


def start_or_resume(plan: TrainingPlan) -> None:
    """Store the plan, or compare it with the stored plan of the run to resume.

    Raises:
        InvalidInput: The folder holds another run, or a reranker or other files without its run, or cannot be made.
    """
    path, current = plan.work / PLAN_FILE, _describe(plan)
    written = [each for each in (plan.out / name for name in WRITTEN_FILES) if each.exists()]
    leftover = ", ".join(str(each) for each in (plan.work, *written) if each.exists())
    if path.is_file():
        before: dict[str, Any] = json.loads(path.read_bytes())
        _compare_teachers(before, current)
        # Compared as text, in which order counts: collections are numbered in the order of their folders.
        differ = [key for key in {**current, **before} if json.dumps(before.get(key)) != json.dumps(current.get(key))]
        changes = [_change(key, before.get(key), current.get(key)) for key in differ]
        if changes:
            raise InvalidInput(
                f"{plan.out} was started with other data or options ({', '.join(changes)}). Choose another --out, "
                f"or delete {leftover} to start again."
            )
    elif plan.finished:
        raise InvalidInput(f"{plan.out} already holds a reranker. Choose another --out, or delete {leftover}.")
    elif written:
        names = " and ".join(each.name for each in written)
        raise InvalidInput(f"{plan.out} has a {names} of its own, which would be lost. Choose a new folder with --out.")
    else:
        _start(path, current)


def _start(path: Path, current: Mapping[str, Any]) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, json.dumps(current, indent=2) + "\n")
    except OSError as error:
        raise InvalidInput(
            f"--out: the folder {path.parent} cannot be written: {error.strerror}. Choose a new folder."
        ) from error


def _compare_teachers(before: dict[str, Any], current: dict[str, Any]) -> None:
    """Leave of both plans only what tells teachers apart: the model, or its name where an older version stored that."""
    key = "teacher_model" if "teacher_model" not in before or "teacher_model" not in current else "teacher"
    for each in (before, current):
        each.pop(key, None)


def check_retrieval(plan: TrainingPlan, retrieval: Mapping[str, Any]) -> None:
    """Store what decides which candidates are found, or compare it with that of the run to resume.

    Raises:
        InvalidInput: The first candidates were found with another encoder or other settings.
    """
    path = plan.work / RETRIEVAL_FILE
    if not path.is_file():
        write_atomically(path, json.dumps(retrieval, indent=2) + "\n")
        return
    before: dict[str, Any] = json.loads(path.read_bytes())
    changes = [_change(key, before.get(key), now) for key, now in retrieval.items() if before.get(key) != now]
    if changes:
        raise InvalidInput(
            f"{plan.out} was started with other settings of search ({', '.join(changes)}). Restore them, choose "
            f"another --out, or delete {plan.work} to start again."
        )


def learned_before(plan: TrainingPlan) -> list[tuple[Path, LabelledSet]]:
    """Return the members of an average that have learned from a development set, with that set."""
    found: list[tuple[Path, LabelledSet]] = []
    for folder in plan.average:
        learned: Mapping[str, tuple[float, str]] = trained_on(folder.resolve()).get("data", {})
        pools = {(name.partition(":")[2], sums) for name, (_, sums) in learned.items()}
        found += [(folder, each) for each in plan.dev if (each.pool, each.sums(plan.split)) in pools]
    return found


def _change(key: str, before: object, now: object) -> str:
    return key if isinstance(now or before, dict) else f"{key} was {before}, is {now}"


def _describe(plan: TrainingPlan) -> dict[str, Any]:
    """Return everything that affects the result, by name; files by their checksums, so that folders may be moved."""
    options = {
        name: getattr(plan, name)
        for name in ("split", "window", "layers", "questions", "unlabelled", "teacher", "distilled")
    }
    data = {each.name: [weight, each.sums(plan.split)] for each, weight in plan.data.items()}
    dev = {each.name: each.sums(plan.split) for each in plan.dev}
    sums = {} if plan.average else _weight_sums(plan.base_folder())
    recipe = asdict(plan.recipe)
    recipe["training_window"] = recipe.pop("window")
    recipe["patience"] = recipe.pop("evaluations_without_gain")  # the key in plan.json since the first version
    newer = {"frozen_layers": recipe.pop("frozen_layers"), "average": _averaged(plan), "teacher_model": _teacher(plan)}
    # Stored only where they are used, so that a run which an older version began can go on.
    return {"data": data, "dev": dev, "base": sums, **options, **recipe, **{k: v for k, v in newer.items() if v}}


def _teacher(plan: TrainingPlan) -> str:
    """Return the name and a hash of the teacher; empty without one, or for one that is known only by name."""
    model = plan.teacher_model() if plan.teacher else None
    return f"{model.name}@{model.digest}" if model and model.digest else ""


def _weight_sums(folder: Path) -> dict[str, str]:
    """Return the beginnings of the checksums of the files that hold a model, by their names."""
    paths = [folder / name for name in (MODEL_FILE, TOKENIZER_FILE, CONFIG_FILE, WEIGHTS_FILE)]
    return {path.name: sha256_of(path)[:12] for path in paths if path.is_file()}


def _averaged(plan: TrainingPlan) -> dict[str, Any]:
    """Return the members of an average: their shares, and the checksums of their files."""
    return {
        f"{place}-{folder.resolve().name}": [share, *_weight_sums(find_weights(folder)).values()]
        for place, (folder, share) in enumerate(plan.average.items(), start=1)
    }
