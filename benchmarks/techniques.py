"""Measure what search arguments and vector settings change in hybrid search, one part per run.

    python -m resift.benchmarks.techniques fields BEIR/scifact BEIR/nfcorpus

Each folder is a test set in BEIR form. Collections stay in --store, like those of `quality`.
"""

import argparse
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import combinations
from pathlib import Path
from statistics import fmean
from time import process_time
from typing import Any, TypeAlias, get_args

import anyio
import numpy as np
from rich.table import Table

from resift.benchmarks.quality import PLAIN, ingest_set
from resift.core.values import Hit
from resift.encoders.bm25 import Tokenizer
from resift.evaluation.beir import load, splits
from resift.evaluation.judged import JudgedSet, sample
from resift.evaluation.measures import means, per_query
from resift.factories.engine import Engine, build_engine
from resift.pipeline.request import MAX_FEEDBACK, SearchRequest
from resift.server.cli.console import show
from resift.settings.load import load_settings

Questions: TypeAlias = Mapping[str, SearchRequest]
Found: TypeAlias = Mapping[str, Sequence[Hit]]
Rows: TypeAlias = list[tuple[str, ...]]

MEASURES = ("nDCG@10", "R@50")
WEIGHTS: tuple[Mapping[str, float], ...] = (
    {},
    {"text": 0.9, "title": 0.1},
    {"text": 0.8, "title": 0.2},
    {"text": 0.6, "title": 0.4},
    {"title": 1},
)
DIVERSITIES = (0.0, 0.1, 0.3, 0.5, 0.7)
FACTORS = (0.0, 0.5, 1.2, 1.5, 2.0)
LATE_WEIGHTS = (0.0, 0.1, 0.2, 0.3, 0.5)


async def fields(engine: Engine, judged: JudgedSet, folder: Path) -> Rows:
    """Vary the weight of the title vector against that of the text vector."""
    rows: Rows = []
    for mode in ("hybrid", "dense"):
        for weights in WEIGHTS:
            found = await ask(engine, judged, same_for_all(judged, replace(PLAIN, mode=mode, fields=weights)))
            rows.append(row(f"{mode}, fields {dict(weights) or 'not given'}", judged.grades, found))
    return rows


async def phrasings(engine: Engine, judged: JudgedSet, folder: Path) -> Rows:
    """Add to each query the one with the fewest words in common, among those with the same relevant documents."""
    other = reworded(judged, folder)
    variants: Mapping[str, Questions] = {
        "query": dict.fromkeys(other, PLAIN),
        "the other wording alone": {key: replace(PLAIN, query=text) for key, text in other.items()},
        "query and `queries` with the other": {key: replace(PLAIN, queries=[text]) for key, text in other.items()},
    }
    return [row(name, judged.grades, await ask(engine, judged, asked)) for name, asked in variants.items()]


def reworded(judged: JudgedSet, folder: Path) -> dict[str, str]:
    """Return another wording of each query that has one, from any split."""
    by_answer: defaultdict[frozenset[str], list[str]] = defaultdict(list)
    for each in (load(folder, split) for split in splits(folder)):
        for key, text in each.queries.items():
            by_answer[relevant(each.grades[key])].append(text)
    found: dict[str, str] = {}
    for key, query in judged.queries.items():
        others = [text for text in by_answer[relevant(judged.grades[key])] if text != query]
        if others:
            found[key] = min(others, key=lambda text: (overlap(query, text), text))
    return found


