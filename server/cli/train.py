"""`resift train`: mine training data with an engine, then train."""

from __future__ import annotations

import sys
from contextlib import nullcontext, redirect_stdout
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ...core.errors import InvalidInput
from ...core.extras import require_extra
from .command import given_options, option_of, run_on_engine
from .console import note, progress_bar, say, show, stderr, warn

if TYPE_CHECKING:
    from ...factories.engine import Engine
    from ...settings.load import Settings
    from ...training.card import ModelCard
    from ...training.planning import TrainingPlan

app = typer.Typer(add_completion=False, rich_markup_mode=None)

DATA = (
    "A folder of judged questions or of graded lists, or FOLDER=WEIGHT; can be given several times. FOLDER:POOL,POOL "
    "takes some pools of graded lists."
)

DEV = "Folders, or pools of graded lists, used only to decide when to stop. Pools named here are not learned from."

AVERAGE = (
    "Average rerankers of one base instead of training: a folder from `resift train`, one of its checkpoints, or "
    '"bundled", or FOLDER=WEIGHT; can be given several times.'
)

NOT_WITH_AVERAGE = (
    *("base", "layers", "train_window", "unlabelled", "distil", "teacher"),
    *("rate", "freeze", "batch", "steps", "every"),
)


@app.command()
def train(
    context: typer.Context,
    out: Annotated[
        Path, typer.Option("--out", help="Folder for the reranker. A run that was killed continues from there.")
    ],
    data: Annotated[list[str], typer.Option("--data", help=DATA)] = [],  # noqa: B006
    dev: Annotated[list[str], typer.Option("--dev", help=DEV)] = [],  # noqa: B006
    average: Annotated[list[str], typer.Option("--average", help=AVERAGE)] = [],  # noqa: B006
    base: Annotated[str, typer.Option(help='Model to start from: a folder of a BertModel, or "bundled".')] = "bundled",
    split: Annotated[str, typer.Option(help="The split of each folder to train on.")] = "train",
    dev_split: Annotated[str, typer.Option(help="The split of the folders of --dev. Default: that of --split.")] = "",
    layers: Annotated[int, typer.Option(min=0, help="Layers of the base to keep; 0: all.")] = 0,
    window: Annotated[
        int, typer.Option(min=32, max=512, help="Most tokens of a pair of question and passage, in use.")
    ] = 256,
    train_window: Annotated[
        int, typer.Option(min=32, max=512, help="Most tokens of a pair in training. Less is faster.")
    ] = 160,
    questions: Annotated[int, typer.Option(min=1, help="Most questions of each folder.")] = 6000,
    unlabelled: Annotated[
        int, typer.Option(min=0, help="Questions to make from each folder's documents, without judgements.")
    ] = 2000,
    distil: Annotated[
        float, typer.Option(min=0, max=1, help="Share of lists that have no judgements and follow the teacher.")
    ] = 0.15,
    teacher: Annotated[
        str,
        typer.Option(help='The order to learn besides the judgements: a reranker, or "bundled". Default: retrieval.'),
    ] = "",
    rate: Annotated[float, typer.Option(min=0, help="Learning rate of the layers.")] = 5e-5,
    freeze: Annotated[
        int, typer.Option(min=0, help="Lowest layers to leave as they are, with the embeddings. Faster.")
    ] = 0,
    batch: Annotated[int, typer.Option(min=1, help="Lists in a training step, each of 8 passages.")] = 12,
    steps: Annotated[int, typer.Option(min=1, help="Training steps.")] = 1500,
    every: Annotated[
        int, typer.Option(min=1, help="Steps between two evaluations on the development questions.")
    ] = 200,
) -> None:
    """Fine-tune a reranker on judged questions and graded lists, or average several. Needs the extra `train`."""
    from ...settings.load import load_settings
    from ...training.averaging import parse_average
    from ...training.planning import Recipe, TrainingPlan
    from ...training.sets import read_sets

    if average and (unused := [name for name in given_options(context) if name in NOT_WITH_AVERAGE]):
        raise InvalidInput(f"{option_of(unused[0])} has no effect with --average. Leave it out.")
    require_extra("train", "`resift train`")
    recipe = Recipe(
        steps=steps, batch=batch, window=train_window, learning_rate=rate, evaluate_every=every, frozen_layers=freeze
    )
    mix, held_out = read_sets(data, dev, dev_split)
    plan = TrainingPlan(
        data=mix,
        out=out.absolute(),
        base=base,
        dev=held_out,
        average=parse_average(average),
        split=split,
        window=window,
        layers=layers,
        questions=questions,
        unlabelled=unlabelled,
        distilled=distil,
        teacher=teacher,
        recipe=recipe,
    )
    _run(load_settings(), plan)


def _run(settings: Settings, plan: TrainingPlan) -> None:
    """Mine, train, export and print the results. A killed run continues; a finished run is left alone.

    Raises:
        InvalidInput: If the plan cannot be carried out, or the data holds nothing to learn from.
        ModelError: If the int8 model does not rank like the trained one.
    """
    from filelock import FileLock, Timeout

    from ...training.planning import check_plan, learned_before, start_or_resume

    check_plan(plan)
    start_or_resume(plan)
    for folder, labelled in learned_before(plan):
        warn(f"{folder} has learned from {labelled}, so it looks better there than it is. Give --dev other questions.")
    try:
        with FileLock(plan.work / "lock", timeout=0):
            card = None if plan.finished else _train(settings, plan)
    except Timeout as error:
        raise InvalidInput(f"Another `resift train` is running in {plan.out}. Wait for it, or stop it.") from error
    if card is None:
        say(f"{plan.out} is finished: nothing was trained again.")
    else:
        _print_card(card)
    say(f"To use it, set RESIFT_RERANKER={plan.out}")


def _train(settings: Settings, plan: TrainingPlan) -> ModelCard:
    mining = settings.with_private_store(plan.work / "store")
    run_on_engine(lambda engine: _mine(engine, plan, mining), settings=mining)
    note("Loading torch ...", style="dim")
    from ...training.reranker import train as train_model

    # The trainer prints its losses, and on a terminal a bar of its own.
    progress = nullcontext() if stderr().is_terminal else progress_bar("Training")
    with redirect_stdout(sys.stderr), progress:
        return train_model(plan)


async def _mine(engine: Engine, plan: TrainingPlan, settings: Settings) -> None:
    from ...training.mining import Miner, mine
    from ...training.planning import check_retrieval

    sizes = settings.ingest.model_dump(mode="json", include={"max_tokens", "overlap_tokens", "min_tokens"})
    used = {**settings.search.model_dump(mode="json"), **settings.vectors.model_dump(mode="json"), **sizes}
    check_retrieval(plan, {"encoder": engine.encoder.fingerprint, **used})
    with progress_bar("mining") as progress:
        await mine(plan, Miner(engine.services.pipeline, engine.services.ingestor, progress))


def _print_card(card: ModelCard) -> None:
    from rich.table import Table

    orders = Table("order of the first 25 hits", "nDCG@10", title=f"{card.questions} development questions")
    for name, value in card.quality.items():
        orders.add_row(name, f"{value:.4f}")
    show(orders)
    variants = Table("model", "Kendall's tau", "nDCG@10 alone", "MB", "ms per pair", title="int8 variants")
    for name, found in card.variants.items():
        megabytes = f"{found.size_bytes / 1e6:.1f}"
        label = f"[bold]{name}[/bold]" if name == card.shipped else name
        variants.add_row(label, f"{found.tau:.3f}", f"{found.ndcg:.4f}", megabytes, f"{found.milliseconds:.1f}")
    show(variants)
