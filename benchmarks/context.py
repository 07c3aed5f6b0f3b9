"""Measure whether the title belongs into what is embedded and into what BM25 counts, on training and development data.

    python -m resift.benchmarks.context BEIR/clapnq-dev:train:300 GRADED:policy,company,docs

Each argument is a folder in BEIR form with a split and a number of queries, or a folder of graded lists with pools,
each of which is a set; in the pool `policy`, titles are the headings of sections. Passages are searched in
memory, exactly, with the encoder, the BM25 weights and the fusion that a collection has by default.
"""

import argparse
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import product
from math import log
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeAlias

import anyio
import numpy as np
from numpy.typing import NDArray
from rich.table import Table

from resift.benchmarks.weights import draw
from resift.core.values import Passage
from resift.core.vectors import Sparse
from resift.encoders.bm25 import AVERAGE_LENGTH, Bm25Encoder, Bm25Options
from resift.evaluation.graded import LISTS_FILE, read_graded
from resift.evaluation.judged import JudgedSet
from resift.evaluation.measures import means, per_query
from resift.factories.engine import Engine, build_engine
from resift.ingest.passages.chunker import Chunker
from resift.ingest.reader import with_structure
from resift.search.fusion import convex
from resift.search.retriever import FusionOptions
from resift.server.cli.console import progress_bar, show
from resift.settings.load import load_settings

Floats: TypeAlias = NDArray[np.float64] | NDArray[np.float32]

Places: TypeAlias = NDArray[np.intp]

MEASURES = ("nDCG@10", "R@50")
STEP = 256  # passages encoded between two reports of progress
WITHOUT, WITH = "without", "with"


class Postings:
    """BM25 over passages in memory, with the weights and the inverse document frequency that a collection has."""

    def __init__(self, texts: Sequence[str]) -> None:
        self._bm25 = Bm25Encoder(Bm25Options(AVERAGE_LENGTH))
        self._count = len(texts)
        found: dict[int, list[tuple[int, float]]] = defaultdict(list)
        for place, text in enumerate(texts):
            vector = self._bm25.document(text)
            for word, weight in zip(vector.indices, vector.values, strict=True):
                found[word].append((place, weight))
        self._by_word = {word: tuple(map(np.array, zip(*each, strict=True))) for word, each in found.items()}

    def scores(self, query: str) -> Floats:
        """Return the score of each passage."""
        vector: Sparse = self._bm25.query(query)
        scores = np.zeros(self._count)
        for word, weight in zip(vector.indices, vector.values, strict=True):
            if word in self._by_word:
                places, weights = self._by_word[word]
                rarity = log((self._count - len(places) + 0.5) / (len(places) + 0.5) + 1)
                scores[places] += weight * weights * rarity
        return scores


def sets_of(arguments: Sequence[str]) -> Iterator[tuple[str, JudgedSet]]:
    """Yield the label and the judged set of each argument; several for a folder of graded lists."""
    for each in arguments:
        folder, _, pools = each.partition(":")
        if (Path(folder) / LISTS_FILE).is_file():
            found = read_graded(Path(folder))
            yield from ((f"graded {pool}", found[pool]) for pool in (pools.split(",") if pools else found))
        else:
            yield draw(each)


async def encoded(engine: Engine, texts: Sequence[str], label: str) -> NDArray[np.float32]:
    """Return the unit vectors of texts as rows; equal texts are encoded once."""
    distinct = list(dict.fromkeys(texts))
    rows: list[NDArray[np.float32]] = []
    with progress_bar(label) as progress:
        for start in range(0, len(distinct), STEP):
            vectors, _ = await engine.encoder.encode(distinct[start : start + STEP])
            rows += [np.asarray(each, np.float32) for each in vectors]
            await progress(len(rows), len(distinct), "")
    by_text = dict(zip(distinct, rows, strict=True))
    return np.stack([by_text[text] for text in texts])


async def measure(engine: Engine, label: str, judged: JudgedSet) -> list[tuple[str, ...]]:
    """Return a row for each way to use the title: with and without it, in the vector and in BM25."""
    chunker = Chunker((await engine.transformer.get()).tokenizer)
    passages = [passage for document in judged.documents for passage in chunker.chunk(with_structure(document))]
    titled = len({each.document_id for each in passages if each.title})
    texts = {WITHOUT: [each.text for each in passages], WITH: [each.content for each in passages]}
    dense = {key: await encoded(engine, each, f"{label}, {key} title") for key, each in texts.items()}
    bm25 = {key: Postings(each) for key, each in texts.items()}
    queries = {key: await engine.encoder.encode_query(query) for key, query in judged.queries.items()}
    cosines = {key: {name: rows @ each.vector for name, each in queries.items()} for key, rows in dense.items()}
    words = {key: {name: each.scores(query) for name, query in judged.queries.items()} for key, each in bm25.items()}
    rows: list[tuple[str, ...]] = []
    for in_vector, in_words in product((WITHOUT, WITH), repeat=2):
        orders = {
            name: fused(passages, cosines[in_vector][name], words[in_words][name], engine) for name in judged.queries
        }
        alone = [
            {name: best(passages, scores[key][name]) for name in judged.queries}
            for key, scores in ((in_vector, cosines), (in_words, words))
        ]
        values = [means(per_query(judged.grades, each, MEASURES)) for each in (*alone, orders)]
        figures = [values[0]["nDCG@10"], values[1]["nDCG@10"], values[2]["nDCG@10"], values[2]["R@50"]]
        counts = f"{len(judged.queries)} in {len(judged.documents)}, {titled} titled"
        rows.append((label, counts, in_vector, in_words, *(f"{each:.4f}" for each in figures)))
    return rows


def fused(passages: Sequence[Passage], cosines: Floats, words: Floats, engine: Engine) -> list[str]:
    """Return the documents of hybrid search, each at its best passage."""
    options = FusionOptions(dense_weight=engine.settings.search.dense_weight)
    legs = [[(int(at), float(scores[at])) for at in _first(scores, options)] for scores in (cosines, words)]
    legs[1] = [(at, score) for at, score in legs[1] if score > 0]
    weights = [options.dense_weight, 1 - options.dense_weight]
    order: list[tuple[int, float]] = convex(legs, weights=weights, scalings=["min-max", "max"])
    return list(dict.fromkeys(passages[at].document_id for at, _ in order))


def best(passages: Sequence[Passage], scores: Floats) -> list[str]:
    """Return the documents of one leg, each at its best passage."""
    found = [passages[int(at)] for at in _first(scores, FusionOptions()) if scores[at] > 0]
    return list(dict.fromkeys(passage.document_id for passage in found))


def _first(scores: Floats, options: FusionOptions) -> Places:
    return np.argsort(-np.asarray(scores), kind="stable")[: options.leg_limit]


async def run(arguments: Sequence[str], threads: int) -> Table:
    """Return the table of all sets."""
    columns = ("set", "questions", "title in vector", "in BM25", "dense", "BM25", "hybrid", "hybrid R@50")
    table = Table(*columns)
    with TemporaryDirectory() as folder:
        engine = build_engine(load_settings(data_dir=Path(folder), threads=threads))
        try:
            for label, judged in sets_of(arguments):
                asked = {key: query for key, query in judged.queries.items() if any(judged.grades[key].values())}
                for row in await measure(engine, label, replace(judged, queries=asked)):
                    print("\t".join(row), flush=True)
                    table.add_row(*row)
        finally:
            await engine.close()
    return table


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sets", nargs="+")
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    show(anyio.run(run, options.sets, options.threads))


if __name__ == "__main__":
    main()
