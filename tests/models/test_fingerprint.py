"""Models of one name are told apart by a sample of their bytes."""

from pathlib import Path

from resift.models.bundled import BLOCK_BYTES, BLOCKS, sampled_digest


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
