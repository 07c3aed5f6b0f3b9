"""The constants of ranking, chosen on questions that no test asks: fusion weight, reranker weight, relevance.

    python -m resift.benchmarks.weights BEIR/scifact:train:200 BEIR/nfcorpus:dev:150

Each set is a folder in BEIR form, a split, and how many of its questions to draw. Collections are kept in --store.
"""

import argparse
import random
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Literal, TypeAlias

import anyio
import ir_measures
import numpy as np
from ir_measures import ScoredDoc, nDCG
from numpy.typing import NDArray
from rich.table import Table

from resift.benchmarks.beir import Judged, load
from resift.benchmarks.quality import ingest
from resift.core.calibration import Logistic
from resift.core.values import Hit
from resift.pipeline.question import Question
from resift.rerank.blend import blend
from resift.server.console import OUT
from resift.server.engine import Engine, build_engine
from resift.server.settings import load_settings

Part: TypeAlias = Literal["fusion", "blend", "relevance", "all"]
Answers: TypeAlias = Mapping[str, Sequence[Hit]]
Stage: TypeAlias = Literal["rerank", "dense"]
Floats: TypeAlias = NDArray[np.float64]
Best: TypeAlias = tuple[Floats, Floats]
"""For each question the score of its best hit, and 1 where the judges marked that hit's document, else 0."""

PARTS: tuple[Part, ...] = ("fusion", "blend", "relevance", "all")
FUSION_WEIGHTS = (0.0, 0.2, 0.3, 0.4, 0.5, 0.6, 0.8, 1.0)
BLEND_WEIGHTS = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.8, 1.0)
BIN_EDGES = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)
PLAIN = Question("", limit=100, per_document=1)
RERANKED = replace(PLAIN, reranker="maxsim", depth=50, rerank_weight=0.0)  # each weight is then blended from one answer
RIDGE = 1e-6  # keeps the fit finite where a handful of questions are perfectly separated


async def run(specs: Sequence[str], part: Part, store: Path) -> list[Table]:
    """Ingest, ask and fit; return the tables of the part."""
    sets = dict(map(draw, specs))
    async with opened(store) as engine:
        for judged in sets.values():
            await ingest(engine, judged)
        asked = {} if part == "fusion" else sets
        answers = {label: await ask_all(engine, judged, RERANKED) for label, judged in asked.items()}
    tables = [await sweep_fusion(sets, store)] if part in ("fusion", "all") else []
    tables += [sweep_blend(sets, answers)] if part in ("blend", "all") else []
    return [*tables, *fit_relevance(sets, answers)] if part in ("relevance", "all") else tables


def draw(spec: str) -> tuple[str, Judged]:
    """Return a label and the test set that `folder:split:number` names, with the questions drawn, always the same."""
    folder, split, number = spec.rsplit(":", 2)
    judged = load(Path(folder), split)
    keys = sorted(judged.queries)
    random.Random(1).shuffle(keys)
    drawn = keys[: int(number)]
    queries, grades = ({key: each[key] for key in drawn} for each in (judged.queries, judged.grades))
    return f"{judged.name} {split}", replace(judged, queries=queries, grades=grades)


@asynccontextmanager
async def opened(store: Path, *, dense_weight: float | None = None) -> AsyncGenerator[Engine]:
    """Lend an engine, with a fusion weight other than the configured one if given; one at a time holds the store."""
    search = {} if dense_weight is None else {"dense_weight": dense_weight}
    engine = build_engine(load_settings(data_dir=store, search=search))
    try:
        yield engine
    finally:
        await engine.close()


async def ask_all(engine: Engine, judged: Judged, question: Question) -> Answers:
    """Return the hits of every query, by its id."""
    answers: dict[str, Sequence[Hit]] = {}
    for key, query in judged.queries.items():
        page = await engine.services.pipeline.ask(replace(question, query=query, collection=judged.name))
        answers[key] = page.ranking.hits
    return answers


async def sweep_fusion(sets: Mapping[str, Judged], store: Path) -> Table:
    """Return nDCG@10 of hybrid search, nothing reranked, by the share of the dense leg."""
    rows: dict[str, list[float]] = {label: [] for label in sets}
    for weight in FUSION_WEIGHTS:
        async with opened(store, dense_weight=weight) as engine:
            for label, judged in sets.items():
                rows[label].append(ndcg(judged, await ask_all(engine, judged, PLAIN)))
    return _sweep("Weight of the dense leg in fusion, nDCG@10", FUSION_WEIGHTS, rows)


def sweep_blend(sets: Mapping[str, Judged], answers: Mapping[str, Answers]) -> Table:
    """Return nDCG@10 by the share of the reranker, blended again from the scores of one answer."""
    rows: dict[str, list[float]] = {label: [] for label in sets}
    for label, judged in sets.items():
        for weight in BLEND_WEIGHTS:
            rows[label].append(ndcg(judged, {key: reblend(hits, weight) for key, hits in answers[label].items()}))
    return _sweep("Weight of the reranker in the blend, nDCG@10", BLEND_WEIGHTS, rows)


