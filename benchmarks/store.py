"""Measure the embedded store at size: opening, hybrid search, memory, recall; and against qdrant-client's local mode.

    python -m resift.benchmarks.store --passages 100000
    python -m resift.benchmarks.store --local 10000

Texts are the beginnings of two docstrings of the standard library, cut at random lengths, with their BM25 vectors.
Dense vectors lie around one centre per 20 passages, at a cosine of about 0.86 to it, like passages on one subject. To
measure quantization or a graph on real vectors, run `resift tune --memory`. Each row comes from a process of its own.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from statistics import median

import anyio
import numpy as np
from rich.console import Console
from rich.table import Table

from resift.core.values import Passage
from resift.core.vectors import BM25, DENSE, standard_vectors
from resift.encoders.bm25 import Bm25Encoder, Bm25Options
from resift.examples.questions import STDLIB_QUESTIONS
from resift.examples.stdlib import stdlib_documents
from resift.factories.engine import Engine, build_engine
from resift.pipeline.request import SearchRequest
from resift.settings.load import RerankSettings, load_settings
from resift.store.collection import Collection, Store
from resift.store.edge.index_worker import resident_mb
from resift.store.edge.store import EdgeStore
from resift.store.index_options import IndexOptions
from resift.store.indexing import optimize
from resift.store.manifest import Manifest
from resift.store.protocols import Leg, Point

NAME = "size"
ROUNDS = 10  # of all queries; the first warms up and does not count
BATCH = 1024
SPREAD = 0.6  # of a vector around its centre
KINDS = ("none", "turbo4")
LOCAL_ROUNDS = 5
QUESTIONS = STDLIB_QUESTIONS[:8]


def points(passages: int, dimension: int) -> Iterator[list[Point]]:
    """Yield the points in batches."""
    whole = [f"{document.title}\n{document.text}" for document in stdlib_documents()]
    bm25, random = Bm25Encoder(Bm25Options(100)), np.random.default_rng(0)
    centres = random.standard_normal((max(1, passages // 20), dimension))
    for start in range(0, passages, BATCH):
        numbers = range(start, min(passages, start + BATCH))
        rows = centres[random.integers(0, len(centres), len(numbers))]
        rows = (rows + SPREAD * random.standard_normal(rows.shape)).astype(np.float32)
        drawn = random.integers((0, 0, 100, 100), (len(whole), len(whole), 1000, 1000), (len(numbers), 4)).tolist()
        texts = [f"{whole[one][:length]}\n{whole[two][:other]}" for one, two, length, other in drawn]
        yield [
            Point(
                Passage(f"document-{number}", 0, text=text),
                digest="",
                passages=1,
                vectors={DENSE: row, BM25: bm25.document(text)},
            )
            for number, row, text in zip(numbers, rows, texts, strict=True)
        ]


async def build(folder: Path, passages: int) -> None:
    """Write a collection for each quantization into a data directory, and print the time that optimizing took."""
    engine = build_engine(load_settings(data_dir=folder))
    manifest = engine.services.pipeline.manifest
    for kind in KINDS:
        start = time.perf_counter()
        collection = await engine.services.store.open(f"{NAME}-{kind}", create=manifest)
        for batch in points(passages, manifest.dimension):
            await collection.write(batch)
        written = time.perf_counter() - start
        done = await optimize(collection, replace(manifest.storage, quantization=kind), on_status=_ignore)
        seconds = time.perf_counter() - start - written
        figures = {"write s": written, "index s": seconds, "recall@50": done.recall, "ef": done.storage.breadth}
        sys.stdout.write(json.dumps({"quantization": kind, **figures}) + "\n")
        sys.stdout.flush()
    await engine.close()


async def ask(folder: Path, kind: str) -> None:
    """Open a collection, load both models and search; print times and memory."""
    engine = build_engine(load_settings(data_dir=folder, rerank=RerankSettings(cache_size=0)))
    await engine.warm()
    models_mb, start = resident_mb(), time.perf_counter()
    await engine.services.store.open(f"{NAME}-{kind}")
    opened = time.perf_counter() - start
    times = await stage_times(engine, f"{NAME}-{kind}")
    figures = {f"{name} ms": median(values) for name, values in times.items()}
    memory = {"models MB": models_mb, "all MB": resident_mb()}
    sys.stdout.write(json.dumps({"quantization": kind, "open s": opened, **figures, **memory}) + "\n")
    await engine.close()


async def stage_times(engine: Engine, collection: str) -> dict[str, list[float]]:
    """Return the milliseconds of each stage of each search, as its report states them."""
    times: dict[str, list[float]] = {}
    for round_ in range(ROUNDS):
        for asked in QUESTIONS:
            page = await engine.services.pipeline.search(
                SearchRequest(asked.text, collection=collection, reranker="default")
            )
            for stage in page.ranking.stages if round_ else ():
                times.setdefault(stage.name, []).append(stage.milliseconds)
    return times


async def compare_with_local_mode(passages: int) -> Table:
    """Run the same hybrid searches in both engines, in turn, through the same protocol."""
    from qdrant_client import AsyncQdrantClient

    from resift.core.retry import CircuitBreaker, RetryPolicy
    from resift.store.qdrant.connection import Address, QdrantConnection
    from resift.store.qdrant.layout import ClusterLayout
    from resift.store.qdrant.store import QdrantStore

    manifest = Manifest(standard_vectors("synthetic@1", 384), Bm25Options(100), chunking="none", storage=IndexOptions())
    address = Address("http://memory", "", prefer_grpc=False, grpc_port=6334, timeout_s=600)
    breaker = CircuitBreaker("local mode", RetryPolicy(attempts=1))
    local = QdrantStore(QdrantConnection(address, breaker, client=AsyncQdrantClient(":memory:")), ClusterLayout())
    with tempfile.TemporaryDirectory() as folder:
        stores: dict[str, Store] = {
            "qdrant-client local mode": local,
            "Resift, embedded": EdgeStore(Path(folder), reserve_bytes=0),
        }
        opened = {name: await store.open(NAME, create=manifest) for name, store in stores.items()}
        for batch in points(passages, manifest.dimension):
            for collection in opened.values():
                await collection.write(batch)
        times = await hybrid_times(opened, manifest)
        for store in stores.values():
            await store.close()
    slowest = median(times["qdrant-client local mode"])
    table = Table("engine", "hybrid search p50 ms", "times as fast", title=f"{passages:,} passages")
    for name, values in times.items():
        table.add_row(name, f"{median(values):.2f}", f"{slowest / median(values):.0f}")
    return table


async def hybrid_times(opened: dict[str, Collection], manifest: Manifest) -> dict[str, list[float]]:
    """Return the milliseconds of each search. The engines take turns with the same queries.

    The first query of a turn does not count: it brings the engine's data back into the processor's caches.
    """
    bm25, random = Bm25Encoder(manifest.lexical), np.random.default_rng(1)
    times: dict[str, list[float]] = {name: [] for name in opened}
    for _ in range(LOCAL_ROUNDS):
        asked = [
            [
                Leg(DENSE, random.standard_normal(manifest.dimension).astype(np.float32), limit=100),
                Leg(BM25, words, limit=100),
            ]
            for words in (bm25.query(each.text) for each in QUESTIONS)
        ]
        for name, collection in opened.items():
            for place, legs in enumerate(asked):
                start = time.perf_counter()
                await collection.search(legs)
                if place:
                    times[name].append(1000 * (time.perf_counter() - start))
    return times


def in_own_process(*arguments: str) -> list[dict[str, float | str]]:
    """Run a part of this benchmark in a new process and return what it prints."""
    command = [sys.executable, "-m", "resift.benchmarks.store", *arguments]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    return [json.loads(line) for line in done.stdout.splitlines()]


def at_size(passages: int) -> Table:
    """Return a row for each quantization."""
    with tempfile.TemporaryDirectory() as folder:
        built = in_own_process("--passages", str(passages), "--build", folder)
        rows = [
            {**each, **in_own_process("--ask", folder, str(each["quantization"]))[0]}  # after everything is built
            for each in built
        ]
    table = Table(*rows[0], title=f"{passages:,} passages, {len(QUESTIONS)} questions")
    for row in rows:
        table.add_row(*(value if isinstance(value, str) else f"{value:.4g}" for value in row.values()))
    return table


async def _ignore(message: str) -> None:
    del message


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--passages", type=int, default=0)
    parser.add_argument("--local", type=int, default=0)
    parser.add_argument("--build", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--ask", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.build:
        anyio.run(build, options.build, options.passages)
    elif options.ask:
        anyio.run(ask, Path(options.ask[0]), options.ask[1])
    else:
        if options.passages:
            Console(width=200).print(at_size(options.passages))
        if options.local:
            Console(width=120).print(anyio.run(compare_with_local_mode, options.local))


if __name__ == "__main__":
    main()
