"""A file that marks the end of a step is there completely or not at all."""

from pathlib import Path

import pytest

from resift.training.mined import write_atomically


def test_text_is_written_and_nothing_is_left_beside_it(tmp_path: Path) -> None:
    for text in ("checkpoint-4", "checkpoint-8"):
        write_atomically(tmp_path / "best.txt", text)
        assert (tmp_path / "best.txt").read_text() == text
    assert [each.name for each in tmp_path.iterdir()] == ["best.txt"]


def test_write_that_breaks_off_leaves_no_file(tmp_path: Path) -> None:
    with pytest.raises(UnicodeEncodeError):
        write_atomically(tmp_path / "best.txt", "half \ud800")
    assert not (tmp_path / "best.txt").exists()
