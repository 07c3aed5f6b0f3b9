"""`resift eval`: a judged set or a list of questions in, tables on the terminal and a folder of reports out."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ... import __version__
from ...core.errors import InvalidInput, require_extra
from .command import run_on_engine
from .console import progress_bar, say

if TYPE_CHECKING:
    from ...evaluation.judged import Judged
    from ...evaluation.systems import EvaluationTarget
    from ...factories.engine import Engine
    from ...settings.load import Settings

DRAFTS = 30  # questions to begin with: an evening's work to judge

app = typer.Typer()


@app.command("eval")
def evaluate_command(
    data: Annotated[
        Path, typer.Argument(help="Judged questions: a folder in BEIR form, or a .jsonl file of {query, relevant ids}.")
    ],
    collection: Annotated[
        str, typer.Option("--collection", "-c", help='The collection a file is about. Default: "default".')
    ] = "",
    split: Annotated[str, typer.Option(help="The split of a folder. Default: test, or the only one.")] = "",
    queries: Annotated[
        int, typer.Option(min=0, help="Ask a random sample of this size; 0: all, and 30 with --make.")
    ] = 0,
    depth: Annotated[
        int, typer.Option(min=0, max=200, help="Documents to rerank, each by its best passage; 0: as tuned, or 50.")
    ] = 0,
    depths: Annotated[str, typer.Option(help="Depths to compare, in documents.")] = "10,20,30,50,100,200",
    reranker: Annotated[str, typer.Option(help='"default" or a configured name.')] = "default",
    store: Annotated[
        Path | None, typer.Option(help="Where to index a folder's documents. Default: the user's cache folder.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Folder for the reports. Default: eval-NAME in the working directory.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Seed of the random numbers.")] = 0,
    make: Annotated[
        bool, typer.Option("--make", help="Write DATA: questions to judge, sampled from a collection.")
    ] = False,
) -> None:
    """Measure search and reranking on judged questions, and how deep to rerank."""
    from ...evaluation.systems import EvaluationTarget

    refuse_unused(data, collection=collection, split=split, store=store, make=make)
    target = EvaluationTarget(collection or "default", reranker, depth)
    request = EvaluateRequest(
        data=data, asked=target, depths=parse_depths(depths), split=split, queries=queries, seed=seed, out=out
    )
    if make:
        run_on_engine(lambda engine: run_make(engine, request))
        return
    task = read_task(request)
    run_on_engine(lambda engine: run_evaluation(engine, task), settings=settings_for(data, store))


@dataclass(frozen=True, slots=True)
class EvaluateRequest:
    """What the command line asked for: `split` "" is the set's own, `queries` 0 all; depth 0 is the collection's."""

    data: Path
    asked: EvaluationTarget
    depths: Sequence[int]
    split: str = ""
    queries: int = 0
    seed: int = 0
    out: Path | None = None


@dataclass(frozen=True, slots=True)
class EvaluationTask:
    """The judged set of a request, read; a folder's documents come with it, and it has a split."""

    request: EvaluateRequest
    judged: Judged
    split: str


def settings_for(data: Path, store: Path | None) -> Settings:
    """Return the settings: collections of judged folders are kept in `store`, by default in the user's cache."""
    from platformdirs import user_cache_path

    from ...settings.load import load_settings

    if not data.is_dir():
        return load_settings()
    return load_settings(data_dir=store or user_cache_path("resift", appauthor=False) / "eval")


def refuse_unused(data: Path, *, collection: str, split: str, store: Path | None, make: bool) -> None:
    """Refuse options that were given and would change nothing.

    Raises:
        InvalidInput: A folder is not asked of a collection of the user's; a list is, and has no splits.
    """
    if data.is_dir() and not make and collection:
        raise InvalidInput(
            f"--collection {collection!r} is for a file of questions: the folder {data} is asked of its own documents. "
            "Leave the option out."
        )
    given = [name for name, value in (("--store", store), ("--split", split)) if value]
    if given and (make or data.is_file()):
        raise InvalidInput(
            f"{given[0]} is for a folder in BEIR form: the questions of {data} are of a collection, which "
            "--collection names. Leave the option out."
        )


def parse_depths(text: str) -> tuple[int, ...]:
    """Return the depths in a list such as "10,20,50".

    Raises:
        InvalidInput: One is no number from 1 to the deepest that is reranked.
    """
    from ...pipeline.question import MAX_RESULTS

    parts = [part.strip() for part in text.split(",")]
    if any(not part.isdecimal() or not 1 <= int(part) <= MAX_RESULTS for part in parts):
        raise InvalidInput(f"--depths {text!r}: give numbers from 1 to {MAX_RESULTS}, as in 10,20,50.")
    return tuple(sorted({int(part) for part in parts}))


