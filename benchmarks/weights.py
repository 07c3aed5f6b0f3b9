"""Choose the constants of ranking on development queries: fusion weight, reranker weight, relevance.

    python -m resift.benchmarks.weights BEIR/scifact:train:200 BEIR/nfcorpus:dev:150 [--reranker maxsim]

Each set is a folder in BEIR form, a split, and how many of its queries to draw. Collections stay in --store.
"""

import argparse
from collections import Counter
from collections.abc import AsyncGenerator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from itertools import cycle
from pathlib import Path
from typing import Literal, TypeAlias, get_args

import anyio
import numpy as np
from rich.table import Table

from resift.benchmarks.quality import PLAIN, ingest_set, measure
from resift.core.values import Hit
from resift.evaluation.beir import load
from resift.evaluation.judged import JudgedSet, sample
from resift.evaluation.run import rankings
from resift.evaluation.tuning.calibration import JudgedScores, best_hits, fit_logistic, reliability
from resift.evaluation.tuning.samples import collect_samples, ndcg
from resift.factories.engine import Engine, build_engine
from resift.pipeline.request import NO_RERANKER, SearchRequest
from resift.server.cli.console import show
from resift.settings.load import load_settings

Part: TypeAlias = Literal["fusion", "blend", "relevance", "verdicts", "all"]
Answers: TypeAlias = Mapping[str, Sequence[Hit]]
Stage: TypeAlias = Literal["rerank", "dense"]

FUSION_WEIGHTS = (0.0, 0.2, 0.3, 0.4, 0.5, 0.6, 0.8, 1.0)
RERANK_SHARES = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.8, 1.0)
DENSE_SHARES = (0.0, 0.1, 0.2, 0.3, 0.4)
SIGNALS = ("fused", "rerank", "dense")
DEPTH = 50


async def run(specs: Sequence[str], part: Part, store: Path, reranker: str) -> list[Table]:
    """Return the tables of a part."""
    reranked = replace(PLAIN, reranker=reranker, depth=DEPTH)
    sets = dict(map(draw, specs))
    tables: list[Table] = []
    async with opened(store) as engine:
        for judged in sets.values():
            await ingest_set(engine, judged)
        if part in ("blend", "all"):
            tables += [await sweep_blend(engine, label, judged, reranked) for label, judged in sets.items()]
        if part in ("relevance", "all"):
            tables += await fit_relevance(engine, sets, reranked)
        if part == "verdicts":
            tables.append(await count_verdicts(engine, sets, reranked))
    return [await sweep_fusion(sets, store), *tables] if part in ("fusion", "all") else tables


def draw(spec: str) -> tuple[str, JudgedSet]:
    """Return a label and the judged set that `folder:split:number` names, with that many queries drawn."""
    folder, split, number = spec.rsplit(":", 2)
    judged = sample(load(Path(folder), split), int(number), seed=1)
    return f"{judged.name} {split}", judged


@asynccontextmanager
async def opened(store: Path, *, dense_weight: float | None = None) -> AsyncGenerator[Engine]:
    """Yield an engine, with the given fusion weight if any. Only one engine at a time can hold the store."""
    search = {} if dense_weight is None else {"dense_weight": dense_weight}
    engine = build_engine(load_settings(data_dir=store, search=search))
    try:
        yield engine
    finally:
        await engine.close()


async def sweep_fusion(sets: Mapping[str, JudgedSet], store: Path) -> Table:
    """Return nDCG@10 of hybrid search without reranking, by the weight of the dense leg."""
    rows: dict[str, list[float]] = {label: [] for label in sets}
    for weight in FUSION_WEIGHTS:
        async with opened(store, dense_weight=weight) as engine:
            for label, judged in sets.items():
                rows[label].append((await measure(engine.services.pipeline, judged, PLAIN))["nDCG@10"])
    return _sweep("Weight of the dense leg in fusion, nDCG@10", FUSION_WEIGHTS, rows)


