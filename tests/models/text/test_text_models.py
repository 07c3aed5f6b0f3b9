"""Encoders of one's own, loaded by the code that loads real ones from small models' files."""

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tokenizers import Tokenizer

from resift.core.errors import ModelError
from resift.models.text.fastembed import FastembedTextModel
from resift.models.text.onnx import OnnxTextModel
from resift.models.text.torch import TorchTextModel
from resift.tests.models.encoders import DIMENSION, FASTEMBED, TABLE, WINDOW, write_encoder, write_fastembed
from resift.tests.models.rerankers import TOKENIZER

pytestmark = [pytest.mark.filterwarnings("ignore::DeprecationWarning")]

TEXT = "a red brake"


def rows(text: str) -> np.ndarray[Any, Any]:
    return TABLE[Tokenizer.from_file(str(TOKENIZER)).encode(text).ids]


def unit(vector: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    return vector / np.linalg.norm(vector)


@pytest.mark.parametrize(
    ("described", "chosen", "expected"),
    [
        (None, None, "mean"),
        ({"pooling_mode_cls_token": True}, None, "cls"),
        ({"pooling_mode": "cls"}, None, "cls"),
        ({"pooling_mode_mean_tokens": True}, None, "mean"),
        ({"pooling_mode_cls_token": True}, "mean", "mean"),
    ],
)
def test_pooling_is_what_the_settings_say_else_the_folder(
    tmp_path: Path, described: dict[str, Any] | None, chosen: Any, expected: str
) -> None:
    model = OnnxTextModel.open(write_encoder(tmp_path / "encoder", pooling=described), chosen)
    [found] = model.embed([TEXT], query=False)
    wanted = rows(TEXT)[0] if expected == "cls" else rows(TEXT).mean(axis=0)
    assert found.vector == pytest.approx(unit(wanted), abs=1e-5)
    assert not found.truncated


def test_long_text_is_cut_at_the_window_and_known(tmp_path: Path) -> None:
    model = OnnxTextModel.open(write_encoder(tmp_path / "encoder"))
    [long] = model.embed(["brake " * 100], query=False)
    assert (long.tokens, long.truncated) == (102, True)
    [cut] = model.embed(["brake " * (WINDOW - 2)], query=False)
    assert not cut.truncated
    assert long.vector == pytest.approx(cut.vector, abs=1e-6)


def test_folder_that_is_no_encoder_is_our_error(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"There is no folder .*nowhere\. Correct RESIFT_ENCODER__MODEL\."):
        OnnxTextModel.open(tmp_path / "nowhere")
    with pytest.raises(ModelError, match=r"model\.onnx is missing"):
        OnnxTextModel.open(tmp_path)
    with pytest.raises(ModelError, match="needs the inputs pixels"):
        OnnxTextModel.open(write_encoder(tmp_path / "pictures", inputs=("input_ids", "pixels")))
    with pytest.raises(ModelError, match="a pooling other than mean and cls"):
        OnnxTextModel.open(write_encoder(tmp_path / "last", pooling={"pooling_mode_lasttoken": True}))
    (tmp_path / "last" / "tokenizer.json").write_text("{}")
    with pytest.raises(ModelError, match=r"tokenizer\.json cannot be read"):
        OnnxTextModel.open(tmp_path / "last")


def test_model_of_fastembed_gives_the_vectors_its_files_mean(tmp_path: Path) -> None:
    model = FastembedTextModel.open(FASTEMBED, str(write_fastembed(tmp_path / "files")))
    for query in (False, True):
        [found] = model.embed([TEXT], query=query)
        assert found.vector == pytest.approx(unit(rows(TEXT).mean(axis=0)), abs=1e-5)
        assert (found.tokens, found.truncated) == (5, False)
    [long] = model.embed(["brake " * 100], query=False)
    assert long.truncated
    assert len(long.vector) == DIMENSION


def test_unknown_name_and_missing_folder_of_fastembed_are_our_errors(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"does not list the model 'bge-tiny'.*Known models: "):
        FastembedTextModel.open("bge-tiny")
    with pytest.raises(ModelError, match=r"The folder .*gone.* does not exist.*RESIFT_ENCODER__MODEL"):
        FastembedTextModel.open(FASTEMBED, str(tmp_path / "gone"))


@pytest.mark.parametrize("path", ["/nowhere/at/all", "~/nowhere", "./nowhere", "models/of/mine"])
def test_torch_folder_that_is_not_there_is_told_before_torch_is_imported(
    monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    monkeypatch.setitem(sys.modules, "sentence_transformers", None)
    with pytest.raises(ModelError, match=r"There is no folder /.*\. Correct RESIFT_ENCODER__MODEL\."):
        TorchTextModel.open(path)


@pytest.mark.torch
def test_torch_weights_give_unit_vectors_that_batches_do_not_change(tmp_path: Path) -> None:
    from resift.tests.models.pair.test_torch import write_torch

    model = TorchTextModel.open(write_torch(tmp_path / "bert", head=False))
    texts = [TEXT, "the battery is charged overnight", "brake " * 100]
    batched = model.embed(texts, query=False)
    assert [each.truncated for each in batched] == [False, False, True]
    assert [float(np.linalg.norm(each.vector)) for each in batched] == pytest.approx([1, 1, 1], abs=1e-5)
    [alone] = model.embed([TEXT], query=True)
    assert alone.vector == pytest.approx(batched[0].vector, abs=1e-4)
    (tmp_path / "bert" / "model.safetensors").write_bytes(b"no weights")
    with pytest.raises(ModelError, match="cannot be loaded"):
        TorchTextModel.open(tmp_path / "bert")
