"""Train the network, keep checkpoints, and stop where it orders the development questions best."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, cast

import torch
from datasets import Dataset
from sentence_transformers.cross_encoder import CrossEncoder, CrossEncoderTrainer, CrossEncoderTrainingArguments
from transformers import (
    EarlyStoppingCallback,
    TrainerCallback,
    TrainerControl,
    TrainerState,
    TrainingArguments,
)

from ..core.errors import ModelError
from .base_model import BEST_FILE
from .development import DevelopmentSet, bfloat16_is_fast
from .lists.teacher import TrainingList
from .loss import ResidualListwiseLoss
from .mined import MinedQuestion, write_atomically
from .network import freeze, load_weights, quiet
from .planning import Recipe

WARM_UP_STEPS = 40

RELEVANCE_LEARNING_RATE = 1e-2  # of the two numbers that turn a score into a probability in the loss

RELEVANCE_FILE = "relevance.json"

STATE_FILE = "trainer_state.json"  # the last file of a checkpoint that the trainer writes


def train_network(
    network: CrossEncoder,
    lists: Iterable[TrainingList],
    dev: Sequence[MinedQuestion],
    recipe: Recipe,
    folder: Path,
) -> int:
    """Train the network in place and return the step at which it ordered the development questions best.

    `folder` keeps the checkpoints. A run that was killed continues from the last one; a finished run is not repeated.
    """
    finished = folder / BEST_FILE
    if not finished.is_file():
        write_atomically(finished, _train(network, lists, dev, recipe, folder))
    best = folder / finished.read_text(encoding="utf-8")
    load_weights(network, best)
    return _step(best)


def _train(
    network: CrossEncoder, lists: Iterable[TrainingList], dev: Sequence[MinedQuestion], recipe: Recipe, folder: Path
) -> str:
    """Return the name of the best checkpoint."""
    examples = [_example(each) for each in lists]
    freeze(network, recipe.frozen_layers)
    last = last_checkpoint(folder)
    loss = ResidualListwiseLoss(network, answers=any(_knows_answers(each) for each in examples))
    relevance = KeepRelevance(loss, last)
    trainer: Any = CrossEncoderTrainer(
        model=network,
        args=_arguments(recipe, folder, loss),
        train_dataset=cast(Any, Dataset).from_list(examples),
        loss=loss,
        evaluator=DevelopmentSet(dev),
        callbacks=[EarlyStoppingCallback(early_stopping_patience=recipe.evaluations_without_gain), relevance],
    )
    full_window = network.max_seq_length or recipe.window
    network.max_seq_length = min(recipe.window, full_window)
    with quiet():
        trainer.train(resume_from_checkpoint=str(last) if last else None)
    network.max_seq_length = full_window
    if not trainer.state.best_model_checkpoint:
        raise ModelError(f"Training ended without a checkpoint in {folder}. Delete that folder and start again.")
    return Path(trainer.state.best_model_checkpoint).name


def _example(drawn: TrainingList) -> dict[str, Any]:
    labels = list(zip(drawn.targets, drawn.fused, drawn.answers, strict=True))
    return {"query": drawn.query, "passages": drawn.passages, "labels": labels}


def _knows_answers(example: dict[str, Any]) -> bool:
    return any(answer >= 0 for _, _, answer in example["labels"])


class KeepRelevance(TrainerCallback):
    """Save the loss's own parameters with every checkpoint, which otherwise holds those of the network alone."""

    def __init__(self, loss: ResidualListwiseLoss, last: Path | None) -> None:
        self._parameters = loss.relevance
        kept = last / RELEVANCE_FILE if last else None
        if self._parameters is not None and kept and kept.is_file():
            with torch.no_grad():
                self._parameters.copy_(torch.tensor(json.loads(kept.read_text())))

    def on_save(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any) -> None:
        """Write them into the checkpoint that was just saved."""
        if self._parameters is not None:
            folder = Path(str(args.output_dir)) / f"checkpoint-{state.global_step}"
            write_atomically(folder / RELEVANCE_FILE, json.dumps([float(each) for each in self._parameters.detach()]))


def last_checkpoint(folder: Path) -> Path | None:
    """Return the newest complete checkpoint in a folder, after deleting newer ones that a kill left incomplete."""
    for checkpoint in sorted(folder.glob("checkpoint-*"), key=_step, reverse=True):
        if _is_complete(checkpoint):
            return checkpoint
        shutil.rmtree(checkpoint)
    return None


def _step(checkpoint: Path) -> int:
    return int(checkpoint.name.rpartition("-")[2])


def _is_complete(checkpoint: Path) -> bool:
    try:
        json.loads((checkpoint / STATE_FILE).read_bytes())
    except (OSError, ValueError):
        return False
    return True


def _arguments(recipe: Recipe, folder: Path, loss: ResidualListwiseLoss) -> CrossEncoderTrainingArguments:
    every = min(recipe.evaluate_every, recipe.steps)
    return CrossEncoderTrainingArguments(
        output_dir=str(folder),
        max_steps=recipe.steps,
        per_device_train_batch_size=recipe.batch,
        learning_rate=recipe.learning_rate,
        learning_rate_mapping=_other_rates(recipe, loss),
        lr_scheduler_type="cosine",
        warmup_steps=min(WARM_UP_STEPS, recipe.steps // 10),
        weight_decay=0.01,
        bf16=bfloat16_is_fast(),
        use_cpu=not torch.cuda.is_available(),
        eval_strategy="steps",
        eval_steps=every,
        save_strategy="steps",
        save_steps=every,
        save_total_limit=2,
        load_best_model_at_end=True,
        metric_for_best_model="eval_ndcg@10",
        greater_is_better=True,
        restore_callback_states_from_checkpoint=True,
        logging_steps=25,
        report_to="none",
        seed=recipe.seed,
        data_seed=recipe.seed,
    )


def _other_rates(recipe: Recipe, loss: ResidualListwiseLoss) -> dict[str, float]:
    """Return learning rates by the parameters' names; a name that no parameter has is an error of the trainer."""
    head = {r"importance|summary|scales": recipe.head_learning_rate}
    return head if loss.relevance is None else {**head, "^relevance$": RELEVANCE_LEARNING_RATE}