async def sweep_blend(engine: Engine, label: str, judged: JudgedSet, reranked: SearchRequest) -> Table:
    """Return nDCG@10 by the weights of reranker and dense score in the blend; fused retrieval has the rest."""
    question = replace(reranked, collection=judged.name)
    samples = await collect_samples(engine.services.pipeline, judged, question, now=datetime.now(UTC))
    rows: dict[str, list[float]] = {}
    for dense in DENSE_SHARES:
        shares = [share for share in RERANK_SHARES if share + dense <= 1]
        mixes = np.array([[1 - share - dense, share, dense] for share in shares])
        rows[f"dense {dense:g}"] = np.mean([ndcg(each, DEPTH, SIGNALS, mixes) for each in samples], axis=0).tolist()
    return _sweep(f"{label}, nDCG@10 by the reranker's weight", RERANK_SHARES, rows)


async def fit_relevance(engine: Engine, sets: Mapping[str, JudgedSet], reranked: SearchRequest) -> list[Table]:
    """Return the logistics of both scores, and for each its predicted and actual relevance."""
    answers = {label: await ask_all(engine, judged, reranked) for label, judged in sets.items()}
    fits = Table("score", "slope", "intercept", title="Relevance of the best hit")
    tables = [fits]
    for stage in get_args(Stage) if reranked.reranker != NO_RERANKER else ("dense",):
        best = {label: best_hits(read(judged, answers[label], stage)) for label, judged in sets.items()}
        fitted = fit_logistic(list(best.values()))
        fits.add_row(stage, f"{fitted.slope:.2f}", f"{fitted.intercept:.2f}")
        table = Table("predicted", *sets, title=f"Relevance by {stage}, predicted / actual (best hits)")
        rows = [{row[0]: row for row in reliability(fitted, each)} for each in best.values()]
        for name in sorted({name for row in rows for name in row}):
            cells = [row[name][1:] if name in row else None for row in rows]
            table.add_row(name, *("-" if each is None else "{:.2f} / {:.2f} ({})".format(*each) for each in cells))
        tables.append(table)
    return tables


async def count_verdicts(engine: Engine, sets: Mapping[str, JudgedSet], reranked: SearchRequest) -> Table:
    """Return the verdicts on each set's queries, over its own documents and over the other sets' in turn."""
    kinds = ("good", "weak", "none")
    table = Table("questions", "asked of", *kinds, title=f"Verdicts, reranker {reranked.reranker}")
    for label, judged in sets.items():
        others = [each.name for each in sets.values() if each is not judged]
        for where, names in (("its own documents", [judged.name]), ("the other sets", others)):
            counts = Counter[str]()
            for query, name in zip(judged.queries.values(), cycle(names), strict=False):
                asked = replace(reranked, query=query, collection=name)
                counts[(await engine.services.pipeline.search(asked)).verdict] += 1
            table.add_row(label, where, *(f"{counts[kind] / counts.total():.2f}" for kind in kinds))
    return table


async def ask_all(engine: Engine, judged: JudgedSet, reranked: SearchRequest) -> Answers:
    """Return the reranked hits of every query by its id."""
    asked = replace(reranked, collection=judged.name)
    return {key: ranking.hits async for key, ranking in rankings(engine.services.pipeline, judged, asked)}


def read(judged: JudgedSet, answers: Answers, stage: Stage) -> Iterator[JudgedScores]:
    """Yield the scores of each query by a stage, and which of the hits are relevant."""
    for key, hits in answers.items():
        scored = [hit for hit in hits if stage in hit.scores]
        grades = [judged.grades[key].get(hit.passage.document_id, 0) for hit in scored]
        yield np.array([hit.scores[stage] for hit in scored], float), np.array(grades, int) > 0


def _sweep(title: str, weights: Sequence[float], rows: Mapping[str, Sequence[float]]) -> Table:
    table = Table("set", *(f"{weight:g}" for weight in weights), title=title)
    for label, values in rows.items():
        table.add_row(label, *(f"{value:.4f}" for value in values))
    return table


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sets", nargs="+", metavar="FOLDER:SPLIT:QUESTIONS")
    parser.add_argument("--part", choices=get_args(Part), default="all")
    parser.add_argument("--reranker", default="default")
    parser.add_argument("--store", type=Path, default=Path("build/quality"))
    options = parser.parse_args()
    for table in anyio.run(run, options.sets, options.part, options.store, options.reranker):
        show(table)


if __name__ == "__main__":
    main()
