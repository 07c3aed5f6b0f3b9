"""Cross-encoders are found by folder or name, checked, and run one pair at a time."""

import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from resift.core.errors import MissingExtra, ModelError
from resift.core.extras import install_line
from resift.models.bundled import sha256_of
from resift.models.pair.loading import UNCALIBRATED, UNTUNED_WEIGHTS, find_cross_encoder
from resift.models.pair.scorer import MAX_WINDOWS, PairScore
from resift.models.worker_pool import WorkerPool
from resift.tests.models.rerankers import SEP_IN_COMMON, TOKENIZER, write_exported, write_own


def test_own_format_brings_name_calibration_and_weight(tmp_path: Path) -> None:
    model = find_cross_encoder(str(write_own(tmp_path / "mine")))
    assert (model.name, model.weights["rerank"]) == ("tiny-overlap", 0.75)
    assert model.calibration.probability(1.5) == 0.5
    scores = model.open().score("red brake", ["a red lamp", "a blue lamp", ""])
    assert scores == [PairScore(SEP_IN_COMMON + 1), PairScore(SEP_IN_COMMON), PairScore(SEP_IN_COMMON)]


@pytest.mark.parametrize("file", ["model.onnx", "onnx/model.onnx"])
@pytest.mark.parametrize(
    "inputs", [("input_ids", "attention_mask", "token_type_ids"), ("input_ids", "token_type_ids")], ids=len
)
def test_exported_model_gets_what_its_graph_asks_for(tmp_path: Path, file: str, inputs: tuple[str, ...]) -> None:
    model = find_cross_encoder(str(write_exported(tmp_path / "some-model", file=file, inputs=inputs)))
    assert (model.name, model.weights, model.calibration) == ("some-model", UNTUNED_WEIGHTS, UNCALIBRATED)
    scores = model.open().score("red brake", ["a red brake", "a red lamp"])
    assert [score.value for score in scores] == [SEP_IN_COMMON + 2, SEP_IN_COMMON + 1]


def test_model_without_types_is_run_too(tmp_path: Path) -> None:
    model = find_cross_encoder(str(write_exported(tmp_path, inputs=("input_ids", "attention_mask"))))
    assert model.open().score("red", ["red"])[0].value == 1 + 2 * 2 + 2 * 2  # [CLS] red [SEP] red [SEP], all with all


@pytest.mark.anyio
async def test_score_is_the_same_bits_in_any_company(tmp_path: Path) -> None:
    scorer = find_cross_encoder(str(write_own(tmp_path))).open()
    texts = ["red", "a red brake " * 40, "", "naïve 東京 \ud800", "brake"] * 4
    alone = [scorer.score("red brake", [text])[0] for text in texts]
    assert scorer.score("red brake", texts) == alone
    batched = await WorkerPool(4).map(lambda text: scorer.score("red brake", [text])[0], texts)
    assert batched == alone


def test_long_passage_has_the_score_of_its_best_window(tmp_path: Path) -> None:
    scorer = find_cross_encoder(str(write_own(tmp_path))).open()
    filler = "lamp " * 60
    without, at_the_end = scorer.score("red brake", [filler, filler + "red brake"])
    assert (without.value, at_the_end.value) == (SEP_IN_COMMON, SEP_IN_COMMON + 2)
    assert without.complete
    assert at_the_end.complete


def test_only_so_many_windows_are_read_and_the_rest_is_not_hidden(tmp_path: Path) -> None:
    scorer = find_cross_encoder(str(write_own(tmp_path))).open()
    (score,) = scorer.score("red brake", ["lamp " * 60 * MAX_WINDOWS + "red brake"])
    assert (score.value, score.complete) == (SEP_IN_COMMON, False)