def reblend(hits: Sequence[Hit], weight: float) -> list[Hit]:
    """Return the hits as the product orders them with this weight of the reranker; the tail keeps its order."""
    head = [hit for hit in hits if "rerank" in hit.scores]
    tail = [hit for hit in hits if "rerank" not in hit.scores]
    final = blend([hit.scores["fused"] for hit in head], [hit.scores["rerank"] for hit in head], weight=weight)
    order = sorted(range(len(head)), key=lambda i: (-final[i], head[i].was))
    return [*(head[i] for i in order), *tail]


def ndcg(judged: Judged, answers: Answers) -> float:
    """Return mean nDCG@10; scores fall with the place, so that no tie is broken by trec_eval's own rule."""
    qrels = [ir_measures.Qrel(key, each, grade) for key, row in judged.grades.items() for each, grade in row.items()]
    run_: list[ScoredDoc] = []
    for key, hits in answers.items():
        run_ += [ScoredDoc(key, hit.passage.document_id, 1 / place) for place, hit in enumerate(hits, start=1)]
    return ir_measures.calc_aggregate([nDCG @ 10], qrels, run_)[nDCG @ 10]  # pyright: ignore[reportUnknownMemberType]


def fit_relevance(sets: Mapping[str, Judged], answers: Mapping[str, Answers]) -> list[Table]:
    """Return the logistics of both scores, and how the reranker's agrees with what was found."""
    reranked = {label: best_hits(judged, answers[label], "rerank") for label, judged in sets.items()}
    dense = [best_hits(judged, answers[label], "dense") for label, judged in sets.items()]
    maxsim = fit(list(reranked.values()))
    fits = Table("score", "slope", "intercept", title="Relevance of the best hit")
    for name, logistic in (("maxsim", maxsim), ("dense", fit(dense))):
        fits.add_row(name, f"{logistic.slope:.2f}", f"{logistic.intercept:.2f}")
    table = Table("predicted", *sets, title="Relevance by MaxSim, predicted / found (questions)")
    for low, high in pairwise(BIN_EDGES):
        table.add_row(f"{low}-{high}", *(_bin(maxsim, best, low, high) for best in reranked.values()))
    return [fits, table]


def best_hits(judged: Judged, answers: Answers, stage: Stage) -> Best:
    """Return each question's best hit by the score of a stage."""
    scored = {key: [hit for hit in hits if stage in hit.scores] for key, hits in answers.items()}
    best = {key: max(hits, key=lambda hit: hit.scores[stage]) for key, hits in scored.items() if hits}
    relevant = [judged.grades[key].get(hit.passage.document_id, 0) > 0 for key, hit in best.items()]
    return np.array([hit.scores[stage] for hit in best.values()], float), np.array(relevant, float)


def fit(sets: Sequence[Best]) -> Logistic:
    """Return the logistic of greatest likelihood, each set weighing the same, by Newton's method with halved steps."""
    scores, relevant = (np.concatenate(parts) for parts in zip(*sets, strict=True))
    weights = np.concatenate([np.full(len(part), 1 / max(1, len(part))) for part, _ in sets])
    inputs = np.stack([scores, np.ones_like(scores)], axis=1)

    def loss(point: Floats) -> float:
        margins = (2 * relevant - 1) * (inputs @ point)
        return float(weights @ np.logaddexp(0, -margins) + RIDGE / 2 * point @ point)

    point, step = np.zeros(2), np.ones(2)
    while np.abs(step).max() > 1e-6:
        chances = 1 / (1 + np.exp(-(inputs @ point)))
        slope = inputs.T @ (weights * (chances - relevant)) + RIDGE * point
        curvature = (inputs.T * (weights * chances * (1 - chances))) @ inputs + RIDGE * np.eye(2)
        step = np.linalg.solve(curvature, slope)
        while loss(point - step) > loss(point) and np.abs(step).max() > 1e-6:
            step = step / 2
        point = point - step
    return Logistic(float(point[0]), float(point[1]))


def _bin(logistic: Logistic, best: Best, low: float, high: float) -> str:
    scores, relevant = best
    chances = np.array([logistic.probability(score) for score in scores])
    inside = (chances >= low) & ((chances < high) | (high == BIN_EDGES[-1]))
    return f"{chances[inside].mean():.2f} / {relevant[inside].mean():.2f} ({inside.sum()})" if inside.any() else "-"


def _sweep(title: str, weights: Sequence[float], rows: Mapping[str, Sequence[float]]) -> Table:
    table = Table("set", *(f"{weight:g}" for weight in weights), title=title)
    for label, values in rows.items():
        table.add_row(label, *(f"{value:.4f}" for value in values))
    return table


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sets", nargs="+", metavar="FOLDER:SPLIT:QUESTIONS")
    parser.add_argument("--part", choices=PARTS, default="all")
    parser.add_argument("--store", type=Path, default=Path("build/quality"))
    options = parser.parse_args()
    for table in anyio.run(run, options.sets, options.part, options.store):
        OUT.print(table)


if __name__ == "__main__":
    main()
