"""Measure search quality: ingest the documents of test sets and ask the pipeline their queries.

    python -m resift.benchmarks.quality BEIR/scifact BEIR/nfcorpus

Each folder is a test set in BEIR form. Collections stay in --store, so a second run only asks.
"""

import argparse
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import anyio
from rich.console import Console
from rich.table import Table

from resift.evaluation.beir import load
from resift.evaluation.corpus import ingest_documents
from resift.evaluation.judged import JudgedSet
from resift.evaluation.measures import means, per_query
from resift.evaluation.run import document_ids, rankings
from resift.evaluation.systems import System
from resift.factories.engine import Engine, build_engine
from resift.pipeline.request import SearchRequest
from resift.pipeline.search import Pipeline
from resift.server.cli.console import progress_bar
from resift.settings.load import load_settings

MEASURES = ("nDCG@10", "RR@10", "R@50", "R@100")
PLAIN = SearchRequest("", limit=100, per_document=1, reranker="none")
SYSTEMS = (
    System("dense", replace(PLAIN, mode="dense")),
    System("BM25", replace(PLAIN, mode="keyword")),
    System("hybrid", PLAIN),
    System("hybrid + maxsim", replace(PLAIN, reranker="maxsim")),
    System("cross-encoder alone, 50 read", replace(PLAIN, reranker="cross-encoder", depth=50, rerank_weight=1.0)),
    System("hybrid + cross-encoder, 50 read", replace(PLAIN, reranker="cross-encoder", depth=50)),
    System("default search, stops early", SearchRequest("", per_document=1, reranker="default")),
)


async def run(folders: Sequence[Path], split: str, store: Path) -> Table:
    """Return the measures of every system on every set."""
    engine = build_engine(load_settings(data_dir=store))
    table = Table("set", "system", *MEASURES)
    try:
        for folder in folders:
            judged = load(folder, split)
            await ingest_set(engine, judged)
            for system in SYSTEMS:
                found = await measure(engine.services.pipeline, judged, system.question)
                table.add_row(judged.name, system.name, *(f"{found[measure]:.4f}" for measure in MEASURES))
    finally:
        await engine.close()
    return table


async def ingest_set(engine: Engine, judged: JudgedSet) -> None:
    """Ingest the documents of a set into a collection of its name."""
    services = engine.services
    with progress_bar(judged.name) as progress:
        await ingest_documents(
            judged,
            pipeline=services.pipeline,
            ingestor=services.ingestor,
            remover=services.remover,
            progress=progress,
        )


async def measure(pipeline: Pipeline, judged: JudgedSet, question: SearchRequest) -> dict[str, float]:
    """Return the mean measures of all queries, asked as `question`."""
    asked = replace(question, collection=judged.name)
    answers = rankings(pipeline, judged, asked)
    orders = {key: document_ids(ranking) async for key, ranking in answers}
    return means(per_query(judged.grades, orders, MEASURES))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", type=Path, nargs="+")
    parser.add_argument("--split", default="test")
    parser.add_argument("--store", type=Path, default=Path("build/quality"))
    options = parser.parse_args()
    Console().print(anyio.run(run, options.folders, options.split, options.store))


if __name__ == "__main__":
    main()
