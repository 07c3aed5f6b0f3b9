"""From mined questions to a reranker: draw lists, fit, export, calibrate, write the card."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from random import Random

from ..core.errors import InvalidInput, ModelError
from ..core.values import Logistic
from ..evaluation.tuning.calibration import Outcomes, fit_logistic, reliability, smoothed
from ..models.bundled import MODEL_FILE, TOKENIZER_FILE, sha256_of
from ..models.pair.scorer import MAX_QUERY_TOKENS
from ..models.pair.spec import SPEC_FILE, Calibration, RerankerSpec
from .base import base_name, is_own
from .card import ModelCard, TrainedOn
from .export import COMPARED, SHIPPED, Exported, export
from .fit import DEPTH, best_outcomes, best_weight, fit, mean_ndcg
from .graph.dequantize import unpack
from .lists import Drawn, TrainingSource, draw_lists, read_source
from .mined import Mined, MinedFile, write_whole
from .network import build_network
from .plan import TrainingPlan
from .teacher import RERANKER_SHARE, RETRIEVAL_SHARE, TrainingList, of_reranker, of_retrieval, teach

MOST_DEVELOPMENT = 300  # questions: 7,500 pairs to score with every variant

CARD_FILE = "README.md"


def train(plan: TrainingPlan) -> ModelCard:
    """Train on what was mined, write the reranker into `plan.out`, and return what its card says.

    Raises:
        InvalidInput: nothing can be learnt from the data.
        ModelError: the int8 model does not rank as the trained one, or the trained one has learnt nothing.
    """
    random = Random(plan.recipe.seed)  # noqa: S311 - repeatable, not secret
    sources, dev = read_mined(plan, random)
    count = plan.recipe.steps * plan.recipe.batch
    drawn = draw_lists(sources, list(plan.data.values()), count, random=random, unlabelled=plan.distilled)
    network = build_network(_base(plan), window=plan.window, layers=plan.layers)
    step = fit(network, _taught(plan, drawn), dev, plan.recipe, plan.work / "checkpoints")
    return describe(plan, _trained_on(plan, sources), dev, export(network, dev, plan.out), step=step)


def describe(
    plan: TrainingPlan, sets: Sequence[TrainedOn], dev: Sequence[Mined], exported: Exported, *, step: int
) -> ModelCard:
    """Write the card and the configuration beside the model; the configuration last, for it makes the folder whole.

    step: how many steps the model was trained for.
    """
    weight = best_weight(dev, exported.scores)
    best = best_outcomes(dev, exported.scores)
    calibration = _calibrated(best)
    sums = {name: sha256_of(plan.out / name) for name in (MODEL_FILE, TOKENIZER_FILE)}
    card = ModelCard(
        name=plan.name,
        base=base_name(plan.base_folder()),
        window=plan.window,
        training_window=min(plan.recipe.window, plan.window),
        layers=exported.layers,
        sets=sets,
        dev=[folder.resolve().name for folder in plan.dev],
        questions=len(dev),
        compared=min(COMPARED, len(dev)),
        step=step,
        lists=step * plan.recipe.batch,
        options=plan.options(),
        teacher=f"the reranker {plan.taught_by().name}" if plan.teacher else "retrieval",
        share=RERANKER_SHARE if plan.teacher else RETRIEVAL_SHARE,
        distilled=plan.distilled,
        variants=exported.variants,
        shipped=SHIPPED,
        calibration=calibration,
        reliability=reliability(calibration, best),
        quality=measured(dev, exported, weight),
        sums=sums,
    )
    (plan.out / CARD_FILE).write_text(card.text(), encoding="utf-8")
    spec = _spec(plan, calibration, weight, sums)
    write_whole(plan.out / SPEC_FILE, spec.model_dump_json(indent=2) + "\n")
    return card


def _spec(plan: TrainingPlan, calibration: Logistic, weight: float, sums: Mapping[str, str]) -> RerankerSpec:
    """Return the configuration: how the model reads, and what its scores mean."""
    return RerankerSpec(
        name=plan.name,
        window=plan.window,
        query_tokens=min(MAX_QUERY_TOKENS, plan.window // 2),
        calibration=Calibration(slope=calibration.slope, intercept=calibration.intercept),
        weights={"fused": round(1 - weight, 3), "rerank": weight},
        sha256=dict(sums),
    )


def measured(dev: Sequence[Mined], exported: Exported, weight: float) -> dict[str, float]:
    """Return nDCG@10 on the development questions of retrieval, of the reranker alone and of the blend."""
    shares = {"hybrid": 0.0, "reranker alone": 1.0, f"blend, weight {weight:g}": weight}
    return {name: mean_ndcg(dev, exported.scores, weight=share) for name, share in shares.items()}


def read_mined(plan: TrainingPlan, random: Random) -> tuple[list[TrainingSource], list[Mined]]:
    """Return what to learn from, by folder, and the questions that decide when to stop.

    Raises:
        InvalidInput: nothing is left of a folder, or no question can decide.
    """
    dev = [mined for folder in plan.dev for mined in MinedFile(plan.mined(folder)).read() if mined.judged]
    sources: list[TrainingSource] = []
    for folder in plan.data:
        source, held_out = read_source(plan.mined(folder), hold_out=not plan.dev, random=random)
        if not source.judged and not source.unlabelled:
            raise InvalidInput(f"{folder} has no question with enough candidates to learn from. Leave it out.")
        sources.append(source)
        dev += held_out
    random.shuffle(dev)
    dev = [each for each in dev if len(each.candidates) > 1][:MOST_DEVELOPMENT]
    if not any(candidate.grade > 0 for each in dev for candidate in each.candidates[:DEPTH]):
        raise InvalidInput(
            "No judged question, of whose relevant documents search finds one, is left to decide when to stop. "
            "Add judged questions, or name a folder with --dev."
        )
    return sources, dev


def _calibrated(best: Outcomes) -> Logistic:
    scores, relevant = best
    found = fit_logistic([(scores, smoothed(relevant))])
    if found.slope <= 0:
        raise ModelError(
            "The reranker has learnt nothing: on the development questions a higher score does not mean a better hit. "
            "Train on more judged questions, or longer (--steps)."
        )
    return found


def _base(plan: TrainingPlan) -> Path:
    """Return the folder of the weights to start from; those of a reranker of Resift's own are unpacked first."""
    folder = plan.base_folder()
    return unpack(folder, plan.work / "base") if is_own(folder) else folder


def _taught(plan: TrainingPlan, drawn: Iterable[Drawn]) -> Iterator[TrainingList]:
    if not plan.teacher:
        return teach(drawn, of_retrieval, share=RETRIEVAL_SHARE)
    scorer = plan.taught_by().open()
    return teach(drawn, of_reranker(scorer), share=RERANKER_SHARE, threads=os.cpu_count() or 1)


def _trained_on(plan: TrainingPlan, sources: Sequence[TrainingSource]) -> list[TrainedOn]:
    pairs = zip(plan.data.items(), sources, strict=True)
    return [TrainedOn(folder, weight, len(source.judged)) for (folder, weight), source in pairs]
