"""`resift tune`: weights, depth and calibration for the user's own questions, stored with the collection."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ...core.errors import InvalidInput
from ...core.text import counted
from .command import CollectionName, given_options, option_of, run_on_engine
from .console import progress_bar, say, show
from .tune_tables import fit_table, verdict_table

if TYPE_CHECKING:
    from ...evaluation.judged import JudgedSet
    from ...evaluation.tuning.ranking_fit import RankingFit
    from ...evaluation.tuning.tuner import Tuner
    from ...factories.engine import Engine

SAMPLE_SEED = 1

DRY_RUN = "Nothing was written: this was a dry run."

STORED = "Stored with collection {0!r}. To remove it, run: resift tune --reset -c {0}"

USED_WITH = {
    "data": ("reranker", "split", "questions", "force", "verdicts"),
    "feedback": ("reranker", "questions", "force", "position_bias"),
    "memory": ("apply",),
    "reset": (),
}
"""The options that have an effect only with one of those that say what to do, by the name of its parameter."""

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command("tune")
def tune_command(
    context: typer.Context,
    data: Annotated[
        Path | None, typer.Option(exists=True, help="Judged questions: a folder in BEIR form, or a .jsonl file.")
    ] = None,
    collection: CollectionName = "default",
    reranker: Annotated[str, typer.Option(help='"default" or a configured name.')] = "default",
    split: Annotated[str, typer.Option(help="The split of a folder to use. Default: train, if there is one.")] = "",
    questions: Annotated[int, typer.Option(min=0, help="Most questions to ask; 0: all.")] = 300,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what would be stored or removed, write nothing.")
    ] = False,
    force: Annotated[bool, typer.Option("--force", help="Write even if the gain may be chance.")] = False,
    reset: Annotated[bool, typer.Option("--reset", help="Remove the collection's tuning.")] = False,
    feedback: Annotated[bool, typer.Option("--feedback", help="Learn from what record_feedback recorded.")] = False,
    position_bias: Annotated[
        float,
        typer.Option(
            min=0, max=2, help="With --feedback: a hit at rank r is assumed to be seen with probability 1/r^bias."
        ),
    ] = 1.0,
    verdicts: Annotated[
        bool, typer.Option("--verdicts", help="With --data: fit verdicts instead of weights and depth.")
    ] = False,
    memory: Annotated[bool, typer.Option("--memory", help="Compare quantizations; needs no questions.")] = False,
    apply: Annotated[bool, typer.Option("--apply", help="With --memory: switch to the recommended one.")] = False,
) -> None:
    """Find the weights, depth and calibration that suit your questions, and store them with the collection."""
    _refuse_unused(context)
    if memory:
        from .collections.optimize import compare_memory

        if not run_on_engine(lambda engine: compare_memory(engine, collection, apply=apply and not dry_run)):
            raise typer.Exit(1)
    elif reset:
        run_on_engine(lambda engine: run_reset(engine, collection, dry_run=dry_run))
    else:
        request = TuneRequest(
            data=data,
            collection=collection,
            reranker=reranker,
            split=split,
            questions=questions,
            dry_run=dry_run,
            force=force,
            position_bias=position_bias,
        )
        run_on_engine(lambda engine: run_verdicts(engine, request) if verdicts else run_tune(engine, request))


def _refuse_unused(context: typer.Context) -> None:
    """Check that one of the options says what to do, and that every other one given has an effect.

    Raises:
        BadParameter: One has none.
    """
    given = given_options(context)
    chosen = [name for name in given if name in USED_WITH]
    if len(chosen) != 1:
        raise typer.BadParameter("Give one of --data, --feedback, --memory and --reset.")
    unused = {name for names in USED_WITH.values() for name in names}.difference(USED_WITH[chosen[0]])
    for name in given:
        option = option_of(name)
        if name in unused:
            others = " or ".join(f"--{each}" for each, names in USED_WITH.items() if name in names)
            raise typer.BadParameter(f"{option} has no effect with --{chosen[0]}: it is for {others}. Leave it out.")
        if name == "split" and not context.params["data"].is_dir():
            raise typer.BadParameter(f"{option} is for a folder in BEIR form. Leave it out.")


@dataclass(frozen=True, slots=True)
class TuneRequest:
    """What to tune for which collection, and on which questions."""

    data: Path | None
    """Judged questions; None is the recorded feedback."""
    collection: str
    reranker: str
    split: str = ""
    questions: int = 0
    """The most questions to ask; 0 is all."""
    dry_run: bool = False
    force: bool = False
    position_bias: float = 1.0


async def run_tune(engine: Engine, request: TuneRequest) -> None:
    """Fit the ranking, show the gain, and store what was found with the collection.

    Raises:
        InvalidInput: There are too few questions, or the gain may be chance; then nothing is stored.
    """
    from ...evaluation.tuning.tuner import Tuner

    tuner = await Tuner.open(engine.services.pipeline, request.collection, request.reranker)
    now = datetime.now(UTC)
    if request.data is None:
        fit = await _fit_feedback(engine, tuner, request, now)
    else:
        fit = await _fit_judged(tuner, request, request.data, now)
    if fit.unread:
        questions = counted(fit.unread, "question")
        say(f"{questions} left out: the reranker knows less than half of the letters.", style="yellow")
    show(fit_table(fit, title=f"{request.collection}, {tuner.model}"))
    say(_gain_line(fit))
    if request.dry_run:
        say(DRY_RUN)
    elif not fit.changes_settings:
        say("Nothing was written: the current settings are already the best that was found.")
    else:
        await save_gain(tuner, fit, force=request.force, now=now)
        say(STORED.format(request.collection))


async def save_gain(tuner: Tuner, fit: RankingFit, *, force: bool, now: datetime) -> None:
    """Store what gains beyond chance: all that was found, or the calibration alone.

    Raises:
        InvalidInput: Neither does.
    """
    alone = fit.relevance_alone
    if fit.is_safe or force or alone is None or alone.calibration is None:
        _refuse_without_gain(fit.is_safe, fit.gain.low, force=force)
        await tuner.save(fit, now=now)
        return
    await tuner.save_calibration(alone.calibration, questions=fit.questions, now=now)
    say(
        f"Weights and depth stay as they are: their gain may be chance, as its interval begins at {fit.gain.low:+.4f}. "
        f"The calibration of relevance is better beyond chance (log loss {alone.loss_before:.3f} to "
        f"{alone.loss_after:.3f} on questions held out), and is written alone."
    )


async def run_verdicts(engine: Engine, request: TuneRequest) -> None:
    """Fit verdicts, show how they judge questions held out, and store what was found with the collection.

    Raises:
        InvalidInput: There are too few questions, or the gain may be chance; then nothing is stored.
    """
    from ...evaluation.tuning.tuner import Tuner
    from ...evaluation.tuning.verdict_tuner import describe_samples, fit_own_verdicts, save_verdicts

    if request.data is None:
        raise InvalidInput("Verdicts are fitted to judged questions: give --data.")
    tuner = await Tuner.open(engine.services.pipeline, request.collection, request.reranker)
    judged = _load(request, request.data, allow_unanswered=True)
    with progress_bar("Searching") as progress:
        fit = await fit_own_verdicts(tuner, judged, progress=progress)
    if fit.left_out:
        questions = counted(fit.left_out, "question")
        say(f"{questions} left out: {request.collection!r} holds no document that answers them.")
    if fit.unread:
        questions = counted(fit.unread, "question")
        say(f"{questions} left out: the reranker can read fewer than two hits, or not the question.", style="yellow")
    say(describe_samples(fit.samples))
    show(verdict_table(fit, title=f"{request.collection}, {tuner.model}, verdicts on questions held out"))
    say(
        f"Log loss on questions held out shrinks by {fit.gain.mean:+.4f}, 95 % interval {fit.gain.low:+.4f} to "
        f"{fit.gain.high:+.4f} ({fit.questions} questions)"
    )
    if request.dry_run:
        say(DRY_RUN)
        return
    _refuse_without_gain(fit.gain.low > 0, fit.gain.low, force=request.force)
    await save_verdicts(tuner, fit, now=datetime.now(UTC))
    say(STORED.format(request.collection))


async def run_reset(engine: Engine, name: str, *, dry_run: bool = False) -> None:
    """Remove a collection's tuning, or say which that would be."""
    from ...evaluation.tuning.tuner import forget_tuning, tuned_rerankers

    collection = await engine.services.pipeline.open(name)
    if not (tuned := ", ".join(tuned_rerankers(collection))):
        say(f"{name}: nothing was tuned.")
    elif dry_run:
        say(f"{name}: has a tuning for {tuned}, to be removed.")
    else:
        await forget_tuning(collection)
        say(f"{name}: removed the tuning for {tuned}.")
    if dry_run:
        say(DRY_RUN)


