"""Models of one name are told apart by a sample of their bytes."""

from pathlib import Path
from typing import Any

import onnx
import pytest

from resift.models.bundled import BLOCK_BYTES, BLOCKS, sampled_digest
from resift.models.onnx_export import weight_files
from resift.models.pair.loading import find_cross_encoder
from resift.tests.models.rerankers import write_exported


def test_digest_is_of_the_content_wherever_it_lies(tmp_path: Path) -> None:
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "model").write_bytes(b"weights" * 100)
    assert sampled_digest([tmp_path / "a" / "model"]) == sampled_digest([tmp_path / "b" / "model"])


def test_other_weights_sizes_and_missing_files_are_told_apart(tmp_path: Path) -> None:
    large = bytes(range(256)) * (2 * BLOCKS * BLOCK_BYTES // 256)
    contents = {
        "large": large,
        "moved": bytes(each ^ 1 for each in large),
        "end": large[:-1] + b"!",
        "small": b"x",
        "none": b"",
    }
    for name, content in contents.items():
        (tmp_path / name).write_bytes(content)
    digests = [sampled_digest([tmp_path / name]) for name in contents]
    assert len(set(digests)) == len(digests)
    assert sampled_digest([tmp_path / "missing"]) == sampled_digest([tmp_path / "none"])


def move_weights(graph: Path, name: str) -> Path:
    """Write a graph again with its weights in another file, as every export of more than 2 GB has them."""
    library: Any = onnx
    model = library.load(graph)
    library.save_model(model, graph, save_as_external_data=True, location=name, size_threshold=0)
    return graph.parent / name


@pytest.mark.parametrize("name", ["model.onnx_data", "weights.bin", "w" * 200])
def test_files_with_the_weights_of_a_graph_are_found_among_others(tmp_path: Path, name: str) -> None:
    graph = write_exported(tmp_path) / "model.onnx"
    (tmp_path / "pytorch_model.bin").write_bytes(b"of another format")
    assert weight_files(graph) == []
    assert weight_files(tmp_path / "missing.onnx") == []
    weights = move_weights(graph, name)
    assert weight_files(graph) == [weights]


def test_exported_reranker_is_told_from_one_with_other_weights_in_another_file(tmp_path: Path) -> None:
    folder = write_exported(tmp_path / "reranker")
    alone = find_cross_encoder(str(folder)).digest
    assert alone == sampled_digest([folder / "model.onnx", folder / "tokenizer.json"]), "tunings name it"
    weights = move_weights(folder / "model.onnx", "model.onnx_data")
    before = find_cross_encoder(str(folder)).digest
    weights.write_bytes(bytes(each ^ 1 for each in weights.read_bytes()))
    assert before not in {alone, find_cross_encoder(str(folder)).digest}