async def examples(engine: Engine, judged: JudgedSet, folder: Path) -> Rows:
    """Give a relevant document as `like` and the first irrelevant hit as `unlike`; neither counts in any row."""
    several = {key: judged.queries[key] for key in judged.queries if len(relevant(judged.grades[key])) > 1}
    asked = replace(judged, queries=several)
    plain = await ask(engine, asked, same_for_all(asked, PLAIN))
    like = {key: min(relevant(judged.grades[key]), key=lambda name: (-judged.grades[key][name], name)) for key in plain}
    unlike = {
        key: next(hit for hit in hits if not judged.grades[key].get(hit.passage.document_id))
        for key, hits in plain.items()
    }
    rest = {key: {name: grade for name, grade in judged.grades[key].items() if name != like[key]} for key in plain}
    variants: Mapping[str, Questions] = {
        "query": same_for_all(asked, PLAIN),
        "query, `like`": {key: replace(PLAIN, like=[f"{like[key]}#0"]) for key in plain},
        "query, `unlike`": {key: replace(PLAIN, unlike=[unlike[key].passage.id]) for key in plain},
        "query, both": {key: replace(PLAIN, like=[f"{like[key]}#0"], unlike=[unlike[key].passage.id]) for key in plain},
    }
    rows: Rows = []
    for name, questions in variants.items():
        found = await ask(engine, asked, questions)
        shown = {key: {like[key], unlike[key].passage.document_id} for key in found}
        others = {
            key: [hit for hit in hits if hit.passage.document_id not in shown[key]] for key, hits in found.items()
        }
        rows.append(row(name, rest, others))
    return rows


async def diversity(engine: Engine, judged: JudgedSet, folder: Path) -> Rows:
    """Measure how much the first ten hits repeat each other, by the mean cosine of their pairs."""
    collection = await engine.services.pipeline.open(judged.name)
    rows: Rows = []
    for share in DIVERSITIES:
        found = await ask(engine, judged, same_for_all(judged, replace(PLAIN, diversity=share)))
        cosines: list[float] = []
        for hits in found.values():
            ids = [hit.passage.point_id(judged.name) for hit in hits[:10]]
            vectors = [np.asarray(each) for each in (await collection.fetch_vectors(ids, "dense")).values()]
            cosines += [float(one @ other) for one, other in combinations(vectors, 2)]
        rows.append(row(f"diversity {share}: mean cosine {fmean(cosines):.3f}", judged.grades, found))
    return rows


async def boosts(engine: Engine, judged: JudgedSet, folder: Path) -> Rows:
    """Boost the question's own topic, for sets whose ids begin with one: "Sports_q2", "Sports_d11"."""
    tagged = [replace(each, metadata={"topic": topic(each.id)}) for each in judged.documents]
    judged = replace(judged, name=f"{judged.name}-topics", documents=tagged)
    await ingest_set(engine, judged)
    rows = [row("query", judged.grades, await ask(engine, judged, same_for_all(judged, PLAIN)))]
    for factor in FACTORS:
        asked = {key: replace(PLAIN, boost={"topic": {topic(key): factor}}) for key in judged.queries}
        rows.append(row(f"its topic boosted by {factor}", judged.grades, await ask(engine, judged, asked)))
    asked = {key: replace(PLAIN, filter={"topic": topic(key)}) for key in judged.queries}
    return [*rows, row("its topic as a filter", judged.grades, await ask(engine, judged, asked))]


async def tokens(engine: Engine, judged: JudgedSet, folder: Path) -> Rows:
    """Vary the weight of late interaction in a collection with one vector per token."""
    variants = {f"weight of late interaction {weight}": {"late_weight": weight} for weight in LATE_WEIGHTS}
    store = engine.settings.data_dir / "tokens"
    return [
        row(
            name,
            judged.grades,
            await hits_when_rebuilt(judged, PLAIN, data_dir=store, vectors={"tokens": True}, search=search),
        )
        for name, search in variants.items()
    ]


async def tokenizer(engine: Engine, judged: JudgedSet, folder: Path) -> Rows:
    """Compare the tokenizers of BM25."""
    rows: Rows = []
    for name in get_args(Tokenizer):
        for mode in ("keyword", "hybrid"):
            store = engine.settings.data_dir / f"tokenizer-{name}"
            found = await hits_when_rebuilt(
                judged, replace(PLAIN, mode=mode), data_dir=store, search={"tokenizer": name}
            )
            rows.append(row(f"{mode}, tokenizer {name}", judged.grades, found))
    return rows


