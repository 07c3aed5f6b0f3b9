"""Make a reranker from mined questions: draw lists, train, export, calibrate, write the card."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from random import Random

from sentence_transformers.cross_encoder import CrossEncoder

from ..core.errors import InvalidInput, ModelError
from ..core.values import Logistic
from ..evaluation.tuning.calibration import Outcomes, fit_logistic, reliability, smoothed
from ..models.bundled import MODEL_FILE, TOKENIZER_FILE, sha256_of
from ..models.pair.scorer import MAX_QUERY_TOKENS
from ..models.pair.spec import SPEC_FILE, Calibration, RerankerSpec
from .averaging import average, find_weights
from .base_model import base_model_name, is_resift_reranker
from .card import ModelCard
from .development import DEPTH, best_outcomes, best_weight, mean_ndcg
from .export import COMPARED_QUESTIONS, SHIPPED, Exported, export
from .graph.dequantize import unpack
from .lists.drawing import CandidateList, TrainingSource, draw_lists, read_source
from .lists.teacher import (
    RERANKER_SHARE,
    RETRIEVAL_SHARE,
    TrainingList,
    add_targets,
    score_by_reranker,
    score_by_retrieval,
)
from .mined import MinedFile, MinedQuestion, write_atomically
from .network import build_network
from .origin import Averaged, AveragedModel, Origin, Trained, TrainingSet
from .planning import CARD_FILE, TrainingPlan
from .trainer import train_network

MAX_DEVELOPMENT_QUESTIONS = 300  # 7,500 pairs to score


def train(plan: TrainingPlan) -> ModelCard:
    """Train on the mined questions or average rerankers, write the result to `plan.out` and return its card.

    Raises:
        InvalidInput: The data has nothing to learn from, or the rerankers have no mean.
        ModelError: The int8 model does not rank like the trained one, or training had no effect.
    """
    random = Random(plan.recipe.seed)  # noqa: S311 - repeatable, not secret
    sources, dev = read_training_data(plan, random)
    network, origin = _averaged(plan) if plan.average else _trained(plan, sources, dev, random)
    return write_description(plan, origin, dev, export(network, dev, plan.out))


def _trained(
    plan: TrainingPlan, sources: Sequence[TrainingSource], dev: Sequence[MinedQuestion], random: Random
) -> tuple[CrossEncoder, Trained]:
    count = plan.recipe.steps * plan.recipe.batch
    lists = draw_lists(sources, list(plan.data.values()), count, random=random, unlabelled=plan.distilled)
    network = build_network(_base(plan), window=plan.window, layers=plan.layers)
    step = train_network(network, _with_targets(plan, lists), dev, plan.recipe, plan.work / "checkpoints")
    pairs = zip(plan.data.items(), sources, strict=True)
    sets = [TrainingSet.of(labelled, weight, source.judged) for (labelled, weight), source in pairs]
    return network, describe_run(plan, sets, step=step)


def describe_run(plan: TrainingPlan, sets: Sequence[TrainingSet], *, step: int) -> Trained:
    """Return what the card says about a run that ended with the weights of a step."""
    return Trained(
        base=base_model_name(plan.base_folder()),
        window=min(plan.recipe.window, plan.window),
        sets=sets,
        dev=[each.name for each in plan.dev],
        step=step,
        lists=step * plan.recipe.batch,
        options=plan.options(),
        teacher=f"the reranker {plan.teacher_model().name}" if plan.teacher else "retrieval",
        share=RERANKER_SHARE if plan.teacher else RETRIEVAL_SHARE,
        distilled=plan.distilled,
    )


def _averaged(plan: TrainingPlan) -> tuple[CrossEncoder, Averaged]:
    folders = {find_weights(folder): share for folder, share in plan.average.items()}
    network = build_network(average(folders, plan.work / "average"), window=plan.window)
    members = [AveragedModel.of(folder, share) for folder, share in plan.average.items()]
    return network, Averaged(members, [each.name for each in plan.dev])


def write_description(
    plan: TrainingPlan, origin: Origin, dev: Sequence[MinedQuestion], exported: Exported
) -> ModelCard:
    """Write the card and then reranker.json beside the model, and return the card.

    reranker.json comes last because it marks the folder as complete.
    """
    weight = best_weight(dev, exported.scores)
    best = best_outcomes(dev, exported.scores)
    calibration = _calibrate(best)
    sums = {name: sha256_of(plan.out / name) for name in (MODEL_FILE, TOKENIZER_FILE)}
    card = ModelCard(
        name=plan.name,
        window=plan.window,
        layers=exported.layers,
        origin=origin,
        questions=len(dev),
        compared=min(COMPARED_QUESTIONS, len(dev)),
        variants=exported.variants,
        shipped=SHIPPED,
        calibration=calibration,
        reliability=reliability(calibration, best),
        quality=measured(dev, exported, weight),
        sums=sums,
    )
    (plan.out / CARD_FILE).write_text(card.text(), encoding="utf-8")
    spec = _spec(plan, calibration, weight, sums)
    write_atomically(plan.out / SPEC_FILE, spec.model_dump_json(indent=2) + "\n")
    return card


def _spec(plan: TrainingPlan, calibration: Logistic, weight: float, sums: Mapping[str, str]) -> RerankerSpec:
    """Return the contents of reranker.json."""
    return RerankerSpec(
        name=plan.name,
        window=plan.window,
        query_tokens=min(MAX_QUERY_TOKENS, plan.window // 2),
        calibration=Calibration(slope=calibration.slope, intercept=calibration.intercept),
        weights={"fused": round(1 - weight, 3), "rerank": weight},
        fits_int16=True,
        sha256=dict(sums),
    )


def measured(dev: Sequence[MinedQuestion], exported: Exported, weight: float) -> dict[str, float]:
    """Return nDCG@10 on the development questions: of retrieval, of the reranker alone and of the blend."""
    shares = {"hybrid": 0.0, "reranker alone": 1.0, f"blend, weight {weight:g}": weight}
    return {name: mean_ndcg(dev, exported.scores, weight=share) for name, share in shares.items()}


def read_training_data(plan: TrainingPlan, random: Random) -> tuple[list[TrainingSource], list[MinedQuestion]]:
    """Return the questions to learn from, by folder, and the development questions, which decide when to stop.

    Raises:
        InvalidInput: A folder has no usable question, or there is no usable development question.
    """
    dev = [mined for each in plan.dev for mined in MinedFile(plan.mined(each)).read()]
    sources: list[TrainingSource] = []
    for labelled in plan.data:
        source, held_out = read_source(plan.mined(labelled), hold_out=not plan.dev, random=random)
        if not source.judged and not source.unlabelled:
            raise InvalidInput(f"{labelled} has no question with enough candidates to learn from. Leave it out.")
        sources.append(source)
        dev += held_out
    dev = [each.for_measuring() for each in dev if each.judged]
    random.shuffle(dev)
    dev = [each for each in dev if len(each.candidates) > 1][:MAX_DEVELOPMENT_QUESTIONS]
    if not any(candidate.grade > 0 for each in dev for candidate in each.candidates[:DEPTH]):
        raise InvalidInput(
            "Search found no relevant document for any development question, so nothing can decide when to stop. "
            "Add judged questions, or give a folder with --dev."
        )
    return sources, dev


def _calibrate(best: Outcomes) -> Logistic:
    scores, relevant = best
    calibration = fit_logistic([(scores, smoothed(relevant))])
    if calibration.slope <= 0:
        raise ModelError(
            "Training had no effect: on the development questions, a higher score does not mean a better hit. "
            "Train on more judged questions, or longer (--steps)."
        )
    return calibration


def _base(plan: TrainingPlan) -> Path:
    """Return the folder of the weights to start from, unpacking them first from a reranker in Resift's format."""
    folder = plan.base_folder()
    return unpack(folder, plan.work / "base") if is_resift_reranker(folder) else folder


def _with_targets(plan: TrainingPlan, lists: Iterable[CandidateList]) -> Iterator[TrainingList]:
    if not plan.teacher:
        return add_targets(lists, score_by_retrieval, share=RETRIEVAL_SHARE)
    scorer = plan.teacher_model().open()
    return add_targets(lists, score_by_reranker(scorer), share=RERANKER_SHARE, threads=os.cpu_count() or 1)