def _load(request: TuneRequest, data: Path, *, allow_unanswered: bool = False) -> JudgedSet:
    from ...evaluation.judged import describe_left_out, join_repeated
    from ...evaluation.judged_files import load_judged

    judged = load_judged(
        data,
        split=request.split,
        preferred_split="train",
        queries=request.questions,
        seed=SAMPLE_SEED,
        allow_unanswered=allow_unanswered,
    )
    judged = join_repeated(judged)
    for line in describe_left_out(judged, split=judged.split):
        say(line, style="yellow")
    return judged


async def _fit_judged(tuner: Tuner, request: TuneRequest, data: Path, now: datetime) -> RankingFit:
    found = await tuner.answerable(_load(request, data))
    if found.left_out:
        example = f" (for example, it lacks {found.missing!r})" if found.missing else ""
        reason = f"{request.collection!r} holds no document that answers them{example}"
        say(f"{counted(found.left_out, 'question')} left out: {reason}.", style="yellow")
    with progress_bar("Searching") as progress:
        return await tuner.fit_judged(found.judged, now=now, progress=progress)


async def _fit_feedback(engine: Engine, tuner: Tuner, request: TuneRequest, now: datetime) -> RankingFit:
    uses = await engine.feedback.uses(request.collection)
    with progress_bar("Searching") as progress:
        return await tuner.fit_feedback(
            uses, most=request.questions, now=now, position_bias=request.position_bias, progress=progress
        )


def _refuse_without_gain(is_safe: bool, low: float, *, force: bool) -> None:
    if not is_safe and not force:
        raise InvalidInput(
            f"Nothing was written: the gain may be chance, as its interval begins at {low:+.4f}. Judge more "
            "questions, or store it anyway with --force."
        )


def _gain_line(fit: RankingFit) -> str:
    gain = fit.gain
    return (
        f"Gain on questions held out: {gain.mean:+.4f} nDCG@10, 95 % interval {gain.low:+.4f} to {gain.high:+.4f} "
        f"({fit.questions} questions)"
    )