def test_every_pair_fits_in_the_window(tmp_path: Path) -> None:
    tokenizer = find_cross_encoder(str(write_own(tmp_path))).open().tokenizer
    fitted = tokenizer.fit_query("brake " * 50)
    assert (fitted.pieces[0].split(), fitted.complete) == (["brake"] * 8, False)
    assert tokenizer.fit_query("  brake pads ").pieces == ("  brake pads ",)
    for passage in ("lamp " * 300, "xqzk" * 24, "Donaudampfschifffahrtsgesellschaft " * 30, "東京" * 200):
        pairs, _ = tokenizer.encode_windows(fitted.pieces[0], passage)
        assert 1 < len(pairs) <= MAX_WINDOWS
        for pair in pairs:
            assert pair.ids.shape == pair.types.shape
            assert pair.ids.size <= tokenizer.window
            assert pair.types[0, -1] == 1


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"format": 2}, "format: Input should be 1"),
        ({"window": 4}, "window: "),
        ({"query_tokens": 30}, "query_tokens is more than half of window"),
        ({"weights": {"fused": 0.5, "rerank": 0.6}}, "weights sum to 1.1"),
        ({"weights": {"stars": 1.0}}, "weights.stars"),
        ({"weights": {"rerank": 1.0}}, "weights lack fused"),
        ({"weights": {"dense": 1.0}}, "weights lack fused, rerank"),
        ({"name": ""}, "name: "),
        ({"calibration": {"slope": -1, "intercept": 0}}, "calibration.slope: "),
        ({"sha256": {}}, "sha256 lacks model.onnx, tokenizer.json"),
        ({"sha256": {"../x": "0" * 64, "model.onnx": "0" * 64, "tokenizer.json": "0" * 64}}, "outside the folder"),
        ({"sha256": {"model.onnx": "0" * 64, "tokenizer.json": "0" * 64}}, r"model\.onnx .*is damaged"),
    ],
)
def test_description_that_cannot_be_is_refused_with_its_field(
    tmp_path: Path, changes: dict[str, object], message: str
) -> None:
    with pytest.raises(ModelError, match=message) as failed:
        find_cross_encoder(str(write_own(tmp_path, **changes))).open()
    assert "resift train" in str(failed.value)


def _damage(file: str) -> Callable[[Path], object]:
    return lambda folder: (folder / file).write_bytes(b"\x00 no")


def _remove(file: str) -> Callable[[Path], object]:
    return lambda folder: (folder / file).unlink()


@pytest.mark.parametrize(
    ("write", "harm", "message"),
    [
        (write_own, _damage("model.onnx"), r"model\.onnx of the model 'tiny-overlap' is damaged"),
        (write_own, _remove("tokenizer.json"), r"tokenizer\.json of the model 'tiny-overlap' is missing"),
        (write_own, _damage("reranker.json"), "does not describe a reranker: the file: Invalid JSON"),
        (write_exported, _damage("model.onnx"), r"ONNX Runtime could not open .*model\.onnx.*Download"),
        (write_exported, _damage("tokenizer.json"), r"tokenizer\.json cannot be read"),
        (write_exported, _remove("tokenizer.json"), r"tokenizer\.json is missing\. Download"),
        (write_exported, _remove("config.json"), r"config\.json is missing\. Download"),
        (write_exported, _damage("config.json"), r"config\.json does not describe a model: the file: Invalid JSON"),
        (write_exported, _remove("model.onnx"), r"does not contain a reranker, .* one of reranker\.json, model\.onnx"),
    ],
)
def test_damaged_or_missing_file_is_named(
    tmp_path: Path, write: Callable[[Path], Path], harm: Callable[[Path], object], message: str
) -> None:
    harm(write(tmp_path))
    with pytest.raises(ModelError, match=message):
        find_cross_encoder(str(tmp_path)).open()


def test_model_with_several_labels_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"shape \[1, 3\] for a pair; a reranker returns one number"):
        find_cross_encoder(str(write_exported(tmp_path, labels=3))).open()


def test_model_that_asks_for_more_is_refused(tmp_path: Path) -> None:
    write_exported(tmp_path, inputs=("input_ids", "position_ids"))
    with pytest.raises(ModelError, match="needs the inputs position_ids, but a cross-encoder gets only input_ids"):
        find_cross_encoder(str(tmp_path)).open()


def test_tokenizer_that_does_not_tell_passage_from_query_is_refused(tmp_path: Path) -> None:
    write_own(tmp_path)
    content = json.loads(TOKENIZER.read_text(encoding="utf-8"))
    for piece in content["post_processor"]["pair"]:
        piece[next(iter(piece))]["type_id"] = 0
    (tmp_path / "tokenizer.json").write_text(json.dumps(content))
    sums = {name: sha256_of(tmp_path / name) for name in ("model.onnx", "tokenizer.json")}
    spec = json.loads((tmp_path / "reranker.json").read_text())
    (tmp_path / "reranker.json").write_text(json.dumps({**spec, "sha256": sums}))
    with pytest.raises(ModelError, match="gives query and passage the same token type"):
        find_cross_encoder(str(tmp_path)).open()


