"""Measure what asking several collections at once costs: the queries of each set, asked of all sets together.

    python -m resift.benchmarks.several_collections BEIR/scifact BEIR/nfcorpus BEIR/nq-utd BEIR/fiqa-mini

Each folder is a test set in BEIR form and becomes a collection. "Interleaved" shows the first hit of each collection,
then the second of each, and so on, as one would do without comparable scores. "Own word weights" leaves keyword scores
as each collection gives them. Collections stay in --store, so a second run only asks.
"""

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import chain, zip_longest
from pathlib import Path
from unittest.mock import patch

import anyio
from rich.console import Console
from rich.table import Table

from resift.benchmarks.quality import ingest_set
from resift.evaluation.beir import load
from resift.evaluation.judged import JudgedSet
from resift.evaluation.measures import means, per_query
from resift.factories.engine import build_engine
from resift.pipeline.request import SearchRequest
from resift.pipeline.search import Pipeline
from resift.search import word_statistics
from resift.settings.load import load_settings

MEASURES = ("nDCG@10", "R@50")
PLAIN = SearchRequest("", limit=50, per_document=1, reranker="none")
SYSTEMS = {"hybrid": PLAIN, "reranked": replace(PLAIN, reranker="default", depth=50)}

Orders = Mapping[str, Sequence[str]]
"""Documents as "collection/id", best first, by query."""


async def run(folders: Sequence[Path], queries: int, store: Path) -> Table:
    """Return the measures of every set, asked alone and among all."""
    engine = build_engine(load_settings(data_dir=store))
    pipeline = engine.services.pipeline
    table = Table("set", "system", "collections", *MEASURES)
    try:
        sets = [sample(load(folder, "test"), queries) for folder in folders]
        for judged in sets:
            await ingest_set(engine, judged)
        names = [judged.name for judged in sets]
        for judged in sets:
            for name, question in SYSTEMS.items():
                for how, orders in (await answers(pipeline, judged, names, question)).items():
                    grades = {
                        key: {f"{judged.name}/{document}": grade for document, grade in each.items()}
                        for key, each in judged.grades.items()
                    }
                    found = means(per_query(grades, orders, MEASURES))
                    table.add_row(judged.name, name, how, *(f"{found[each]:.4f}" for each in MEASURES))
    finally:
        await engine.close()
    return table


def sample(judged: JudgedSet, queries: int) -> JudgedSet:
    """Return the set with its first queries by key."""
    kept = sorted(judged.queries)[: queries or None]
    return replace(
        judged,
        queries={key: judged.queries[key] for key in kept},
        grades={key: judged.grades[key] for key in kept},
    )


async def answers(
    pipeline: Pipeline, judged: JudgedSet, names: Sequence[str], question: SearchRequest
) -> dict[str, Orders]:
    """Return the orders of a set's queries, by how they were asked."""
    alone = await ask(pipeline, judged, replace(question, collection=judged.name))
    several = await ask(pipeline, judged, replace(question, collection=names))
    with patch.object(word_statistics, "MAX_WORDS", 0):
        own = await ask(pipeline, judged, replace(question, collection=names))
    each = [await ask(pipeline, judged, replace(question, collection=name)) for name in sorted(names)]
    mixed = {key: interleaved([orders[key] for orders in each]) for key in judged.queries}
    return {"alone": alone, "several": several, "several, own word weights": own, "several, interleaved": mixed}


async def ask(pipeline: Pipeline, judged: JudgedSet, question: SearchRequest) -> Orders:
    """Return the documents that each query of a set finds."""
    orders: dict[str, list[str]] = {}
    for key, query in judged.queries.items():
        page = await pipeline.search(replace(question, query=query))
        orders[key] = [f"{hit.passage.collection or question.named[0]}/{hit.passage.document_id}" for hit in page]
    return orders


def interleaved(orders: Sequence[Sequence[str]]) -> list[str]:
    """Return the first of each order, then the second of each."""
    return [each for each in chain.from_iterable(zip_longest(*orders)) if each is not None]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", type=Path, nargs="+")
    parser.add_argument("--queries", type=int, default=0, help="of each set; 0: all")
    parser.add_argument("--store", type=Path, default=Path("build/quality"))
    options = parser.parse_args()
    Console(width=120).print(anyio.run(run, options.folders, options.queries, options.store))


if __name__ == "__main__":
    main()
