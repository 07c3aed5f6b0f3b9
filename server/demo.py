"""`resift demo`: two real inputs, ingested, searched and reranked before your eyes, offline."""

import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import anyio
from rich.markup import escape
from rich.rule import Rule

from ..core.values import Document
from ..examples.catalogue import Question as Asked
from ..examples.catalogue import part_questions, parts
from ..examples.stdlib import STDLIB_QUESTIONS, stdlib_documents
from ..ingest.job import Job
from ..pipeline.question import Page, Question
from .clients import command, how_to_add
from .console import OUT, explain_table, print_report, progress_bar
from .engine import Engine, build_engine
from .settings import Settings

SHOWN = 5
DEPTH = 50
PARTS_WEIGHT = 0.9  # the first stage saw only titles that say little, so the reranker's reading counts for most


def run_demo(settings: Settings) -> None:
    """Run both demos in a folder that is removed afterwards."""
    with tempfile.TemporaryDirectory(prefix="resift-demo-", ignore_cleanup_errors=True) as folder:
        anyio.run(_demo, settings.model_copy(update={"data_dir": Path(folder)}))
    OUT.print(Rule("Add Resift to your agent"))
    OUT.out(how_to_add(command()), highlight=False)
    OUT.out("Then: `resift ingest PATH` and ask, or let the agent call ingest_documents.", highlight=False)


async def _demo(settings: Settings) -> None:
    engine = build_engine(settings)
    try:
        await _stdlib(engine)
        await _parts(engine)
    finally:
        await engine.close()


async def _stdlib(engine: Engine) -> None:
    OUT.print(Rule("1. The documentation strings of Python's standard library"))
    await _ingest(engine, stdlib_documents(), "stdlib")
    for asked in STDLIB_QUESTIONS:
        await _ask(engine, asked, Question(asked.text, collection="stdlib", per_document=1))


async def _parts(engine: Engine) -> None:
    OUT.print(Rule("2. A catalogue of car parts: vague titles searched first, full texts reranked"))
    await _ingest(engine, parts(), "parts")
    for asked in part_questions():
        titles_first = Question(asked.text, collection="parts", mode="dense", field="title", rerank_weight=PARTS_WEIGHT)
        await _ask(engine, asked, titles_first)


async def _ask(engine: Engine, asked: Asked, question: Question) -> None:
    page = await engine.services.pipeline.ask(replace(question, reranker="default", depth=DEPTH, limit=DEPTH))
    OUT.print(f"\n[bold]{escape(asked.text)}[/bold]", highlight=False)
    OUT.print(explain_table(page.ranking.hits, rows=min(SHOWN, len(page.ranking.hits))))
    OUT.print(f"{_outcome(asked, page)}; verdict: {page.verdict}", style="dim", highlight=False)


def _outcome(asked: Asked, page: Page) -> str:
    milliseconds = sum(stage.milliseconds for stage in page.ranking.stages)
    if not asked.relevant:
        return f"nothing answers this; {milliseconds:.0f} ms"
    right = [hit for hit in page.ranking.hits if hit.passage.document_id in asked.relevant]
    found = f"#{min(hit.was for hit in right)} -> #{right[0].rank}" if right else f"not in the first {DEPTH}"
    return f"right answer: {found}; {milliseconds:.0f} ms"


async def _ingest(engine: Engine, documents: Sequence[Document], collection: str) -> None:
    start = time.perf_counter()
    with progress_bar(f"Ingesting {collection}") as progress:
        job = Job(collection, documents, len(documents), progress=progress)
        report = await engine.services.ingestor.ingest(job)
    print_report(report, collection)
    OUT.print(f"{report.passages / (time.perf_counter() - start):,.0f} passages a second", style="dim", highlight=False)
