"""Draw docs/search.svg, the picture of README.md, with the question that `resift demo` explains: `make picture`."""

import re
import tempfile
from io import StringIO
from pathlib import Path

import anyio
from rich.console import Console
from rich.text import Text

from resift.examples.stdlib import EVERYDAY_MODULES, stdlib_documents
from resift.factories.engine import build_engine
from resift.ingest.job import Job
from resift.pipeline.search import Pipeline
from resift.server.cli.demo import COLLECTION, explained, orders_table, right_hit, shown_question
from resift.settings.load import load_settings

PICTURE = Path(__file__).parent / "search.svg"
WIDTH = 108


def main() -> None:
    """Write the picture."""
    PICTURE.write_text(anyio.run(draw_search_picture), encoding="utf-8")


async def search_picture(pipeline: Pipeline) -> str:
    """Return the picture as SVG, without timings, of a search in the documents of the demo."""
    question = shown_question()
    console = Console(record=True, width=WIDTH, file=StringIO())
    console.print(Text(question.text, style="bold"))
    page = await explained(pipeline, question)
    console.print(orders_table(page, question))
    if right := right_hit(page, question):
        console.print(Text(f"right answer: #{right.was} -> #{right.rank}; verdict: {page.verdict}", style="dim"))
    svg = console.export_svg(title="resift demo", unique_id="search")
    return re.sub(r"\s*@font-face \{[^}]*\}", "", svg)  # a picture must not load fonts from the network


async def draw_search_picture() -> str:
    """Ingest the documents of the demo, and return the picture."""
    with tempfile.TemporaryDirectory() as folder:
        engine = build_engine(load_settings(data_dir=Path(folder), min_free_mb=0))
        try:
            documents = stdlib_documents(EVERYDAY_MODULES)
            await engine.services.ingestor.ingest(Job(COLLECTION, documents, total=len(documents)))
            return await search_picture(engine.services.pipeline)
        finally:
            await engine.close()


if __name__ == "__main__":
    main()
