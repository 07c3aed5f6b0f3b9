"""Draw docs/search.svg, the picture of README.md: a question of `resift demo`, before and after reranking."""

import re
import tempfile
from dataclasses import replace
from io import StringIO
from pathlib import Path

from rich.console import Console
from rich.text import Text

from resift.examples.catalogue import part_questions, parts
from resift.factories.engine import build_engine
from resift.ingest.job import Job
from resift.pipeline.page import Page
from resift.server.cli.demo import DEPTH, parts_question
from resift.server.cli.search import explain_table
from resift.settings.load import load_settings

WIDTH = 100
ROWS = 5


async def search_picture() -> str:
    """Return the picture as SVG, without timings."""
    question, *_ = part_questions()
    console = Console(record=True, width=WIDTH, file=StringIO())
    console.print(Text(question.text, style="bold"))
    page = await _search(question.text)
    console.print(explain_table(page.ranking, rows=ROWS))
    right = next(hit for hit in page.ranking.hits if hit.passage.document_id in question.relevant)
    console.print(Text(f"right answer: #{right.was} -> #{right.rank}; verdict: {page.verdict}", style="dim"))
    svg = console.export_svg(title="resift demo", unique_id="search")
    return re.sub(r"\s*@font-face \{[^}]*\}", "", svg)  # a picture must not load fonts from the network


async def _search(query: str) -> Page:
    """Find parts by their titles alone, and rerank them by their full texts, as the demo does."""
    with tempfile.TemporaryDirectory() as folder:
        engine = build_engine(load_settings(data_dir=Path(folder), min_free_mb=0))
        try:
            documents = parts()
            await engine.services.ingestor.ingest(Job("parts", documents, total=len(documents)))
            request = replace(parts_question(query), reranker="default", depth=DEPTH, limit=DEPTH)
            return await engine.services.pipeline.search(request)
        finally:
            await engine.close()
