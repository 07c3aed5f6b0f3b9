"""`resift eval`: evaluate search on judged questions, or write questions to judge."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ...core.errors import InvalidInput
from ...core.extras import require_extra
from ...core.text import counted
from .command import call_api, given_options, option_of, run_on_engine
from .console import progress_bar, say, warn

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ...api.resift import Resift
    from ...evaluation.judged import JudgedSet
    from ...evaluation.question_file import DraftQuestion
    from ...factories.engine import Engine
    from ...settings.load import Settings

DEFAULT_DRAFTS = 30  # as many as one person judges in an evening

NOT_WITH_MAKE = ("depth", "depths", "reranker", "out")

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command("eval")
def evaluate_command(
    context: typer.Context,
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
    depths: Annotated[
        str, typer.Option(help="Depths to compare, in documents; those above the number of documents are left out.")
    ] = "10,20,30,50,100,200",
    reranker: Annotated[str, typer.Option(help='"default" or a configured name.')] = "default",
    store: Annotated[
        Path | None, typer.Option(help="Where to index a folder's documents. Default: the user's cache folder.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Folder for the reports. Default: eval-NAME in the working directory.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the random numbers.")] = 0,
    make: Annotated[
        bool, typer.Option("--make", help="Write DATA: questions to judge, sampled from a collection.")
    ] = False,
) -> None:
    """Measure search and reranking on judged questions, and how deep to rerank."""
    refuse_unused(data, collection=collection, split=split, store=store, make=make)
    if make and (unused := [name for name in given_options(context) if name in NOT_WITH_MAKE]):
        raise InvalidInput(f"{option_of(unused[0])} has no effect with --make. Leave the option out.")
    name = collection or "default"
    if make:
        drafting = DraftRequest(path=data, collection=name, count=queries or DEFAULT_DRAFTS, seed=seed)
        run_on_engine(lambda engine: write_questions(engine, drafting))
        return
    require_extra("eval", "`resift eval`")
    from ...evaluation.judged_files import load_judged

    judged = load_judged(data, split=split, queries=queries, seed=seed)
    options: dict[str, Any] = {
        "collection": name,
        "reranker": reranker,
        "depth": depth,
        "depths": parse_depths(depths),
        "seed": seed,
    }
    call_api(lambda resift: run_evaluation(resift, judged, out, **options), settings=settings_for(data, store))


@dataclass(frozen=True, slots=True)
class DraftRequest:
    """How many questions to draft on which collection, and the file to write them to."""

    path: Path
    collection: str
    count: int
    seed: int


def settings_for(data: Path, store: Path | None) -> Settings:
    """Return the settings; the documents of a folder are indexed in `store`, by default in the user's cache folder.

    They never go to a Qdrant server, which others search.
    """
    from platformdirs import user_cache_path

    from ...settings.load import load_settings

    settings = load_settings()
    if not data.is_dir():
        return settings
    return settings.with_private_store(store or user_cache_path("resift", appauthor=False) / "eval")


def refuse_unused(data: Path, *, collection: str, split: str, store: Path | None, make: bool) -> None:
    """Check that every option given has an effect.

    Raises:
        InvalidInput: One has none: a folder brings its own documents, and a file of questions has no splits.
    """
    if data.is_dir() and not make and collection:
        raise InvalidInput(
            f"--collection {collection!r} has no effect: the folder {data} is evaluated on its own documents. Leave "
            "the option out."
        )
    given = [name for name, value in (("--store", store), ("--split", split)) if value]
    if given and (make or data.is_file()):
        raise InvalidInput(
            f"{given[0]} is for a folder in BEIR form, but the questions in {data} are about a collection, which "
            "--collection names. Leave the option out."
        )


def parse_depths(text: str) -> tuple[int, ...]:
    """Return the depths in a list such as "10,20,50".

    Raises:
        InvalidInput: A depth is not a number from 1 to the greatest one.
    """
    from ...pipeline.request import MAX_RESULTS

    parts = [part.strip() for part in text.split(",")]
    if any(not part.isdecimal() or not 1 <= int(part) <= MAX_RESULTS for part in parts):
        raise InvalidInput(f"--depths {text!r} is not a list of numbers from 1 to {MAX_RESULTS}. Write it as 10,20,50.")
    return tuple(sorted({int(part) for part in parts}))


async def run_evaluation(resift: Resift, judged: JudgedSet, out: Path | None, **options: Any) -> None:
    """Evaluate, print the tables and write the reports to `out`, by default eval-NAME."""
    from ...evaluation.experiment import evaluated_cascade
    from ...evaluation.report.files import ADVICE, check_folder, write_reports
    from .evaluation_tables import print_evaluation

    evaluated_cascade(resift.engine.services.pipeline, options["reranker"])  # fails before anything is written
    folder = out or Path(f"eval-{judged.name}")
    check_folder(folder, ADVICE)
    with progress_bar(f"Evaluating {judged.name}") as progress:
        report = await resift.evaluate(judged, **options, progress=progress)
    print_evaluation(report)
    write_reports(report, folder)
    say(f"Wrote report.html, report.json and sweep.png to {folder}.")


async def write_questions(engine: Engine, request: DraftRequest) -> None:
    """Write questions to judge: drafted by the language model if there is one, else to be filled in."""
    from ...evaluation.drafts import draft_questions, sample_passages
    from ...evaluation.question_file import check_new, write_drafts

    path, model = request.path, engine.language_model
    check_new(path)
    collection = await engine.services.pipeline.open(request.collection)
    drafts: Sequence[DraftQuestion] = await sample_passages(collection, request.count, seed=request.seed)
    problem = ""
    if model is not None:
        with progress_bar("Drafting") as progress:
            drafted = await draft_questions(drafts, model, progress)
        drafts, problem = drafted.drafts, drafted.problem
    write_drafts(path, drafts)
    if problem:
        warn(problem)
    written = sum(bool(draft.query) for draft in drafts)
    say(f"{path}: {counted(len(drafts), 'passage')} of {collection.name}, {counted(written, 'question')}.")
    if model is None:
        say("No language model is configured (RESIFT_LLM__MODEL with OPENAI_API_KEY or OPENAI_BASE_URL).")
    todo = "Write a question into each empty `query` (lines without one are left out)"
    if written == len(drafts):
        todo = "Check the drafts"
    say(f"{todo}, add the ids of other documents that answer each question, then run: resift eval {path}")