@pytest.mark.parametrize(
    ("config", "tokenizer", "window"),
    [
        ({"max_position_embeddings": 64}, {}, 64),
        ({"max_position_embeddings": 514, "model_type": "xlm-roberta"}, {"model_max_length": 10**30}, 512),
        ({"max_position_embeddings": 130, "model_type": "roberta"}, None, 128),
        ({"max_position_embeddings": 8192}, {"model_max_length": 8192}, 512),
        ({"max_position_embeddings": 512}, {"model_max_length": 48}, 48),
        ({}, {"model_max_length": None}, 512),
    ],
)
def test_window_is_what_both_configurations_allow(
    tmp_path: Path, config: dict[str, object], tokenizer: dict[str, object] | None, window: int
) -> None:
    write_exported(tmp_path)
    (tmp_path / "config.json").write_text(json.dumps(config))
    (tmp_path / "tokenizer_config.json").unlink()
    if tokenizer is not None:
        (tmp_path / "tokenizer_config.json").write_text(json.dumps(tokenizer))
    assert find_cross_encoder(str(tmp_path)).open().tokenizer.window == window


@pytest.mark.parametrize("reference", ["/no/such/folder", "./here", "~/models/x", "a/b/c", "C:/x", "models\\x"])
def test_path_that_leads_nowhere_is_not_taken_for_a_name(reference: str) -> None:
    with pytest.raises(ModelError, match=r"no folder .*Give one that exists"):
        find_cross_encoder(reference).open()


def test_name_that_fastembed_lists_is_fetched_by_it_and_run_by_us(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("fastembed")
    from fastembed.rerank.cross_encoder.onnx_text_cross_encoder import OnnxTextCrossEncoder

    write_exported(tmp_path, file="onnx/model.onnx")
    asked: list[str] = []

    def download(description: Any, cache: str) -> Path:
        asked.append(description.model)
        return tmp_path

    monkeypatch.setattr(OnnxTextCrossEncoder, "download_model", download)
    monkeypatch.setenv("FASTEMBED_CACHE_PATH", str(tmp_path / "cache"))
    model = find_cross_encoder("xenova/ms-marco-MiniLM-L-6-v2")
    assert asked == [], "nothing is fetched before it is needed"
    assert model.name == "xenova/ms-marco-MiniLM-L-6-v2"
    assert model.open().score("red", ["red lamp"])[0].value == SEP_IN_COMMON + 1
    assert asked == ["Xenova/ms-marco-MiniLM-L-6-v2"]


def test_model_that_cannot_be_fetched_is_our_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("fastembed")
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("FASTEMBED_CACHE_PATH", str(tmp_path / "cache"))
    with pytest.raises(ModelError, match=r"fastembed could not download the reranker 'BAAI/bge-reranker-base'"):
        find_cross_encoder("BAAI/bge-reranker-base").open()


def test_torch_weights_without_the_extra_are_told_with_its_install_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "sentence_transformers", None)
    (tmp_path / "model.safetensors").touch()
    for reference in (str(tmp_path), "some-organisation/some-reranker"):
        with pytest.raises(MissingExtra, match=f"needs the extra 'torch'.*{re.escape(install_line('torch'))}"):
            find_cross_encoder(reference).open()


def test_name_without_either_library_is_told_with_both_install_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "fastembed", None)
    monkeypatch.setitem(sys.modules, "sentence_transformers", None)
    with pytest.raises(
        MissingExtra, match=rf"'x/y' is not a folder.*\[fastembed\]', or .*{re.escape(install_line('torch'))}"
    ):
        find_cross_encoder("x/y").open()


def test_finding_a_model_loads_nothing_heavy(tmp_path: Path) -> None:
    write_own(tmp_path)
    code = (
        "import sys; from resift.models.pair.loading import find_cross_encoder;"
        f"find_cross_encoder({str(tmp_path)!r}); find_cross_encoder('BAAI/bge-reranker-base');"
        "print(*{'onnxruntime', 'tokenizers', 'fastembed', 'torch'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""
