"""Retrieval quality through the product's own code: documents ingested, questions asked of the pipeline.

    python -m resift.benchmarks.quality BEIR/scifact BEIR/nfcorpus

Each folder is a test set in BEIR form. Collections are kept in --store, so that a second run only asks.
"""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import anyio
import ir_measures
from ir_measures import RR, Measure, R, ScoredDoc, nDCG
from rich.console import Console
from rich.table import Table

from resift.benchmarks.beir import Judged, load
from resift.ingest.job import Job
from resift.pipeline.question import Question
from resift.server.console import progress_bar
from resift.server.engine import Engine, build_engine
from resift.server.settings import load_settings

MEASURES = [nDCG @ 10, RR @ 10, R @ 50, R @ 100]


@dataclass(frozen=True, slots=True)
class System:
    """A way to ask, by name."""

    name: str
    question: Question


SYSTEMS = (
    System("dense", Question("", mode="dense")),
    System("BM25", Question("", mode="keyword")),
    System("hybrid", Question("")),
    System("hybrid + maxsim", Question("", reranker="maxsim")),
)


async def run(folders: Sequence[Path], split: str, store: Path) -> Table:
    """Ingest and ask; return the table of measures."""
    engine = build_engine(load_settings(data_dir=store))
    table = Table("set", "system", *map(str, MEASURES))
    try:
        for folder in folders:
            judged = load(folder, split)
            await ingest(engine, judged)
            for system in SYSTEMS:
                run_ = await ask_all(engine, judged, system)
                qrels = [ir_measures.Qrel(q, d, g) for q, row in judged.grades.items() for d, g in row.items()]
                found = _aggregate(qrels, run_)
                table.add_row(judged.name, system.name, *(f"{found[measure]:.4f}" for measure in MEASURES))
    finally:
        await engine.close()
    return table


def _aggregate(qrels: list[ir_measures.Qrel], run_: list[ScoredDoc]) -> dict[Measure, float]:
    return ir_measures.calc_aggregate(MEASURES, qrels, run_)  # pyright: ignore[reportUnknownMemberType]


async def ingest(engine: Engine, judged: Judged) -> None:
    """Bring a test set into a collection of its name."""
    with progress_bar(judged.name) as progress:
        job = Job(judged.name, judged.documents, len(judged.documents), progress=progress)
        await engine.services.ingestor.ingest(job)


async def ask_all(engine: Engine, judged: Judged, system: System) -> list[ScoredDoc]:
    """Return the run of a system; scores fall with the rank, so that no tie is broken by trec_eval's own rule."""
    run_: list[ScoredDoc] = []
    for key, query in judged.queries.items():
        question = replace(system.question, query=query, collection=judged.name, limit=100, per_document=1)
        page = await engine.services.pipeline.ask(question)
        run_ += [ScoredDoc(key, hit.passage.document_id, 1 / hit.rank) for hit in page.ranking.hits]
    return run_


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", type=Path, nargs="+")
    parser.add_argument("--split", default="test")
    parser.add_argument("--store", type=Path, default=Path("build/quality"))
    options = parser.parse_args()
    Console().print(anyio.run(run, options.folders, options.split, options.store))


if __name__ == "__main__":
    main()
