"""A tiny BertModel, made once."""

from pathlib import Path
from typing import Any

import pytest

from resift.tests.training.tiny import write_base


@pytest.fixture(scope="session")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a BertModel with random weights."""
    torch: Any = pytest.importorskip("torch", reason="the extra [train] is not installed")
    torch.set_num_threads(1)  # two of them wait for each other where other programs are at work: 30 times as slow
    return write_base(tmp_path_factory.mktemp("base") / "tiny-bert")
