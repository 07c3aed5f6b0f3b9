"""What a reranker's raw score means: the probability that the best hit answers, and its weight in the blend."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from datasets import Dataset
from numpy.typing import NDArray
from sentence_transformers.base.evaluation import BaseEvaluator
from sentence_transformers.base.model import BaseModel
from sentence_transformers.cross_encoder import CrossEncoder, CrossEncoderTrainer, CrossEncoderTrainingArguments
from transformers import EarlyStoppingCallback

from ..core.errors import ModelError
from ..evaluation.tuning.calibration import Outcomes, best_hits
from .graph.linear import Floats
from .loss import ResidualListwiseLoss
from .mined import Mined, write_whole
from .network import load_weights, quiet
from .plan import Recipe
from .teacher import TrainingList

DEPTH = 25  # candidates of a development question

CUT = 10

ASKED = 120  # development questions, 3,000 pairs, every time

BLENDED = 0.5  # share of the reranker in the order that decides when to stop; the share shipped is tuned afterwards

WARM_UP = 40  # steps

STATE_FILE = "trainer_state.json"  # the last that the trainer writes of a checkpoint

BEST_FILE = "best.txt"  # written when training has ended: the checkpoint that is the outcome


def fit(
    network: CrossEncoder, lists: Iterable[TrainingList], dev: Sequence[Mined], recipe: Recipe, folder: Path
) -> int:
    """Bring the network to where it ordered the development questions best; return after how many steps that was.

    `folder` keeps the checkpoints: a run that was killed goes on from the last, and one that has ended is not repeated.
    """
    ended = folder / BEST_FILE
    if not ended.is_file():
        write_whole(ended, _train(network, lists, dev, recipe, folder))
    best = folder / ended.read_text(encoding="utf-8")
    load_weights(network, best)
    return _step(best)


def _train(
    network: CrossEncoder, lists: Iterable[TrainingList], dev: Sequence[Mined], recipe: Recipe, folder: Path
) -> str:
    """Return the name of the best checkpoint."""
    examples = [
        {"query": each.query, "passages": each.passages, "labels": list(zip(each.targets, each.fused, strict=True))}
        for each in lists
    ]
    trainer: Any = CrossEncoderTrainer(
        model=network,
        args=_arguments(recipe, folder),
        train_dataset=cast(Any, Dataset).from_list(examples),
        loss=ResidualListwiseLoss(network),
        evaluator=DevelopmentSet(dev),
        callbacks=[EarlyStoppingCallback(early_stopping_patience=recipe.retry)],
    )
    last = last_checkpoint(folder)
    whole = network.max_seq_length or recipe.window
    network.max_seq_length = min(recipe.window, whole)
    with quiet():
        trainer.train(resume_from_checkpoint=str(last) if last else None)
    network.max_seq_length = whole
    if not trainer.state.best_model_checkpoint:
        raise ModelError(f"Training ended without a checkpoint in {folder}. Delete that folder and start again.")
    return Path(trainer.state.best_model_checkpoint).name


def last_checkpoint(folder: Path) -> Path | None:
    """Return the newest whole checkpoint in a folder; what a kill left half written is deleted."""
    found = sorted(folder.glob("checkpoint-*"), key=_step, reverse=True)
    for checkpoint in found:
        if _is_whole(checkpoint):
            return checkpoint
        shutil.rmtree(checkpoint)
    return None


def _step(checkpoint: Path) -> int:
    return int(checkpoint.name.rpartition("-")[2])


def _is_whole(checkpoint: Path) -> bool:
    try:
        json.loads((checkpoint / STATE_FILE).read_bytes())
    except (OSError, ValueError):
        return False
    return True


def _arguments(recipe: Recipe, folder: Path) -> CrossEncoderTrainingArguments:
    every = min(recipe.evaluate_every, recipe.steps)
    return CrossEncoderTrainingArguments(
        output_dir=str(folder),
        max_steps=recipe.steps,
        per_device_train_batch_size=recipe.batch,
        learning_rate=recipe.learning_rate,
        learning_rate_mapping={r"importance|summary|scales": recipe.head_learning_rate},
        lr_scheduler_type="cosine",
        warmup_steps=min(WARM_UP, recipe.steps // 10),
        weight_decay=0.01,
        bf16=_sixteen_bits_help(),
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


def _sixteen_bits_help() -> bool:
    """Return whether this machine multiplies bfloat16 faster than float32."""
    if torch.cuda.is_available():
        return torch.cuda.is_bf16_supported()
    # Private, and not in every torch that will do.
    asked = (getattr(torch.cpu, f"_is_{feature}_supported", None) for feature in ("amx_tile", "avx512_bf16"))
    return any(supported() for supported in asked if supported is not None)


class DevelopmentSet(BaseEvaluator):
    """nDCG@10 over held-out questions: of the network alone, and blended half and half with retrieval."""

    def __init__(self, questions: Sequence[Mined]) -> None:
        super().__init__()
        self.primary_metric = "ndcg@10"
        usable = [each for each in questions if any(c.grade > 0 for c in each.candidates[:DEPTH])]
        self._questions = usable[:ASKED]

    def __call__(
        self, model: BaseModel, output_path: str | None = None, epoch: float = -1, steps: int = -1
    ) -> dict[str, float]:
        """Return the measures by name."""
        scores = score_all(cast(CrossEncoder, model), self._questions)
        return {
            "retrieval_ndcg@10": mean_ndcg(self._questions, scores, weight=0.0),
            "alone_ndcg@10": mean_ndcg(self._questions, scores, weight=1.0),
            "ndcg@10": mean_ndcg(self._questions, scores, weight=BLENDED),
        }


def score_all(model: CrossEncoder, questions: Sequence[Mined]) -> list[Floats]:
    """Return the network's raw scores of every question's first candidates."""
    pairs = [(each.query, candidate.text) for each in questions for candidate in each.candidates[:DEPTH]]
    with torch.autocast(model.device.type, dtype=torch.bfloat16, enabled=_sixteen_bits_help()):
        scores = cast(Any, model).predict(pairs, activation_fn=torch.nn.Identity(), show_progress_bar=False)
    ends = np.cumsum([len(each.candidates[:DEPTH]) for each in questions])[:-1]
    return np.split(np.asarray(scores, np.float32).reshape(-1), ends)


def mean_ndcg(questions: Sequence[Mined], scores: Sequence[Floats], *, weight: float) -> float:
    """Return mean nDCG@10 of the order by `weight` times scaled scores and the rest retrieval's; ties keep the latter.

    What is relevant and was not found among the first candidates counts for nothing, in the ideal order neither.
    """
    values: list[float] = []
    for question, mine in zip(questions, scores, strict=True):
        candidates = question.candidates[:DEPTH]
        fused = np.array([each.fused for each in candidates], np.float32)
        final = weight * _scaled(mine) + (1 - weight) * _scaled(fused)
        grades = np.array([max(0, each.grade) for each in candidates])
        ideal = _gain(np.sort(grades)[::-1])
        values.append(_gain(grades[np.argsort(-final, kind="stable")]) / ideal if ideal else 0.0)
    return float(np.mean(values))


def _gain(grades: NDArray[np.int64]) -> float:
    """Return the discounted cumulative gain of the first grades (Jarvelin and Kekalainen 2002)."""
    first = grades[:CUT]
    return float((first / np.log2(np.arange(2, len(first) + 2))).sum())


def _scaled(values: Floats) -> Floats:
    spread = values.max() - values.min()
    return (values - values.min()) / (spread or 1)


WEIGHTS = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8)


def best_weight(questions: Sequence[Mined], scores: Sequence[Floats]) -> float:
    """Return the weight of the reranker in the blend at which nDCG@10 is highest."""
    return max(WEIGHTS, key=lambda weight: mean_ndcg(questions, scores, weight=weight))


def best_outcomes(questions: Sequence[Mined], scores: Sequence[Floats]) -> Outcomes:
    """Return the best hit of each question, with and without its relevant passages (see evaluation.calibration)."""
    relevant = (np.array([each.grade > 0 for each in question.candidates[:DEPTH]]) for question in questions)
    return best_hits(zip(scores, relevant, strict=True))
