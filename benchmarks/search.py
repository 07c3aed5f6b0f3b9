"""Time of a hybrid search in the embedded store, beside encoding the query.

    python -m resift.benchmarks.search --passages 20000

The passages are documentation strings of the standard library, repeated until there are enough; dense vectors are
random (an exact scan costs the same whatever they are), BM25 vectors are those of the texts.
"""

import argparse
import tempfile
from pathlib import Path
from statistics import median, quantiles

import anyio
import numpy as np
from rich.console import Console
from rich.table import Table

from resift.core.values import Passage
from resift.examples.stdlib import STDLIB_QUESTIONS, stdlib_documents
from resift.pipeline.question import Question
from resift.search.lexical import Bm25Encoder
from resift.search.manifest import Lexical
from resift.search.store import Collection, Point
from resift.search.vectors import BM25, DENSE
from resift.server.console import progress_bar
from resift.server.engine import build_engine
from resift.server.settings import load_settings

COLLECTION = "speed"
ROUNDS = 10  # of every question; the first round warms up and does not count
BATCH = 1000


async def fill(collection: Collection, passages: int) -> None:
    """Write the passages."""
    texts = [f"{document.title}\n{document.text}"[:1200] for document in stdlib_documents()]
    bm25 = Bm25Encoder(Lexical(collection.manifest.lexical.average_length))
    random = np.random.default_rng(0)
    with progress_bar("Writing") as progress:
        for start in range(0, passages, BATCH):
            vectors = random.standard_normal((BATCH, collection.manifest.dimension)).astype(np.float32)
            points = [
                Point(
                    Passage(f"document-{start + place}", 0, texts[(start + place) % len(texts)]),
                    digest="",
                    passages=1,
                    vectors={DENSE: vector, BM25: bm25.document(texts[(start + place) % len(texts)])},
                )
                for place, vector in enumerate(vectors[: passages - start])
            ]
            await collection.write(points)
            await progress(start + len(points), passages, "")
    await collection.flush()


async def measure(passages: int) -> Table:
    """Return the table of milliseconds by stage, as the product's own reports give them."""
    with tempfile.TemporaryDirectory() as folder:
        engine = build_engine(load_settings(data_dir=Path(folder)))
        pipeline, store = engine.services.pipeline, engine.services.store
        try:
            await fill(await store.open(COLLECTION, create=pipeline.manifest), passages)
            times: dict[str, list[float]] = {}
            for round_ in range(ROUNDS):
                for asked in STDLIB_QUESTIONS:
                    page = await pipeline.ask(Question(asked.text, collection=COLLECTION))
                    for stage in page.ranking.stages if round_ else ():
                        times.setdefault(stage.name, []).append(stage.milliseconds)
        finally:
            await engine.close()
    table = Table("stage", "p50 ms", "p95 ms", title=f"{passages:,} passages, {len(times['search'])} questions")
    for name, values in times.items():
        table.add_row(name, f"{median(values):.1f}", f"{quantiles(values, n=20)[-1]:.1f}")
    return table


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--passages", type=int, default=20_000)
    Console().print(anyio.run(measure, parser.parse_args().passages))


if __name__ == "__main__":
    main()
