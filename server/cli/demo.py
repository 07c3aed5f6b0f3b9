"""`resift demo`: ingest the documentation of Python's standard library, and ask it questions, offline."""

from __future__ import annotations

import platform
import shlex
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import fmean
from typing import TYPE_CHECKING

import typer

from ...core.text import counted
from ...pipeline.request import DEFAULT_LIMIT, NO_RERANKER, SearchRequest
from .command import run_on_engine
from .console import progress_bar, say, show, stdout
from .ingest_report import print_report

if TYPE_CHECKING:
    from rich.table import Table

    from ...core.values import Document, Hit
    from ...examples.questions import DemoQuestion
    from ...factories.engine import Engine
    from ...pipeline.page import Page, Verdict
    from ...pipeline.search import Pipeline

COLLECTION = "stdlib"

SHOWN_QUESTION = "how many days does a month have"

SHOWN = 6  # rows of its orders before and after reranking, and more if the right answer stands below

MOST_SHOWN = 10

DEPTH = 50

ON_AVERAGE = (
    "On 1,647 questions of six published test sets, reranking raises nDCG@10 from .642 to .666 on average "
    "(benchmarks/README.md, Quality)."
)

LEGEND = (
    "Verdicts are about the first hit. good: it probably answers; weak: it may answer, so read the hits; none: there\n"
    f"is probably no answer. >{DEFAULT_LIMIT}: the right answer is not among the first {DEFAULT_LIMIT} hits.\n"
)

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@dataclass(frozen=True, slots=True)
class _Ranks:
    """The rank of the first right answer before and after reranking."""

    before: int
    after: int
    verdict: Verdict

    @property
    def rose(self) -> int:
        """Return by how many ranks it rose; negative if it fell."""
        return self.before - self.after


def _reciprocal(rank: int) -> float:
    return 1 / rank if rank <= DEFAULT_LIMIT else 0.0


@app.command()
def demo() -> None:
    """Ingest the documentation of Python's standard library and ask it questions, offline."""
    from ...settings.load import load_settings

    with tempfile.TemporaryDirectory(prefix="resift-demo-", ignore_cleanup_errors=True) as folder:
        run_on_engine(run_demo, settings=load_settings().with_private_store(Path(folder)))
    _print_next_steps()


async def run_demo(engine: Engine) -> None:
    """Ingest into the engine and ask; everything is printed."""
    from ...examples.questions import STDLIB_QUESTIONS, UNANSWERED
    from ...examples.stdlib import EVERYDAY_MODULES, stdlib_documents

    _rule(f"1. Ingest the docstrings of Python {platform.python_version()}: {len(EVERYDAY_MODULES)} everyday modules")
    await _ingest(engine, stdlib_documents(EVERYDAY_MODULES))
    pipeline = engine.services.pipeline
    _rule("2. Ask a question: the order before and after reranking")
    await _explain(pipeline, shown_question())
    _rule(f"3. Ask {len(STDLIB_QUESTIONS)} questions: the rank of the right answer before and after reranking")
    await _ask_all(pipeline, STDLIB_QUESTIONS)
    _rule("4. Ask what the documentation does not answer")
    await _ask_unanswered(pipeline, UNANSWERED)


async def _ingest(engine: Engine, documents: Sequence[Document]) -> None:
    from ...ingest.job import Job

    start = time.perf_counter()
    with progress_bar("Ingesting") as progress:
        job = Job(COLLECTION, documents, total=len(documents), progress=progress)
        report = await engine.services.ingestor.ingest(job)
    print_report(report, COLLECTION)
    say(f"{report.passages / (time.perf_counter() - start):,.0f} passages a second", style="dim")


def shown_question() -> DemoQuestion:
    """Return the question that the demo explains in detail."""
    from ...examples.questions import STDLIB_QUESTIONS

    return next(each for each in STDLIB_QUESTIONS if each.text == SHOWN_QUESTION)


async def explained(pipeline: Pipeline, question: DemoQuestion) -> Page:
    """Return all hits that the reranker may read, with the ranks that they had before."""
    return await pipeline.search(replace(_request(question), depth=DEPTH, limit=DEPTH))


async def _explain(pipeline: Pipeline, question: DemoQuestion) -> None:
    page = await explained(pipeline, question)
    say(question.text, style="bold")
    show(orders_table(page, question))
    right = right_hit(page, question)
    if right is not None:
        say(f"\n{right.passage.document_id} is the right answer. It was #{right.was}, and is now #{right.rank}.")
    milliseconds = sum(stage.milliseconds for stage in page.stages)
    say(f"{milliseconds:.0f} ms; verdict: {page.verdict}\n", style="dim")


def right_hit(page: Page, question: DemoQuestion) -> Hit | None:
    """Return the first hit that answers the question, if there is one."""
    return next((hit for hit in page.hits if hit.passage.document_id in question.answers), None)


