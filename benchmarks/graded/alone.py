"""Measure the verdicts on passages that have no other beside them, by a filter and by `rerank`.

    python -m resift.benchmarks.graded.alone GRADED [--pools POOL ...] [--scores FILE] [--json FILE]

GRADED is a folder with lists.jsonl and corpus.jsonl (evaluation/graded.py). Each pool becomes a collection. A passage
of a question's list is searched with a filter that leaves it alone, and reranked alone: all of grade 1 to 3, a few of
grade 0, and one of another pool. --json keeps what is known of each, by which other rules can be tried.
"""

import argparse
import json
from collections import defaultdict
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from random import Random
from typing import Any

import anyio
from rich.table import Table

from resift.benchmarks.graded.__main__ import chosen
from resift.benchmarks.graded.scores import ScoreFile
from resift.benchmarks.quality import ingest_set
from resift.core.values import Document, Passage
from resift.evaluation.graded import GradedPool, GradedQuestion
from resift.factories.engine import build_engine
from resift.pipeline.page import Page
from resift.pipeline.request import SearchRequest
from resift.pipeline.search import Pipeline
from resift.server.cli.console import progress_bar, show
from resift.settings.load import load_settings

UNRELATED = 3  # passages of grade 0 of each question

KINDS = ("grade 3", "grade 2", "grade 1", "grade 0", "of another pool")

Sample = dict[str, Any]
"""Of one passage: its kind, the way, the verdict, the relevance and the scores."""


def drawn(question: GradedQuestion, draw: Random) -> dict[str, list[str]]:
    """Return the ids of the passages that are asked for, by kind."""
    kinds: defaultdict[str, list[str]] = defaultdict(list)
    for key, grade in question.grades.items():
        kinds[f"grade {grade}"].append(key)
    unrelated = kinds["grade 0"]
    return {**kinds, "grade 0": draw.sample(unrelated, min(UNRELATED, len(unrelated)))}


async def ask(pipeline: Pipeline, pool: GradedPool, other: GradedPool, *, seed: int) -> AsyncIterator[list[Sample]]:
    """Yield the samples of each question of a pool."""
    draw = Random(seed)
    documents = {each.id: each for each in pool.documents}
    for name, question in pool.questions.items():
        found: list[Sample] = []
        for kind, keys in drawn(question, draw).items():
            for key in keys:
                found += await _alone(pipeline, question.query, documents[key], pool=pool.name, kind=kind)
        foreign = draw.choice(other.documents)
        found += await _alone(pipeline, question.query, foreign, pool=other.name, kind="of another pool")
        yield [{**each, "question": name} for each in found]


async def _alone(pipeline: Pipeline, query: str, document: Document, *, pool: str, kind: str) -> list[Sample]:
    """Return what a filter on the document and what `rerank` of its text find."""
    request = SearchRequest(query, collection=pool, filter={"document_id": document.id})
    filtered = await pipeline.search(request)
    passage = Passage(document.id, -1, text=document.text, title=document.title)
    reranked = await pipeline.rerank(query, [passage], limit=1)
    return [
        {"way": way, "kind": kind, "pool": pool, **_known(page)}
        for way, page in (("filter", filtered), ("rerank", reranked))
        if len(page) == 1
    ]


def _known(page: Page) -> Sample:
    hit = page.hits[0]
    return {"verdict": page.verdict, "relevance": hit.relevance, **hit.scores}


async def collect(pools: Sequence[GradedPool], *, store: Path, scores: Path | None) -> list[Sample]:
    """Return the samples of all pools."""
    engine = build_engine(load_settings(data_dir=store))
    pipeline = engine.services.pipeline
    pipeline = ScoreFile(scores).keep(pipeline) if scores else pipeline
    samples: list[Sample] = []
    try:
        for pool in pools:
            await ingest_set(engine, pool.judged)
        for seed, (pool, other) in enumerate(zip(pools, [*pools[1:], pools[0]], strict=True)):
            with progress_bar(f"Asking {pool.name}") as progress:
                done = 0
                async for found in ask(pipeline, pool, other, seed=seed):
                    samples += found
                    done += 1
                    await progress(done, len(pool.questions), "")
    finally:
        await engine.close()
    return samples


def table_of(samples: Sequence[Sample], way: str) -> Table:
    """Return the shares of "good", "weak" and "none" by kind."""
    table = Table("passage", "passages", "good", "weak", "none", title=f"Alone, by {way}")
    for kind in KINDS:
        verdicts = [each["verdict"] for each in samples if (each["way"], each["kind"]) == (way, kind)]
        shares = [verdicts.count(each) / max(1, len(verdicts)) for each in ("good", "weak", "none")]
        table.add_row(kind, str(len(verdicts)), *(f"{each:.2f}" for each in shares))
    return table


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("graded", type=Path, metavar="GRADED")
    parser.add_argument("--pools", nargs="+", default=[], help="all unless given")
    parser.add_argument("--store", type=Path, default=Path("build/alone"))
    parser.add_argument("--scores", type=Path, help="file to keep the reranker's scores in")
    parser.add_argument("--json", type=Path, help="file to write what is known of each passage into")
    options = parser.parse_args()
    pools = chosen(options.graded, options.pools)

    async def run() -> list[Sample]:
        return await collect(pools, store=options.store, scores=options.scores)

    samples = anyio.run(run)
    for way in ("filter", "rerank"):
        show(table_of(samples, way))
    if options.json:
        options.json.write_text(json.dumps(samples), encoding="utf-8")


if __name__ == "__main__":
    main()