async def feedback(engine: Engine, judged: JudgedSet, folder: Path) -> Rows:
    """Search once more with the best passages: queries helped and hurt, and processor time, by the default search."""
    question = SearchRequest("", per_document=1)
    await ask(engine, judged, {next(iter(judged.queries)): question})  # loads the models
    rows, before, least_s = list[tuple[str, ...]](), dict[str, float](), 0.0
    for passages in range(MAX_FEEDBACK + 1):
        start_s = process_time()
        found = await ask(engine, judged, same_for_all(judged, replace(question, feedback=passages)))
        took_s = process_time() - start_s
        orders = {key: [hit.passage.document_id for hit in hits] for key, hits in found.items()}
        after = per_query(judged.grades, orders, MEASURES)[MEASURES[0]]
        before, least_s = before or after, least_s or took_s
        helped, hurt = [sum(sign * (after[key] - before[key]) > 0 for key in after) for sign in (1, -1)]
        label = f"feedback {passages}: {helped} helped, {hurt} hurt, {took_s / least_s:.2f} times the processor time"
        rows.append(row(label, judged.grades, found))
    return rows


async def hits_when_rebuilt(judged: JudgedSet, question: SearchRequest, **settings: Any) -> Found:
    """Return the hits of each query in a collection built with other settings."""
    other = build_engine(load_settings(**settings))
    try:
        await ingest_set(other, judged)
        return await ask(other, judged, same_for_all(judged, question))
    finally:
        await other.close()


PARTS: Mapping[str, Callable[[Engine, JudgedSet, Path], Awaitable[Rows]]] = {
    each.__name__: each for each in (fields, phrasings, examples, diversity, boosts, tokens, tokenizer, feedback)
}


async def ask(engine: Engine, judged: JudgedSet, questions: Questions) -> Found:
    """Return the hits of each question; one without a query of its own gets that of its key.

    Equal passages of two documents stay two hits, since documents are judged.
    """
    found: dict[str, Sequence[Hit]] = {}
    for key, question in questions.items():
        query = question.query or judged.queries[key]
        asked = replace(question, collection=judged.name, query=query, collapse=False)
        found[key] = (await engine.services.pipeline.search(asked)).ranking.hits
    return found


def same_for_all(judged: JudgedSet, question: SearchRequest) -> Questions:
    """Return the question for every query of the set."""
    return dict.fromkeys(judged.queries, question)


def row(name: str, grades: Mapping[str, Mapping[str, int]], found: Found) -> tuple[str, ...]:
    """Return a row: the label, the number of queries, and the mean measures."""
    orders = {key: [hit.passage.document_id for hit in hits] for key, hits in found.items()}
    values = means(per_query(grades, orders, MEASURES))
    return (name, str(len(found)), *(f"{values[measure]:.4f}" for measure in MEASURES))


def relevant(grades: Mapping[str, int]) -> frozenset[str]:
    """Return the relevant documents."""
    return frozenset(name for name, grade in grades.items() if grade > 0)


def overlap(one: str, other: str) -> float:
    """Return the Jaccard similarity of the words of two texts."""
    first, second = set(one.lower().split()), set(other.lower().split())
    return len(first & second) / len(first | second)


def topic(identifier: str) -> str:
    """Return the topic that a document id begins with."""
    return identifier.partition("_")[0]


async def run(part: str, folders: Iterable[Path], split: str, store: Path, questions: int) -> Table:
    """Return the table of one part on every set."""
    engine = build_engine(load_settings(data_dir=store, rerank={"cache_size": 0}))  # every row reads for itself
    table = Table("set", "asked", "questions", *MEASURES)
    try:
        for folder in folders:
            judged = sample(load(folder, split), questions, seed=1)
            await ingest_set(engine, judged)
            for line in await PARTS[part](engine, judged, folder):
                table.add_row(judged.name, *line)
    finally:
        await engine.close()
    return table


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("part", choices=PARTS)
    parser.add_argument("folders", type=Path, nargs="+")
    parser.add_argument("--split", default="test")
    parser.add_argument("--questions", type=int, default=0, help="of each set; 0: all")
    parser.add_argument("--store", type=Path, default=Path("build/quality"))
    options = parser.parse_args()
    show(anyio.run(run, options.part, options.folders, options.split, options.store, options.questions))


if __name__ == "__main__":
    main()
