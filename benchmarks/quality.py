"""Measure search quality: ingest the documents of test sets and ask the pipeline their queries.

    python -m resift.benchmarks.quality BEIR/scifact BEIR/nfcorpus BEIR/cosqa-dev:dev

Each set is a folder in BEIR form, with a split where it is not --split. Collections stay in --store, so a second run
only asks. A second table compares the other systems with hybrid search, query by query. With --scores, a pair of query
and passage is read once only.
"""

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import fmean

import anyio
from rich.table import Table

from resift.benchmarks.graded.scores import ScoreFile
from resift.evaluation.beir import load
from resift.evaluation.corpus import ingest_documents
from resift.evaluation.judged import JudgedSet, sample
from resift.evaluation.measures import MAIN_MEASURE, PerQuery, means, paired_bootstrap, per_query
from resift.evaluation.run import document_ids, rankings
from resift.evaluation.systems import System
from resift.factories.engine import Engine, build_engine
from resift.models.bundled import RERANKER_FOLDER
from resift.pipeline.request import NO_RERANKER, SearchRequest
from resift.pipeline.search import Pipeline
from resift.server.cli.console import progress_bar, show
from resift.settings.load import load_settings

MEASURES = ("nDCG@10", "RR@10", "R@50", "R@100")
PLAIN = SearchRequest("", limit=100, per_document=1, reranker="none")
HYBRID, BY_DEFAULT = "hybrid", "default search, stops early"
SEED = 1
SYSTEMS = (
    System("dense", replace(PLAIN, mode="dense")),
    System("BM25", replace(PLAIN, mode="keyword")),
    System(HYBRID, PLAIN),
    System("hybrid + maxsim", replace(PLAIN, reranker="maxsim")),
    System("cross-encoder alone, 50 read", replace(PLAIN, reranker="cross-encoder", depth=50, rerank_weight=1.0)),
    System("hybrid + cross-encoder, 50 read", replace(PLAIN, reranker="cross-encoder", depth=50)),
    System(BY_DEFAULT, SearchRequest("", per_document=1, reranker="default")),
)


@dataclass(frozen=True, slots=True)
class Answered:
    """The measures of a system on one set."""

    values: PerQuery
    read: float
    """How many hits a reranker read, on average."""


Results = Mapping[str, Mapping[str, Answered]]
"""By set, then by system."""


async def run(sets: Sequence[JudgedSet], names: Sequence[str], *, engine: Engine, scores: Path | None) -> Results:
    """Return what the systems of these names make of every set."""
    pipeline = engine.services.pipeline
    pipeline = ScoreFile(scores).keep(pipeline) if scores else pipeline
    results: dict[str, dict[str, Answered]] = {}
    for judged in sets:
        await ingest_set(engine, judged)
        found = results.setdefault(judged.name, {})
        for system in (each for each in SYSTEMS if each.name in names):
            found[system.name] = await answer(pipeline, judged, system.question, label=f"{judged.name}, {system.name}")
    return results


def measure_table(results: Results) -> Table:
    """Return the mean measures of every system on every set."""
    table = Table("set", "system", *MEASURES)
    for name, systems in results.items():
        for system, answered in systems.items():
            found = means(answered.values)
            table.add_row(name, system, *(f"{found[measure]:.4f}" for measure in MEASURES))
        table.add_section()
    return table


def gain_table(results: Results, system: str) -> Table:
    """Return what a system gains over hybrid search, and how many queries it helps and hurts."""
    columns = ("set", "queries", HYBRID, "with", "gain", "95 % interval", "helped", "hurt", "read")
    table = Table(*columns, title=f"{MAIN_MEASURE} of {system} against {HYBRID}")
    rows: list[tuple[float, float]] = []
    counted = [0, 0]
    for name, systems in results.items():
        before, after = (systems[each].values[MAIN_MEASURE] for each in (HYBRID, system))
        differences = [after[key] - before[key] for key in before]
        gain = paired_bootstrap(differences, seed=SEED)
        counts = [sum(each > 0 for each in differences), sum(each < 0 for each in differences)]
        rows.append((fmean(before.values()), fmean(after.values())))
        counted = [one + other for one, other in zip(counted, counts, strict=True)]
        interval = f"{gain.low:+.4f} to {gain.high:+.4f}"
        cells = (*(f"{each:.4f}" for each in rows[-1]), f"{gain.mean:+.4f}", interval, *map(str, counts))
        table.add_row(name, str(len(before)), *cells, f"{systems[system].read:.1f}")
    table.add_section()
    before, after = (fmean(column) for column in zip(*rows, strict=True))
    table.add_row("mean", "", f"{before:.4f}", f"{after:.4f}", f"{after - before:+.4f}", "", *map(str, counted), "")
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
    return means((await answer(pipeline, judged, question, label=judged.name)).values)


async def answer(pipeline: Pipeline, judged: JudgedSet, question: SearchRequest, *, label: str) -> Answered:
    """Return the measures of every query, asked as `question`."""
    orders: dict[str, Sequence[str]] = {}
    read: list[int] = []
    with progress_bar(label) as progress:
        async for key, ranking in rankings(pipeline, judged, replace(question, collection=judged.name)):
            orders[key] = document_ids(ranking)
            read.append(sum(stage.returned for stage in ranking.stages if stage.kind == "score"))
            await progress(len(read), len(judged.queries), "")
    return Answered(per_query(judged.grades, orders, MEASURES), fmean(read))


def load_set(name: str, split: str, queries: int) -> JudgedSet:
    """Return the set that `folder` or `folder:split` names, with some of its queries; 0: all."""
    folder, _, own = name.partition(":")
    return sample(load(Path(folder), own or split), queries, seed=1)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sets", nargs="+", metavar="FOLDER[:SPLIT]")
    parser.add_argument("--split", default="test")
    parser.add_argument("--queries", type=int, default=0, help="of each set; 0: all")
    parser.add_argument("--brief", action="store_true", help="hybrid and the default search alone")
    parser.add_argument("--reranker", type=Path, default=RERANKER_FOLDER)
    parser.add_argument("--store", type=Path, default=Path("build/quality"))
    parser.add_argument("--scores", type=Path, help="file to keep the reranker's scores in")
    options = parser.parse_args()
    sets = [load_set(name, options.split, options.queries) for name in options.sets]
    names = (HYBRID, BY_DEFAULT) if options.brief else tuple(each.name for each in SYSTEMS)

    async def ask() -> Results:
        engine = build_engine(load_settings(data_dir=options.store, reranker=str(options.reranker)))
        try:
            return await run(sets, names, engine=engine, scores=options.scores)
        finally:
            await engine.close()

    results = anyio.run(ask)
    show(measure_table(results))
    for system in (each.name for each in SYSTEMS if each.question.reranker != NO_RERANKER and each.name in names):
        show(gain_table(results, system))


if __name__ == "__main__":
    main()