def orders_table(page: Page, question: DemoQuestion) -> Table:
    """Return the first hits before reranking beside those after it, with the right answer marked in both."""
    from rich.table import Table
    from rich.text import Text

    right = right_hit(page, question)
    rows = min(max(SHOWN, right.was or 0), MOST_SHOWN) if right else SHOWN

    def cell(rank: int, hit: Hit) -> Text:
        mark = "  <- right answer" if hit is right else ""
        return Text(f"#{rank} {hit.passage.title}{mark}", style="bold green" if mark else "")

    table = Table("before reranking", "after reranking", "was", "relevance", box=None, padding=(0, 2, 0, 0))
    before = sorted(page.hits, key=lambda hit: hit.was or hit.rank)
    for first, hit in zip(before[:rows], page.hits[:rows], strict=True):
        relevance = "" if hit.relevance is None else f"{hit.relevance:.2f}"
        table.add_row(cell(first.was or first.rank, first), cell(hit.rank, hit), f"#{hit.was}", relevance)
    return table


async def _ask_all(pipeline: Pipeline, questions: Sequence[DemoQuestion]) -> None:
    """Print each question's ranks as they are found, then how often the right answer came first."""
    say(LEGEND, style="dim")
    ranks = [await _ask(pipeline, each) for each in questions]
    _print_summary(ranks)


def _print_summary(ranks: Sequence[_Ranks]) -> None:
    before, after = sum(each.before == 1 for each in ranks), sum(each.after == 1 for each in ranks)
    rose, fell = sum(each.rose > 0 for each in ranks), sum(each.rose < 0 for each in ranks)
    was, now = (fmean(map(_reciprocal, column)) for column in zip(*((x.before, x.after) for x in ranks), strict=True))
    say(
        f"\nRight answer first: {before} of {len(ranks)} by hybrid search alone, {after} after reranking.", style="bold"
    )
    say(
        f"It moved up for {counted(rose, 'question')}, down for {fell}. Mean reciprocal rank (1 for the first place, "
        f"1/2 for the second, 0 below the tenth): {was:.3f} before, {now:.3f} after."
    )
    all_, first = Counter(each.verdict for each in ranks), Counter(each.verdict for each in ranks if each.after == 1)
    told = ", ".join(f"{first[verdict]} of {all_[verdict]} {verdict}" for verdict in ("good", "weak", "none"))
    say(f"Right answer first, by verdict: {told}.\n{ON_AVERAGE}\n")


async def _ask(pipeline: Pipeline, question: DemoQuestion) -> _Ranks:
    """Search without and with the reranker, and print a line."""
    request = _request(question)
    before = await pipeline.search(replace(request, reranker=NO_RERANKER))
    after = await pipeline.search(request)
    ranks = _Ranks(_rank(before, question), _rank(after, question), after.verdict)
    style = "green" if ranks.rose > 0 else "yellow" if ranks.rose < 0 else None
    say(f"{_place(ranks.before):>4} -> {_place(ranks.after):<4} {ranks.verdict:<5} {question.text}", style=style)
    return ranks


async def _ask_unanswered(pipeline: Pipeline, questions: Sequence[DemoQuestion]) -> None:
    verdicts = [(await pipeline.search(_request(each))).verdict for each in questions]
    for verdict, question in zip(verdicts, questions, strict=True):
        say(f"{verdict:<5} {question.text}")
    say(f"\nVerdict none: {verdicts.count('none')} of {len(verdicts)}. There is probably no answer to those.\n")


def _request(question: DemoQuestion) -> SearchRequest:
    return SearchRequest(question.text, collection=COLLECTION, per_document=1, rephrase=False)


def _rank(page: Page, question: DemoQuestion) -> int:
    """Return the rank of the first right answer; one below the page if none is on it."""
    found = (hit.rank for hit in page.hits if hit.passage.document_id in question.answers)
    return next(found, DEFAULT_LIMIT + 1)


def _place(rank: int) -> str:
    return f"#{rank}" if rank <= DEFAULT_LIMIT else f">{DEFAULT_LIMIT}"


def _rule(title: str) -> None:
    from rich.rule import Rule

    show(Rule(title))


def _print_next_steps() -> None:
    from ..clients import command, how_to_add

    serve = command()
    program = shlex.join(serve[:-1])
    _rule("Next")
    say("Search documents of your own (PDF, Office files, Markdown, HTML, mail, source code and more):")
    say(f'  {program} ingest PATH\n  {program} search "your question" --explain\n', style="bold")
    say("Or let your agent do it. Add Resift to its client:\n")
    stdout().out(how_to_add(serve, Path.cwd()), highlight=False)
    say('Then ask, for example: "Ingest the docs folder and find out how releases are made."')
