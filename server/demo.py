"""`resift demo`: two real inputs, ingested, searched and reranked before your eyes, offline."""

import tempfile
import time
from collections.abc import Sequence
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
        page = await engine.services.pipeline.ask(
            Question(asked.text, collection="stdlib", limit=SHOWN, per_document=1, reranker="default")
        )
        _show(asked, page)


async def _parts(engine: Engine) -> None:
    OUT.print(Rule("2. A catalogue of car parts: vague titles searched first, full texts reranked"))
    await _ingest(engine, parts(), "parts")
    for asked in part_questions():
        page = await engine.services.pipeline.ask(
            Question(
                asked.text,
                collection="parts",
                limit=SHOWN,
                mode="dense",
                field="title",
                reranker="default",
                depth=20,
                rerank_weight=PARTS_WEIGHT,
            )
        )
        _show(asked, page)


async def _ingest(engine: Engine, documents: Sequence[Document], collection: str) -> None:
    start = time.perf_counter()
    with progress_bar(f"Ingesting {collection}") as progress:
        job = Job(collection, documents, len(documents), progress=progress)
        report = await engine.services.ingestor.ingest(job)
    print_report(report, collection)
    OUT.print(f"{report.passages / (time.perf_counter() - start):,.0f} passages a second", style="dim", highlight=False)


def _show(asked: Asked, page: Page) -> None:
    OUT.print(f"\n[bold]{escape(asked.text)}[/bold]", highlight=False)
    OUT.print(explain_table(page.ranking.hits))
    milliseconds = sum(stage.milliseconds for stage in page.ranking.stages)
    right = [hit for hit in page.ranking.hits if hit.passage.document_id in asked.relevant]
    found = f"{right[0].passage.document_id}: #{right[0].was} -> #{right[0].rank}" if right else "not among these"
    OUT.print(f"right answer {found}; verdict {page.verdict}; {milliseconds:.0f} ms", style="dim", highlight=False)
