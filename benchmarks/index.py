"""Measure what an index costs in recall: a graph under filters of any width, and each quantization.

    python -m resift.benchmarks.index graph BEIR/scifact --words cells patients mice yeast zebrafish
    python -m resift.benchmarks.index quantization BEIR/scifact BEIR/nfcorpus

Each folder is a test set in BEIR form. Collections stay in --store, like those of `quality`. They keep their index, but
are searched exactly again afterwards.
"""

import argparse
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from statistics import fmean
from typing import get_args

import anyio
from rich.table import Table

from resift.benchmarks.quality import PLAIN, ingest_set, measure
from resift.core.vectors import DENSE, Vector
from resift.evaluation.beir import load
from resift.evaluation.judged import JudgedSet
from resift.factories.engine import Engine, build_engine
from resift.server.cli.console import show
from resift.settings.load import load_settings
from resift.store.collection import Collection
from resift.store.filters import Condition, parse_filter
from resift.store.index_options import IndexOptions, Quantization
from resift.store.indexing import CUTOFF, optimize
from resift.store.protocols import Leg

GRAPH_FROM = 1000  # passages, so that small sets get a graph too
SHOWN = 10
POST_FILTERED = 100  # hits that post-filtering would choose from
OVERSAMPLINGS = (1.0, 3.0)


async def graph(engine: Engine, judged: JudgedSet, words: Sequence[str]) -> Table:
    """Return for each filter the recall of graph search, and how many hits post-filtering would leave."""
    collection = await engine.services.pipeline.open(judged.name)
    await optimize(collection, IndexOptions(graph_from=GRAPH_FROM), on_status=quiet)
    queries = [(await engine.encoder.encode_query(text)).vector for text in judged.queries.values()]
    breadth, table = (
        collection.manifest.storage.breadth,
        Table("filter", "passages", f"recall@{CUTOFF}", "post-filtered"),
    )
    table.title = f"{judged.name}: {len(queries)} queries on a graph, {breadth} candidates"
    for word in ("", *words):
        where = parse_filter({"text": {"match": word}} if word else {}, collection.manifest.fields)
        recall, left = await filtered(collection, where, queries)
        table.add_row(word or "none", str(await collection.count(where)), f"{recall:.4f}", f"{left:.1f} of {SHOWN}")
    await optimize(collection, IndexOptions(), on_status=quiet)
    return table


async def filtered(collection: Collection, where: Condition | None, queries: Sequence[Vector]) -> tuple[float, float]:
    """Return the recall of filtered graph search, and how many of ten hits are left if the filter comes after it."""
    recalls, left = list[float](), list[int]()
    for query in queries:
        [found] = await collection.search([Leg(DENSE, query, limit=CUTOFF)], where=where)
        [exact] = await collection.search([Leg(DENSE, query, limit=CUTOFF, exact=True)], where=where)
        [wide] = await collection.search([Leg(DENSE, query, limit=POST_FILTERED)])
        kept = {key for key, _ in (await collection.search([Leg(DENSE, query, limit=POST_FILTERED)], where=where))[0]}
        recalls.append(len(dict(found).keys() & dict(exact).keys()) / max(1, len(exact)))
        left.append(min(SHOWN, sum(key in kept for key, _ in wide)))
    return fmean(recalls), fmean(left)


async def quantization(engine: Engine, judged: JudgedSet) -> Table:
    """Return the measures of dense and hybrid search by quantization and oversampling."""
    collection = await engine.services.pipeline.open(judged.name)
    table = Table("quantization", "oversampling", "dense nDCG@10", "dense R@50", "hybrid nDCG@10", title=judged.name)
    for kind in get_args(Quantization):
        for oversampling in OVERSAMPLINGS if kind != "none" else (1.0,):
            storage = IndexOptions(quantization=kind, oversampling=oversampling)
            await optimize(collection, storage, on_status=quiet)
            dense = await measure(engine.services.pipeline, judged, replace(PLAIN, mode="dense"))
            hybrid = await measure(engine.services.pipeline, judged, PLAIN)
            figures = (dense["nDCG@10"], dense["R@50"], hybrid["nDCG@10"])
            table.add_row(kind, f"{oversampling:g}", *(f"{figure:.4f}" for figure in figures))
    await optimize(collection, IndexOptions(), on_status=quiet)
    return table


async def quiet(message: str) -> None:
    """Ignore progress messages."""


async def run(what: str, folders: Iterable[Path], words: Sequence[str], store: Path) -> list[Table]:
    """Return a table for each set."""
    engine = build_engine(load_settings(data_dir=store))
    tables: list[Table] = []
    try:
        for folder in folders:
            judged = load(folder, "test")
            await ingest_set(engine, judged)
            tables.append(await (graph(engine, judged, words) if what == "graph" else quantization(engine, judged)))
    finally:
        await engine.close()
    return tables


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("graph", "quantization"))
    parser.add_argument("folders", type=Path, nargs="+")
    parser.add_argument("--words", nargs="*", default=[], help="filter by passages that contain the word")
    parser.add_argument("--store", type=Path, default=Path("build/quality"))
    options = parser.parse_args()
    for table in anyio.run(run, options.what, options.folders, options.words, options.store):
        show(table)


if __name__ == "__main__":
    main()
