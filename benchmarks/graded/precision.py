"""Compare an 8-bit reranker with its fp32 weights on graded lists: how they order the passages of each list.

    python -m resift.benchmarks.graded.precision GRADED --fp32 FOLDER [--reranker FOLDER] [--questions 20]

--fp32 is a checkpoint of `resift train`, or a folder of ONNX or sentence-transformers that a reranker can be loaded
from. Both read the passages that were graded for a question, and nothing else counts.
"""

import argparse
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from statistics import fmean
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from rich.table import Table

from resift.benchmarks.graded.outcomes import NDCG_5, NDCG_10, RIGHT_FIRST, Values, answered, values_of
from resift.benchmarks.rerank import MAX_TOKENS, Contender, Scores, ours, processor, sentence_transformers
from resift.core.values import Passage
from resift.evaluation.graded import GradedQuestion, read_pools
from resift.models.bundled import RERANKER_FOLDER
from resift.server.cli.console import show
from resift.training.graph.dequantize import HEAD_FILE, unpack
from resift.training.network import build_network, load_weights

CHECKPOINT_FILE = "modules.json"
INT8, FP32 = "int8", "fp32"
MEASURES = (NDCG_5, NDCG_10, RIGHT_FIRST)


@dataclass(frozen=True, slots=True)
class Compared:
    """One list as both read it."""

    pool: str
    tau: float
    """Kendall's, between the two orders."""
    values: Mapping[str, Values]
    """The measures by precision."""


def fp32_of(folder: Path, reranker: Path, scratch: Path) -> Contender:
    """Return the scorer of a checkpoint of training, of unpacked weights, or of any other folder of a reranker."""
    if (folder / CHECKPOINT_FILE).is_file():
        network = build_network(unpack(reranker, scratch), window=MAX_TOKENS, attention="sdpa")
        load_weights(network, folder)
        return sentence_transformers(network)
    if (folder / HEAD_FILE).is_file():
        return sentence_transformers(build_network(folder, window=MAX_TOKENS, attention="sdpa"))
    return ours(1, folder)


def compare(
    questions: Mapping[str, Sequence[GradedQuestion]], texts: Mapping[str, str], contenders: Mapping[str, Contender]
) -> Iterator[Compared]:
    """Yield how the contenders read the list of each question; `questions` are by pool."""
    kendalltau: Any = import_module("scipy.stats").kendalltau
    for pool, each in ((pool, each) for pool, several in questions.items() for each in several):
        listed = list(each.grades)
        scores = {name: score(each.query, [texts[key] for key in listed]) for name, score in contenders.items()}
        orders = {name: [listed[place] for place in best_first(found)] for name, found in scores.items()}
        tau = float(kendalltau(scores[INT8], scores[FP32]).statistic) if len(listed) > 1 else 1.0
        yield Compared(pool, tau, values_of(each, orders))


def best_first(scores: Scores) -> list[int]:
    """Return the positions of the scores, the highest first."""
    return [int(place) for place in np.argsort(-scores, kind="stable")]


def precision_table(compared: Sequence[Compared]) -> Table:
    """Return the mean tau and measures of both by pool, and in all."""
    columns = ("pool", "lists", "tau", *(f"{each} {name}" for each in MEASURES for name in (FP32, INT8)))
    table = Table(*columns, title=f"int8 against fp32, reranker alone, on {processor()}")
    for name in (*dict.fromkeys(each.pool for each in compared), "all"):
        chosen = [each for each in compared if name in (each.pool, "all")]
        cells = [fmean(each.values[kind][measure] for each in chosen) for measure in MEASURES for kind in (FP32, INT8)]
        table.add_row(name, str(len(chosen)), f"{fmean(each.tau for each in chosen):.3f}", *(f"{c:.4f}" for c in cells))
    return table


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("graded", type=Path, metavar="GRADED")
    parser.add_argument("--fp32", type=Path, required=True)
    parser.add_argument("--reranker", type=Path, default=RERANKER_FOLDER)
    parser.add_argument("--questions", type=int, default=20, help="of each pool; 0: all")
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    pools = read_pools(options.graded)
    questions = {name: answered(pool, options.questions) for name, pool in pools.items()}
    documents = (each for pool in pools.values() for each in pool.documents)
    texts = {each.id: Passage(each.id, 0, text=each.text, title=each.title).content for each in documents}
    torch: Any = import_module("torch")
    torch.set_num_threads(options.threads)
    with TemporaryDirectory() as scratch:
        contenders = {
            INT8: ours(options.threads, options.reranker),
            FP32: fp32_of(options.fp32, options.reranker, Path(scratch) / "weights"),
        }
        show(precision_table(list(compare(questions, texts, contenders))))


if __name__ == "__main__":
    main()
