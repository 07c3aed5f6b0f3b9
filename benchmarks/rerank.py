"""Rerank the same passages with Resift, sentence-transformers and fastembed, in turn in one run.

    pip install -e '.[train,fastembed]'
    python -m resift.benchmarks.rerank [--reranker FOLDER] [--passages 50] [--threads 2] [--rounds 7]

All run the same network with the same weights, those of the 8-bit reranker (resift.benchmarks.graded.precision compares
it with the weights that it was made from). The others run as their users run them: fp32, their own batching,
`threads` threads. The passages are docstrings of Python's standard library, 40 to 256 tokens long with the query. Then
the same library is searched: by default, where reading stops when it no longer changes the page, and with all of the
first hits read by either.
"""

import json
import platform
import shutil
import warnings
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Sequence
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from statistics import fmean, median
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any, TypeAlias

import anyio
import numpy as np
from numpy.typing import NDArray
from rich.table import Table

from resift.benchmarks.encode import docstrings
from resift.core.query import Query
from resift.core.values import Passage
from resift.examples.questions import STDLIB_QUESTIONS
from resift.examples.stdlib import stdlib_documents
from resift.factories.engine import build_engine
from resift.ingest.job import Job
from resift.models.bundled import RERANKER_FOLDER, TOKENIZER_FILE
from resift.models.pair.loading import find_cross_encoder
from resift.models.pair.scorer import PairTokenizer
from resift.models.pair.spec import read_spec
from resift.models.session import int8_is_exact
from resift.models.worker_pool import WorkerPool
from resift.pipeline.request import SearchRequest
from resift.rerank.cross_encoder import CrossEncoder
from resift.server.cli.console import show
from resift.settings.load import RerankSettings, load_settings
from resift.training.bundle.encoder import sample
from resift.training.graph.dequantize import unpack
from resift.training.network import build_network

Scores: TypeAlias = NDArray[np.float64]
Contender: TypeAlias = Callable[[str, Sequence[str]], Scores]

QUERY = "how do I read a file line by line without loading all of it into memory?"
MIN_TOKENS, MAX_TOKENS = 40, 256
LIBRARY = "library"
QUESTIONS = STDLIB_QUESTIONS[:8]
SEARCH_ROUNDS = 3
INPUTS = ("input_ids", "attention_mask", "token_type_ids")


def main() -> None:
    parser = ArgumentParser(prog="python -m resift.benchmarks.rerank", description=__doc__)
    parser.add_argument("--reranker", type=Path, default=RERANKER_FOLDER, help="one that `resift train` made")
    parser.add_argument("--passages", type=int, default=50)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=7)
    options = parser.parse_args()
    torch: Any = import_module("torch")
    torch.set_num_threads(options.threads)
    passages, tokens = draw(options.passages, options.reranker)
    with TemporaryDirectory() as folder:
        weights = unpack(options.reranker, Path(folder) / "weights")
        network = build_network(weights, window=MAX_TOKENS, attention="sdpa")
        contenders = {
            "Resift, int8, one pair at a time": ours(options.threads, options.reranker),
            "sentence-transformers, fp32": sentence_transformers(network),
            "fastembed, fp32": fastembed(weights, Path(folder) / "fastembed", options.threads),
        }
        measured = measure(contenders, passages, rounds=options.rounds)
        title = f"{len(passages)} pairs of {tokens:.0f} tokens on average, {options.threads} threads, {processor()}"
        show(report(measured, title))
        other = contenders["sentence-transformers, fp32"]
        show(anyio.run(searches, Path(folder) / "data", other, options))


def draw(count: int, reranker: Path) -> tuple[list[str], float]:
    """Return passages of mixed length, and their mean number of tokens with the query."""
    tokenizer = PairTokenizer.open(reranker / TOKENIZER_FILE, window=read_spec(reranker).window)
    lengths: dict[str, int] = {}
    for text in sample([docstrings()], count * 10, seed=1):
        pairs, _ = tokenizer.encode_windows(QUERY, text)
        if len(pairs) == 1 and MIN_TOKENS <= pairs[0].ids.shape[1] <= MAX_TOKENS:
            lengths[text] = pairs[0].ids.shape[1]
    chosen = list(lengths)[:count]
    return chosen, float(np.mean([lengths[text] for text in chosen]))


