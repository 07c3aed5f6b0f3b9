"""`resift tune`: weights, depth and calibration for the user's own questions, stored with the collection."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ...core.errors import InvalidInput
from .command import CollectionName, run_on_engine
from .console import progress_bar, say, show

if TYPE_CHECKING:
    from rich.table import Table

    from ...evaluation.judged import Judged
    from ...evaluation.tuning.fit import Fit
    from ...factories.engine import Engine
    from ...pipeline.pipeline import Pipeline
    from ...rerank.protocols import Reranker
    from ...store.manifest import Tuning
    from ...store.protocols import Collection

SEED = 1

app = typer.Typer()


@app.command("tune")
def tune_command(
    data: Annotated[
        Path | None, typer.Option(exists=True, help="Judged questions: a folder in BEIR form, or a .jsonl file.")
    ] = None,
    collection: CollectionName = "default",
    reranker: Annotated[str, typer.Option(help='"default" or a configured name.')] = "default",
    split: Annotated[str, typer.Option(help="The split of a folder to use. Default: train, if there is one.")] = "",
    questions: Annotated[int, typer.Option(min=0, help="Most questions to ask; 0: all.")] = 300,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show the gain, write nothing.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Write even if the gain may be chance.")] = False,
    reset: Annotated[bool, typer.Option("--reset", help="Remove the collection's tuning.")] = False,
    feedback: Annotated[bool, typer.Option("--feedback", help="Learn from what record_feedback recorded.")] = False,
    position_bias: Annotated[
        float,
        typer.Option(
            min=0, max=2, help="With --feedback: a hit at rank r is assumed to be seen with probability 1/r^bias."
        ),
    ] = 1.0,
    memory: Annotated[bool, typer.Option("--memory", help="Compare quantizations; needs no questions.")] = False,
    apply: Annotated[bool, typer.Option("--apply", help="With --memory: switch to the recommended one.")] = False,
) -> None:
    """Find the weights, depth and calibration that suit your questions, and store them with the collection."""
    if [data is not None, reset, memory, feedback].count(True) != 1 or (apply and not memory):
        raise typer.BadParameter("Give one of --data, --feedback, --memory and --reset; --apply needs --memory.")
    if memory:
        from .optimize import compare_memory

        if not run_on_engine(lambda engine: compare_memory(engine, collection, apply=apply)):
            raise typer.Exit(1)
    elif reset:
        run_on_engine(lambda engine: run_reset(engine, collection))
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
        run_on_engine(lambda engine: run_tune(engine, request))


@dataclass(frozen=True, slots=True)
class TuneRequest:
    """What the command line asked for."""

    data: Path | None
    """Judged questions; None is what was recorded with record_feedback."""
    collection: str
    reranker: str
    split: str = ""
    questions: int = 0
    """Most questions to ask; 0 is all."""
    dry_run: bool = False
    force: bool = False
    position_bias: float = 1.0


async def run_tune(engine: Engine, request: TuneRequest) -> None:
    """Ask, fit, show the gain and store what was found with the collection.

    Raises:
        InvalidInput: When there are too few questions, or nothing shows that the tuning helps; nothing is kept then.
    """
    from ...pipeline.plan import tuning_of

    pipeline = engine.services.pipeline
    reranker = _tunable(pipeline, request.reranker)
    collection = await pipeline.open(request.collection)
    if request.data is None:
        fit = await _fit_uses(engine, request, collection, reranker)
    else:
        fit = await _fit_judged(pipeline, _read(request, request.data), request, collection, reranker)
    show(fit_table(fit, title=f"{request.collection}, {reranker.name}"))
    say(_gain_line(fit))
    if request.dry_run:
        say("Nothing was written: this was a dry run.")
    elif not fit.changes:
        say("Nothing was written: the current settings are already the best that was found.")
    else:
        _refuse_without_gain(fit, force=request.force)
        found = to_tuning(fit, model=reranker.fingerprint)
        known = tuning_of(reranker, collection.manifest.tuning)
        if known is not None and not fit.calibrates:
            found = replace(found, calibration=known.calibration)
        tuning = {**collection.manifest.tuning, reranker.name: found}
        await collection.remember(replace(collection.manifest, tuning=tuning))
        say(f"Stored with collection {request.collection!r}. To remove it, run: resift tune --reset")


async def _fit_judged(
    pipeline: Pipeline, judged: Judged, request: TuneRequest, collection: Collection, reranker: Reranker
) -> Fit:
    from ...evaluation.tuning.fit import tune
    from ...evaluation.tuning.samples import collect
    from ...pipeline.question import Question

    judged = await _answerable(judged, collection)
    question = Question("", collection=request.collection, reranker=request.reranker)
    with progress_bar("Asking") as progress:
        samples = await collect(pipeline, judged, question, now=datetime.now(UTC), progress=progress)
    return tune(samples, weights=pipeline.configured_weights(reranker), relevance=reranker.relevance)


async def _fit_uses(engine: Engine, request: TuneRequest, collection: Collection, reranker: Reranker) -> Fit:
    """Fit weights alone, beginning with those in use: what was never shown was never used, whatever the depth."""
    from ...evaluation.tuning.feedback import collect_uses
    from ...evaluation.tuning.fit import FEWEST_QUESTIONS, tune
    from ...pipeline.plan import tuned_weights, tuning_of
    from ...pipeline.question import DEFAULT_DEPTH, Question

    pipeline = engine.services.pipeline
    uses = [use for use in await engine.feedback.uses(request.collection) if use.searched.plain]
    held = await collection.entries(sorted({each.document_id for use in uses for each in use.used}))
    uses = [use for use in uses if any(each.document_id in held for each in use.used)][-request.questions :]
    if len(uses) < FEWEST_QUESTIONS:
        raise InvalidInput(
            f"{len(uses)} searches of {request.collection!r} with a hit that was used are too few: below "
            f"{FEWEST_QUESTIONS} chance decides. Set RESIFT_FEEDBACK=true and let agents call record_feedback."
        )
    question = Question("", collection=request.collection, reranker=request.reranker)
    with progress_bar("Asking") as progress:
        samples = await collect_uses(
            pipeline,
            uses,
            question,
            now=datetime.now(UTC),
            position_bias=request.position_bias,
            progress=progress,
        )
    known = tuning_of(reranker, collection.manifest.tuning)
    weights = (
        pipeline.configured_weights(reranker) if known is None else tuned_weights(known.weights, pipeline.metadata)
    )
    return tune(samples, weights=weights, relevance=None, depths=[known.depth if known else DEFAULT_DEPTH])


def _tunable(pipeline: Pipeline, name: str) -> Reranker:
    """Return the reranker of a choice that has one stage, which scores.

    Raises:
        InvalidInput: When it has none, or several.
    """
    cascade, known = pipeline.cascade(name), ", ".join(pipeline.rerankers)
    if cascade is None or cascade.reranker is None:
        raise InvalidInput(f"Without a reranker there is nothing to tune. Name one with --reranker. Known: {known}.")
    if len(cascade.steps) > 1:
        stages = ", ".join(step.name for step in cascade.steps)
        raise InvalidInput(f"{name!r} has several stages: {stages}. Tune the first of them with --reranker.")
    return cascade.reranker


async def run_reset(engine: Engine, name: str) -> None:
    """Remove a collection's tuning."""
    collection = await engine.services.pipeline.open(name)
    forgotten = ", ".join(collection.manifest.tuning)
    await collection.remember(replace(collection.manifest, tuning={}))
    say(f"{name}: removed the tuning for {forgotten}." if forgotten else f"{name}: nothing was tuned.")


