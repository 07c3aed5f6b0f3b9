"""`resift demo`: two real inputs, ingested, searched and reranked before your eyes, offline."""

import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import anyio
from rich.markup import escape
from rich.rule import Rule

from ...core.values import Document
from ...examples.catalogue import DemoQuestion, part_questions, parts
from ...examples.stdlib import STDLIB_QUESTIONS, stdlib_documents
from ...factories.engine import Engine, build_engine
from ...ingest.job import Job
from ...pipeline.question import Question
from ...settings.load import Settings
from ..clients import command, how_to_add
from .console import OUT, explain_table, print_report, progress_bar

SHOWN = 5

DEPTH = 50

PARTS_WEIGHT = 0.7  # the first stage saw only titles that say little, so the reranker counts for more than usual

PARTS_PLAN = Question("", collection="parts", mode="dense", fields={"title": 1}, rerank_weight=PARTS_WEIGHT)


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
    plain = Question("", collection="stdlib", per_document=1)
    _tally([await _ask(engine, asked, plain) for asked in STDLIB_QUESTIONS], _weight(engine))


async def _parts(engine: Engine) -> None:
    OUT.print(Rule("2. A catalogue of car parts: vague titles searched first, full texts reranked"))
    await _ingest(engine, parts(), "parts")
    _tally([await _ask(engine, asked, PARTS_PLAN) for asked in part_questions()], PARTS_WEIGHT)


def _weight(engine: Engine) -> float:
    """Return the share of the default reranker in the final score."""
    pipeline = engine.services.pipeline
    reranker = pipeline.reranker("default")
    return 0.0 if reranker is None else pipeline.configured_weights(reranker)["rerank"]


@dataclass(frozen=True, slots=True)
class _Places:
    """The rank of the right answer before and after reranking; None where there is none to find."""

    before: int | None
    after: int | None


async def _ask(engine: Engine, asked: DemoQuestion, plan: Question) -> _Places:
    question = replace(plan, query=asked.text, reranker="default", depth=DEPTH, limit=DEPTH)
    page = await engine.services.pipeline.ask(question)
    right = [hit for hit in page.ranking.hits if hit.passage.document_id in asked.relevant]
    places = _Places(min((hit.was for hit in right), default=None), min((hit.rank for hit in right), default=None))
    OUT.print(f"\n[bold]{escape(asked.text)}[/bold]", highlight=False)
    OUT.print(explain_table(page.ranking, rows=min(SHOWN, len(page.ranking.hits))))
    milliseconds = sum(stage.milliseconds for stage in page.ranking.stages)
    found = f"right answer: #{places.before} -> #{places.after}" if right else "no right answer here"
    OUT.print(f"{found}; {milliseconds:.0f} ms; verdict: {page.verdict}", style="dim", highlight=False)
    return places


def _tally(places: Sequence[_Places], weight: float) -> None:
    """Print how often the right answer came first before and after, over the questions that have one."""
    found = [each for each in places if each.after is not None]
    before = sum(each.before == 1 for each in found)
    after = sum(each.after == 1 for each in found)
    OUT.print(
        f"\nRight answer first: {before} of {len(found)} before, {after} after reranking with weight {weight}.\n",
        highlight=False,
    )


async def _ingest(engine: Engine, documents: Sequence[Document], collection: str) -> None:
    start = time.perf_counter()
    with progress_bar(f"Ingesting {collection}") as progress:
        job = Job(collection, documents, len(documents), progress=progress)
        report = await engine.services.ingestor.ingest(job)
    print_report(report, collection)
    OUT.print(f"{report.passages / (time.perf_counter() - start):,.0f} passages a second", style="dim", highlight=False)
