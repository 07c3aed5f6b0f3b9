"""Measure filtered graph search with and without ACORN: recall@50 of the exact filtered search.

    python -m resift.benchmarks.filters --passages 20000

Dense vectors are those of `store`. Metadata is drawn independently of them, so a filter leaves passages all over the
graph. Filters use one field or two; the graph has extra links for single fields only.
"""

import argparse
import tempfile
from collections.abc import Set as AbstractSet
from dataclasses import replace
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any
from uuid import UUID

import anyio
import numpy as np
from rich.console import Console
from rich.table import Table

from resift.benchmarks.store import points
from resift.core.vectors import DENSE, dense_vectors
from resift.encoders.bm25 import Bm25Options
from resift.store.collection import Collection
from resift.store.edge.store import EdgeStore
from resift.store.filters import Condition, parse_filter
from resift.store.index_options import IndexOptions
from resift.store.indexing import CUTOFF, Answers, draw_probes, optimize, recall
from resift.store.manifest import Manifest
from resift.store.protocols import Leg

DIMENSION = 384
FILTERS: tuple[dict[str, Any], ...] = (
    {"tenth": 3},
    {"twentieth": 3},
    {"fiftieth": 3},
    {"tenth": 3, "fifth": 2},
    {"twentieth": 3, "fifth": 2},
    {"tenth": {"lt": 4}, "fifth": {"lt": 2}},
)
ALWAYS = {
    "any": [{"fifth": {"gte": 0}}, {"tenth": {"gte": 0}}]
}  # matches everything; ACORN is used only for filters over several fields
PARTS = {"fifth": 5, "tenth": 10, "twentieth": 20, "fiftieth": 50}
ROUNDS = 3  # the fastest counts


async def measure(passages: int, breadth: int) -> None:
    """Fill a collection, build its graph, and print the recall and time of each filter."""
    with tempfile.TemporaryDirectory() as folder:
        store = EdgeStore(Path(folder), reserve_bytes=0)
        collection = await _filled(store, passages)
        console = Console(width=120)
        table = Table("filter", "passes", "recall@50, graph", "with ACORN", "ms, graph", "with ACORN", "exact scan")
        probes = await draw_probes(collection, DIMENSION)
        for filter_ in FILTERS:
            where = parse_filter(filter_, collection.manifest.fields)
            share = await collection.count(where) / passages
            exact = await _best(collection, probes, where, exact=True)
            both = parse_filter({"all": [filter_, ALWAYS]}, collection.manifest.fields)
            off, on = [await _with_acorn(collection, probes, both, breadth, below) for below in (0.0, 1.0)]
            found = [f"{recall(each, exact):.3f}" for each in (off, on)]
            table.add_row(
                str(filter_), f"{share:.1%}", *found, *(f"{each.milliseconds:.2f}" for each in (off, on, exact))
            )
        console.print(table)
        console.print(f"{passages:,} passages, hnsw_ef {breadth or collection.manifest.storage.breadth}")
        await store.close()


async def _filled(store: EdgeStore, passages: int) -> Collection:
    manifest = Manifest(dense_vectors("made@1", DIMENSION, ()), Bm25Options(100), chunking="200/40/40")
    collection = await store.open("filtered", create=manifest)
    await collection.remember(replace(manifest, fields=dict.fromkeys(PARTS, "integer")))
    random = np.random.default_rng(7)
    for batch in points(passages, DIMENSION):
        drawn = {name: random.integers(0, parts, len(batch)).tolist() for name, parts in PARTS.items()}
        await collection.write(
            [
                replace(
                    point,
                    passage=replace(point.passage, metadata={name: values[at] for name, values in drawn.items()}),
                    vectors={DENSE: point.vectors[DENSE]},
                )
                for at, point in enumerate(batch)
            ]
        )

    async def print_progress(message: str) -> None:
        Console(stderr=True).print(message)

    await optimize(collection, IndexOptions(graph_from=passages // 10), on_status=print_progress)
    return collection


async def _with_acorn(
    collection: Collection, probes: list[Any], where: Condition | None, breadth: int, below: float
) -> Answers:
    storage = replace(collection.manifest.storage, acorn_below=below, graph_from=1)  # never scan
    await collection.remember(replace(collection.manifest, storage=storage))
    return await _best(collection, probes, where, breadth=breadth)


async def _best(
    collection: Collection, probes: list[Any], where: Condition | None, *, exact: bool = False, breadth: int = 0
) -> Answers:
    rounds = [await _ask(collection, probes, where, exact=exact, breadth=breadth) for _ in range(ROUNDS)]
    return min(rounds, key=lambda each: each.milliseconds)


async def _ask(
    collection: Collection, probes: list[Any], where: Condition | None, *, exact: bool = False, breadth: int = 0
) -> Answers:
    hits, times = list[AbstractSet[UUID]](), list[float]()
    for probe in probes:
        start = perf_counter()
        [found] = await collection.search([Leg(DENSE, probe, limit=CUTOFF, exact=exact, breadth=breadth)], where=where)
        times.append(1000 * (perf_counter() - start))
        hits.append({key for key, _ in found})
    return Answers(hits, median(times))


def main() -> None:
    """Run the benchmark from the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--passages", type=int, default=20_000)
    parser.add_argument("--breadth", type=int, default=0, help="hnsw_ef; 0: as chosen when the graph was built")
    arguments = parser.parse_args()
    anyio.run(measure, arguments.passages, arguments.breadth)


if __name__ == "__main__":
    main()
