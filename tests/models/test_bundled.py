"""The files of the bundled models are what they must be, and say so when they are not."""

import re
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from resift.core.errors import ModelError
from resift.models.bundled import BUNDLED, BundledModel, sha256_of, verify

ENCODER = BUNDLED["all-MiniLM-L6-v2-int8"]


@pytest.fixture
def copy(tmp_path: Path) -> BundledModel:
    shutil.copytree(ENCODER.folder, tmp_path / "copy")
    return replace(ENCODER, folder=tmp_path / "copy")


@pytest.mark.parametrize("model", BUNDLED.values(), ids=BUNDLED.keys())
def test_shipped_files_are_whole(model: BundledModel) -> None:
    assert verify(model) == model.folder


@pytest.mark.parametrize("name", ENCODER.sha256)
def test_one_flipped_bit_is_found_and_named(copy: BundledModel, name: str) -> None:
    file = copy.folder / name
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)
    with pytest.raises(ModelError, match=f"{name} of the model 'all-MiniLM-L6-v2-int8' is damaged.*to restore it"):
        verify(copy)


def test_missing_file_is_named(copy: BundledModel) -> None:
    (copy.folder / "tokenizer.json").unlink()
    with pytest.raises(ModelError, match=r"tokenizer\.json .* is missing\. Run .* to restore it"):
        verify(copy)


def test_fingerprint_names_model_and_file() -> None:
    assert re.fullmatch(r"all-MiniLM-L6-v2-int8@[0-9a-f]{12}", ENCODER.fingerprint)
    assert sha256_of(ENCODER.folder / "model.onnx").startswith(ENCODER.fingerprint.split("@")[1])


def test_card_holds_the_sums_and_sizes_of_the_files() -> None:
    card = (ENCODER.folder / "README.md").read_text(encoding="utf-8")
    for name, digest in ENCODER.sha256.items():
        assert f"| {name} | {(ENCODER.folder / name).stat().st_size:,} | `{digest}` |" in card


def test_card_promises_a_cosine_over_099() -> None:
    card = (ENCODER.folder / "README.md").read_text(encoding="utf-8")
    found = re.search(r"Cosine to the fp32 model: mean (0\.\d+), worst (0\.\d+), over ([\d,]+) passages", card)
    assert found is not None
    assert float(found[1]) > 0.998
    assert float(found[2]) > 0.99
    assert int(found[3].replace(",", "")) >= 1000


def test_model_stays_small() -> None:
    assert (ENCODER.folder / "model.onnx").stat().st_size < 25_000_000


def test_knowing_the_models_loads_nothing_heavy() -> None:
    code = (
        "import sys, resift.models.bundled, resift.models.text.transformer, resift.models.worker_pool;"
        "print(*{'onnxruntime', 'tokenizers'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""
