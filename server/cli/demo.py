"""`resift demo`: ingest, search and rerank two real inputs, offline."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from .command import run_on_engine
from .console import progress_bar, say, show, stdout

if TYPE_CHECKING:
    from ...core.values import Document
    from ...examples.catalogue import DemoQuestion
    from ...factories.engine import Engine
    from ...pipeline.request import SearchRequest

SHOWN = 5

DEPTH = 50

PARTS_WEIGHT = 0.7  # higher than usual, because the first stage sees only titles that say little

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@dataclass(frozen=True, slots=True)
class _Ranks:
    """The rank of the right answer before and after reranking; None if there is none."""

    before: int | None
    after: int | None


@app.command()
def demo() -> None:
    """Ingest, search and rerank two real inputs, offline, in a temporary folder."""
    from rich.rule import Rule

    from ...settings.load import load_settings
    from ..clients import command, how_to_add

    with tempfile.TemporaryDirectory(prefix="resift-demo-", ignore_cleanup_errors=True) as folder:
        run_on_engine(_demo, settings=load_settings().model_copy(update={"data_dir": Path(folder)}))
    show(Rule("Add Resift to your agent"))
    stdout().out(how_to_add(command()), highlight=False)
    stdout().out("Then run `resift ingest PATH` and ask, or let the agent call ingest_documents.", highlight=False)


async def _demo(engine: Engine) -> None:
    await _demo_stdlib(engine)
    await _demo_parts(engine)


async def _demo_stdlib(engine: Engine) -> None:
    from rich.rule import Rule

    from ...examples.stdlib import STDLIB_QUESTIONS, stdlib_documents
    from ...pipeline.request import SearchRequest

    show(Rule("1. The docstrings of Python's standard library"))
    await _ingest(engine, stdlib_documents(), "stdlib")
    pipeline = engine.services.pipeline
    reranker = pipeline.rerankers.scorer("default")
    weight = 0.0 if reranker is None else pipeline.rerankers.weights(reranker)["rerank"]
    await _ask_all(
        engine, STDLIB_QUESTIONS, lambda text: SearchRequest(text, collection="stdlib", per_document=1), weight
    )


async def _demo_parts(engine: Engine) -> None:
    from rich.rule import Rule

    from ...examples.catalogue import part_questions, parts

    show(Rule("2. A catalogue of car parts: search by vague titles, rerank by full texts"))
    await _ingest(engine, parts(), "parts")
    await _ask_all(engine, part_questions(), parts_question, PARTS_WEIGHT)


def parts_question(text: str) -> SearchRequest:
    """Return a search of the catalogue by its titles alone."""
    from ...pipeline.request import SearchRequest

    return SearchRequest(text, collection="parts", mode="dense", fields={"title": 1}, rerank_weight=PARTS_WEIGHT)


async def _ask_all(
    engine: Engine, asked: Sequence[DemoQuestion], question: Callable[[str], SearchRequest], weight: float
) -> None:
    """Ask all questions, and print how often the right answer came first before and after reranking."""
    ranks = [await _ask(engine, question(each.text), each.relevant) for each in asked]
    found = [each for each in ranks if each.after is not None]
    before = sum(each.before == 1 for each in found)
    after = sum(each.after == 1 for each in found)
    say(
        f"\nRight answer first: {before} of {len(found)} before reranking, {after} after, with reranker weight "
        f"{weight}.\n"
    )


async def _ask(engine: Engine, question: SearchRequest, relevant: Sequence[str]) -> _Ranks:
    from .search import explain_table

    page = await engine.services.pipeline.search(replace(question, reranker="default", depth=DEPTH, limit=DEPTH))
    right = [hit for hit in page.ranking.hits if hit.passage.document_id in relevant]
    ranks = _Ranks(min((hit.was for hit in right), default=None), min((hit.rank for hit in right), default=None))
    say(f"\n{question.query}", style="bold")
    show(explain_table(page.ranking, rows=min(SHOWN, len(page.ranking.hits))))
    milliseconds = sum(stage.milliseconds for stage in page.ranking.stages)
    found = f"right answer: #{ranks.before} -> #{ranks.after}" if right else "no right answer here"
    say(f"{found}; {milliseconds:.0f} ms; verdict: {page.verdict}", style="dim")
    return ranks


async def _ingest(engine: Engine, documents: Sequence[Document], collection: str) -> None:
    from ...ingest.job import Job
    from .documents import print_report

    start = time.perf_counter()
    with progress_bar(f"Ingesting {collection}") as progress:
        job = Job(collection, documents, total=len(documents), progress=progress)
        report = await engine.services.ingestor.ingest(job)
    print_report(report, collection)
    say(f"{report.passages / (time.perf_counter() - start):,.0f} passages a second", style="dim")