def to_tuning(fit: Fit, *, model: str) -> Tuning:
    """Return what a collection keeps of a fit."""
    from ...store.manifest import Tuning

    return Tuning(
        weights=fit.after.weights,
        depth=fit.after.depth,
        calibration=fit.calibration,
        questions=fit.questions,
        gain=round(fit.gain.mean, 4),
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        model=model,
    )


def fit_table(fit: Fit, *, title: str) -> Table:
    """Return settings and figures before and after."""
    from rich.table import Table

    table = Table("", "settings", "tuned", title=title)
    for name in fit.after.weights:
        table.add_row(f"weight of {name}", f"{fit.before.weights.get(name, 0):.2f}", f"{fit.after.weights[name]:.2f}")
    table.add_row("depth, in documents", str(fit.before.depth), str(fit.after.depth))
    table.add_row("nDCG@10, same questions", f"{fit.before.ndcg:.4f}", f"{fit.after.ndcg:.4f}")
    table.add_row("nDCG@10, held out", f"{fit.before.ndcg:.4f}", f"{fit.before.ndcg + fit.gain.mean:.4f}")
    if fit.calibrates:
        table.add_row("log loss of relevance, held out", f"{fit.loss_before:.3f}", f"{fit.loss_after:.3f}")
    return table


def _read(request: TuneRequest, data: Path) -> Judged:
    """Return the judged questions: of a folder's split, by default the one for training, or of a list."""
    from ...evaluation.judged import choose_split, load, sample, splits
    from ...evaluation.questions import read_questions

    if not data.is_dir():
        judged = read_questions(data)
    else:
        split = request.split or ("train" if "train" in splits(data) else choose_split(data))
        judged = load(data, split)
    return sample(judged, request.questions, seed=SEED)


async def _answerable(judged: Judged, collection: Collection) -> Judged:
    """Return the questions that a document of the collection answers; say how many others there are.

    Raises:
        InvalidInput: When they are too few to learn from.
    """
    from ...evaluation.tuning.fit import FEWEST_QUESTIONS

    named = {document for row in judged.grades.values() for document in row}
    held = await collection.entries(sorted(named))
    kept = {
        key: query
        for key, query in judged.queries.items()
        if any(grade > 0 and document in held for document, grade in judged.grades[key].items())
    }
    left_out = len(judged.queries) - len(kept)
    if left_out:
        missing = min(named - held.keys(), default="")
        which = f" (no {missing!r}, for one)" if missing else ""
        note = f"{left_out} questions left out: {collection.name!r} holds no document that answers them{which}."
        say(note, style="yellow")
    if len(kept) < FEWEST_QUESTIONS:
        raise InvalidInput(
            f"{len(kept)} judged questions that documents of {collection.name!r} answer are too few: below "
            f"{FEWEST_QUESTIONS} chance decides. Judge more; their ids are `document_id` in `resift search --json`."
        )
    return replace(judged, queries=kept)


def _refuse_without_gain(fit: Fit, *, force: bool) -> None:
    if not fit.is_safe and not force:
        raise InvalidInput(
            f"Nothing was written: the gain may be chance, for its interval begins at {fit.gain.low:+.4f}. Judge "
            "more questions, or write it all the same with --force."
        )


def _gain_line(fit: Fit) -> str:
    gain = fit.gain
    return (
        f"Gain on questions held out: {gain.mean:+.4f} nDCG@10, 95 % interval {gain.low:+.4f} to {gain.high:+.4f} "
        f"({fit.questions} questions)"
    )
