"""Cross-encoders with torch weights: run by sentence-transformers, without the hub."""

import json
import shutil
from pathlib import Path
from typing import Any, cast

import pytest

from resift.core.errors import ModelError
from resift.models.pair.loading import find_cross_encoder
from resift.tests.models.rerankers import TOKENIZER

torch: Any = pytest.importorskip("torch", reason="the extra [torch] is not installed")
pytest.importorskip("sentence_transformers", reason="the extra [torch] is not installed")

transformers: Any = pytest.importorskip("transformers", reason="the extra [torch] is not installed")

pytestmark = [pytest.mark.torch, pytest.mark.filterwarnings("ignore::DeprecationWarning")]


def write_torch(folder: Path, *, labels: int = 1, head: bool = True) -> Path:
    """Write a tiny BERT with random weights and a window of 48, as transformers saves it."""
    torch.manual_seed(7)
    config = transformers.BertConfig(
        vocab_size=30_522,
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=64,
        max_position_embeddings=48,
        num_labels=labels,
        initializer_range=1.0,
    )
    kind = transformers.BertForSequenceClassification if head else transformers.BertModel
    kind(config).save_pretrained(folder)
    shutil.copy(TOKENIZER, folder / "tokenizer.json")
    (folder / "tokenizer_config.json").write_text(
        json.dumps({"tokenizer_class": "BertTokenizerFast", "model_max_length": 48})
    )
    return folder


@pytest.fixture
def asked_of_the_hub(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Cut the hub off, and return what it was asked for."""
    import httpx
    import huggingface_hub

    asked: list[str] = []

    def refuse(*_: object, url: object = "", **__: object) -> None:
        asked.append(str(url))
        raise httpx.ConnectError("no network in this test")

    library: Any = huggingface_hub
    session = cast("type[Any]", type(library.utils.get_session()))
    monkeypatch.setattr(session, "request", refuse)
    return asked


def test_scores_are_logits_and_those_of_transformers(tmp_path: Path) -> None:
    scorer = find_cross_encoder(str(write_torch(tmp_path / "tiny"))).open()
    texts = ["a red brake", "lamp", "!"]
    scores = scorer.score("red brake", texts)
    tokenizer = transformers.AutoTokenizer.from_pretrained(tmp_path / "tiny")
    model = transformers.AutoModelForSequenceClassification.from_pretrained(tmp_path / "tiny").eval()
    with torch.inference_mode():
        expected = [
            model(**tokenizer("red brake", text, return_tensors="pt", return_token_type_ids=True)).logits.item()
            for text in texts
        ]
    assert [score.value for score in scores] == pytest.approx(expected, abs=1e-4)
    assert not all(0 <= score.value <= 1 for score in scores), "a sigmoid was applied"


def test_long_passage_has_the_score_of_its_best_window(tmp_path: Path) -> None:
    scorer = find_cross_encoder(str(write_torch(tmp_path))).open()
    assert scorer.tokenizer.window == 48
    passage = " ".join(f"lamp {number}" for number in range(50))
    windows = scorer.tokenizer.fit_passage("red brake", passage)
    assert len(windows.pieces) > 1
    (whole,) = scorer.score("red brake", [passage])
    assert whole.value == pytest.approx(max(each.value for each in scorer.score("red brake", windows.pieces)), abs=1e-4)
    assert whole.complete is windows.complete


def test_model_with_several_labels_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="has 3 labels; a reranker has one"):
        find_cross_encoder(str(write_torch(tmp_path, labels=3))).open()


def test_encoder_is_not_given_a_random_head(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"is an encoder \(BertModel\) without a head"):
        find_cross_encoder(str(write_torch(tmp_path, head=False))).open()


@pytest.mark.parametrize(
    ("file", "content"),
    [
        ("model.safetensors", b"\x00 no"),
        ("config.json", b"\x00 no"),
        ("config.json", b'{"model_type": "bert", "hidden_size": "abc"}'),
        ("config.json", b'{"model_type": "bert", "num_attention_heads": 0}'),
    ],
)
def test_damaged_file_is_our_error(tmp_path: Path, file: str, content: bytes) -> None:
    write_torch(tmp_path)
    (tmp_path / file).write_bytes(content)
    with pytest.raises(ModelError, match="cannot be loaded"):
        find_cross_encoder(str(tmp_path)).open()


def test_folder_is_loaded_without_asking_the_hub(tmp_path: Path, asked_of_the_hub: list[str]) -> None:
    find_cross_encoder(str(write_torch(tmp_path))).open()
    assert asked_of_the_hub == []


def test_name_that_cannot_be_fetched_is_our_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import huggingface_hub

    library: Any = huggingface_hub
    monkeypatch.setattr(library.constants, "HF_HUB_OFFLINE", True)
    monkeypatch.chdir(tmp_path)
    told = f"(?s)'nobody/nothing', which is not a folder in {tmp_path}, cannot be loaded: .*give a whole path"
    with pytest.raises(ModelError, match=told):
        find_cross_encoder("nobody/nothing").open()