def read_task(request: EvaluateRequest) -> EvaluationTask:
    """Read the data before anything else is opened.

    Raises:
        ResiftError: The data cannot be used as it is, or the extra is not installed.
    """
    from ...evaluation.judged import choose_split, load, sample
    from ...evaluation.questions import read_questions

    require_extra("eval", "`resift eval`")
    split = ""
    if request.data.is_dir():
        split = request.split or choose_split(request.data)
        judged = _with_plain_name(load(request.data, split))
    else:
        judged = read_questions(request.data)
    if not judged.queries:
        raise InvalidInput(f"{request.data}: split {split!r} judges no query of queries.jsonl.")
    return EvaluationTask(request, sample(judged, request.queries, seed=request.seed), split)


async def run_evaluation(engine: Engine, task: EvaluationTask) -> None:
    """Evaluate, print the tables and write the reports."""
    from ...evaluation.report.content import Subject, evaluate
    from ...evaluation.report.files import ELSEWHERE, check_folder, write_reports
    from ...pipeline.plan import tuning_of
    from ...pipeline.question import DEFAULT_DEPTH
    from .evaluation_tables import print_evaluation

    request, judged, pipeline = task.request, task.judged, engine.services.pipeline
    cascade = pipeline.cascade(request.asked.reranker)
    if cascade is None:
        known = ", ".join(pipeline.rerankers)
        raise InvalidInput(f"Reranking is turned off. Name a reranker with --reranker. Known: {known}.")
    asked = replace(request.asked, collection=judged.name) if task.split else request.asked
    folder = request.out or Path(f"eval-{judged.name}")
    check_folder(folder, ELSEWHERE)
    documents = await _bring_in(engine, task, asked.collection)
    tunings = (await pipeline.open(asked.collection)).manifest.tuning
    tuned = tuning_of(cascade.reranker, tunings) if cascade.reranker else None
    usual = tuned.depth if tuned else DEFAULT_DEPTH
    asked = replace(asked, depth=asked.depth or usual, is_usual=not asked.depth and cascade.stops_early)
    created = datetime.now(UTC).isoformat(timespec="seconds")
    subject = Subject(
        judged.name,
        task.split,
        documents=documents,
        model=cascade.model,
        seed=request.seed,
        version=__version__,
        created=created,
    )
    with progress_bar("Asking") as progress:
        report = await evaluate(pipeline, judged, asked, subject=subject, depths=request.depths, progress=progress)
    print_evaluation(report)
    write_reports(report, folder)
    say(f"Written to {folder}: report.html, report.json, sweep.png")


async def run_make(engine: Engine, request: EvaluateRequest) -> None:
    """Write questions to judge: drafted by the language model if there is one, else empty and to be filled in."""
    from ...evaluation.drafts import draft_questions, sample_passages
    from ...evaluation.questions import check_fresh, write_drafts

    path, model = request.data, engine.language_model
    check_fresh(path)
    collection = await engine.services.pipeline.open(request.asked.collection)
    drafts = await sample_passages(collection, request.queries or DRAFTS, seed=request.seed)
    if model is not None:
        with progress_bar("Drafting") as progress:
            drafts = await draft_questions(drafts, model, progress)
    write_drafts(path, drafts)
    written = sum(bool(draft.query) for draft in drafts)
    say(f"{path}: {len(drafts)} passages of {collection.name}, {written} questions.")
    if model is None:
        say("No language model is configured (RESIFT_LLM__MODEL with OPENAI_API_KEY or OPENAI_BASE_URL).")
    todo = "Read the drafts and mend them" if written == len(drafts) else "Write a question into each empty `query`"
    say(f"{todo}, add the ids of other documents that answer, then run: resift eval {path}")


async def _bring_in(engine: Engine, task: EvaluationTask, collection: str) -> int:
    """Return how many documents are asked about, after ingesting those of a folder."""
    from ...evaluation.run import count_documents, ingest

    services, judged = engine.services, task.judged
    if not task.split:
        return await count_documents(judged, services.pipeline, collection)
    with progress_bar(f"Ingesting {judged.name}") as progress:
        report = await ingest(judged, services.pipeline, services.ingestor, services.remover, progress=progress)
    for failure in report.failures:
        say(f"not ingested: {failure.source}: {failure.reason}")
    return len(judged.documents)


def _with_plain_name(judged: Judged) -> Judged:
    """Return the set with a name that a collection can have."""
    return replace(judged, name=re.sub(r"[^A-Za-z0-9._-]+", "-", judged.name).strip("-._")[:64] or "judged")
