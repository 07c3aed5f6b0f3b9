"""`resift train`: an engine of its own to mine with, then the training floor."""

from __future__ import annotations

import sys
from contextlib import redirect_stdout
from typing import TYPE_CHECKING

import anyio
from filelock import FileLock, Timeout
from rich.markup import escape
from rich.table import Table

from ...core.errors import InvalidInput
from ...factories.engine import build_engine
from ...settings.load import Settings
from ...training.mining import Miner, mine
from ...training.plan import TrainingPlan, begin, check
from .console import ERR, OUT, progress_bar

if TYPE_CHECKING:
    from ...training.card import ModelCard


def run_train(settings: Settings, plan: TrainingPlan) -> None:
    """Mine, train, export; say what came of it. A run that was killed goes on, one that has finished is left alone.

    Raises:
        InvalidInput: the plan cannot be carried out, or the data holds nothing to learn from.
        ModelError: the int8 model does not rank as the trained one.
    """
    check(plan)
    begin(plan)
    try:
        with FileLock(plan.work / "lock", timeout=0):
            card = None if plan.finished else _run(settings, plan)
    except Timeout as error:
        raise InvalidInput(f"Another `resift train` is at work in {plan.out}. Wait for it, or stop it.") from error
    if card is None:
        OUT.print(f"{escape(str(plan.out))} is finished: nothing was trained again.", highlight=False, soft_wrap=True)
    else:
        _print(card)
    OUT.print(f"Use it: RESIFT_RERANKER={escape(str(plan.out))}", highlight=False, soft_wrap=True)


def _run(settings: Settings, plan: TrainingPlan) -> ModelCard:
    anyio.run(_mine, settings.model_copy(update={"data_dir": plan.work / "store"}), plan)
    ERR.print("Loading torch ...", style="dim")
    from ...training.job import train

    with redirect_stdout(sys.stderr):  # the trainer prints its losses
        return train(plan)


async def _mine(settings: Settings, plan: TrainingPlan) -> None:
    engine = build_engine(settings)
    try:
        with progress_bar("mining") as progress:
            await mine(plan, Miner(engine.services.pipeline, engine.services.ingestor, progress))
    finally:
        await engine.close()


def _print(card: ModelCard) -> None:
    orders = Table("order of the first 25 hits", "nDCG@10", title=f"{card.questions} development questions")
    for name, value in card.quality.items():
        orders.add_row(name, f"{value:.4f}")
    OUT.print(orders)
    variants = Table("model", "Kendall's tau", "nDCG@10 alone", "MB", "ms per pair", title="Kept in int8")
    for name, found in card.variants.items():
        megabytes = f"{found.size_bytes / 1e6:.1f}"
        label = f"[bold]{name}[/bold]" if name == card.shipped else name
        variants.add_row(label, f"{found.tau:.3f}", f"{found.ndcg:.4f}", megabytes, f"{found.milliseconds:.1f}")
    OUT.print(variants)