def processor() -> str:
    """Return the name of the processor, and in how many bits it adds products of int8."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:  # not Linux
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    sums = "32-bit" if int8_is_exact() else "16-bit"
    return f"{names[0] if names else platform.machine()} ({sums} int8 sums)"


def ours(threads: int, folder: Path) -> Contender:
    reranker = CrossEncoder(find_cross_encoder(str(folder)), WorkerPool(threads))

    def score(query: str, passages: Sequence[str]) -> Scores:
        found = anyio.run(reranker.score, Query(query), [Passage("", -1, text=text) for text in passages])
        return np.array(found.values)

    return score


def sentence_transformers(model: Any) -> Contender:
    torch: Any = import_module("torch")
    identity = torch.nn.Identity()

    def score(query: str, passages: Sequence[str]) -> Scores:
        pairs = [(query, text) for text in passages]
        return np.asarray(model.predict(pairs, activation_fn=identity, show_progress_bar=False)).reshape(-1)

    return score


def fastembed(weights: Path, folder: Path, threads: int) -> Contender:
    from fastembed.common.model_description import ModelSource
    from fastembed.rerank.cross_encoder import TextCrossEncoder

    name = "benchmark/reranker"
    TextCrossEncoder.add_custom_model(model=name, sources=ModelSource(hf=name), model_file="model.onnx")
    model = TextCrossEncoder(name, threads=threads, specific_model_path=str(export(weights, folder)))
    return lambda query, passages: np.array(list(model.rerank(query, list(passages))))


def export(weights: Path, folder: Path) -> Path:
    """Write the network as an fp32 ONNX file for batches, with its tokenizer files; return the folder."""
    torch: Any = import_module("torch")

    class Logits(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()  # pyright: ignore[reportUnknownMemberType]
            self.network = build_network(weights, window=MAX_TOKENS).eval()

        def forward(self, *inputs: Any) -> Any:
            return self.network(dict(zip(INPUTS, inputs, strict=True)))["scores"]

    folder.mkdir()
    ids = torch.ones(2, 8, dtype=torch.int64)
    halves = torch.tensor([[0, 0, 0, 0, 1, 1, 1, 1]] * 2)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the older exporter needs no extra package, but warns that it is old
        torch.onnx.export(
            Logits(),
            (ids, ids, halves),
            str(folder / "model.onnx"),
            input_names=list(INPUTS),
            output_names=["logits"],
            dynamic_axes={name: {0: "batch", 1: "tokens"} for name in INPUTS} | {"logits": {0: "batch"}},
            opset_version=14,
            dynamo=False,
        )
    for name in ("config.json", TOKENIZER_FILE):
        shutil.copy(weights / name, folder)
    special = {"cls_token": "[CLS]", "sep_token": "[SEP]", "pad_token": "[PAD]", "unk_token": "[UNK]"}
    (folder / "special_tokens_map.json").write_text(json.dumps(special), encoding="utf-8")
    settings = {"model_max_length": MAX_TOKENS, "pad_token": "[PAD]"}
    (folder / "tokenizer_config.json").write_text(json.dumps(settings), encoding="utf-8")
    return folder


def measure(
    contenders: dict[str, Contender], passages: Sequence[str], *, rounds: int
) -> dict[str, tuple[float, Scores]]:
    """Return the median seconds of each contender for all passages, and its scores. Contenders take turns."""
    seconds: dict[str, list[float]] = {name: [] for name in contenders}
    scores = {name: score(QUERY, passages) for name, score in contenders.items()}
    for _ in range(rounds):
        for name, score in contenders.items():
            start = perf_counter()
            score(QUERY, passages)
            seconds[name].append(perf_counter() - start)
    return {name: (median(seconds[name]), scores[name]) for name in contenders}


async def searches(folder: Path, other: Contender, options: Namespace) -> Table:
    """Search the docstrings of the standard library; return the time that each way of reranking took."""
    depth, uncached = options.passages, RerankSettings(cache_size=0)
    engine = build_engine(
        load_settings(data_dir=folder, threads=options.threads, reranker=str(options.reranker), rerank=uncached)
    )
    documents = list(stdlib_documents())
    await engine.services.ingestor.ingest(Job(LIBRARY, documents, total=len(documents)))
    await engine.warm()
    pipeline, rows = engine.services.pipeline, dict[str, list[tuple[float, int]]]()
    for asked in QUESTIONS:
        question = SearchRequest(asked.text, collection=LIBRARY, reranker="default")
        head = await pipeline.search(replace(question, limit=depth, reranker="none"))
        for _ in range(SEARCH_ROUNDS):
            start = perf_counter()
            other(asked.text, [hit.passage.content for hit in head.ranking.hits])
            rows.setdefault(f"sentence-transformers, {depth} hits", []).append((perf_counter() - start, depth))
            for name, given in ((f"Resift, {depth} hits", depth), ("Resift, the default search", 0)):
                stages = (await pipeline.search(replace(question, depth=given))).ranking.stages
                added = [each for each in stages if each.kind == "score"]
                seconds = sum(each.milliseconds for each in added) / 1000
                rows.setdefault(name, []).append((seconds, sum(each.returned for each in added)))
    await engine.close()
    table = Table("reranked by", "seconds", "hits read", "times as fast", title=f"{len(QUESTIONS)} searches")
    slowest = fmean(seconds for seconds, _ in next(iter(rows.values())))
    for name, found in rows.items():
        seconds, read = fmean(seconds for seconds, _ in found), fmean(hits for _, hits in found)
        table.add_row(name, f"{seconds:.3f}", f"{read:.1f}", f"{slowest / seconds:.2f}")
    return table


def report(measured: dict[str, tuple[float, Scores]], title: str) -> Table:
    kendalltau: Any = import_module("scipy.stats").kendalltau
    table = Table(title=title)
    for heading in ("reranker", "seconds", "pairs a second", "Resift is faster by", "Kendall's tau to Resift"):
        table.add_column(heading, justify="left" if heading == "reranker" else "right")
    fastest, mine = next(iter(measured.values()))
    for name, (seconds, scores) in measured.items():
        tau = kendalltau(scores, mine).statistic
        pace = f"{len(scores) / seconds:.0f}"
        table.add_row(name, f"{seconds:.3f}", pace, f"{seconds / fastest:.2f}", f"{tau:.3f}")
    return table


if __name__ == "__main__":
    main()
